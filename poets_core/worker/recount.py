"""The verdicts of an experiment, made again from its answers; of a log, the answers from its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from domains.language.comparing import both, read_reply
from poets_core.errors import InvalidInput, PoetsError
from poets_core.intake import shown
from poets_core.llm_po.audit.audit import Planned
from poets_core.llm_po.comparison import Verdict
from poets_core.runs.audit_events import Audited
from poets_core.runs.event_fields import JsonObject, VerdictFacts
from poets_core.runs.events import Compared, Recorded, VerdictReached
from poets_core.runs.laboratory_events import Extended
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check, not_done
from poets_core.runs.verify.log import EVENTS
from poets_core.spec import ExperimentSpec
from poets_core.worker.experiment.audit_statistics import AuditStatistics
from poets_core.worker.experiment.ledger import Ledger
from poets_core.worker.experiment.sources.log import LogSource
from poets_core.worker.experiment.statistics import ExperimentStatistics

NAME = "verdict"
CLOSE = 1e-9
"""Relative difference up to which two error bounds count as equal."""


def recount(archive: Archive, spec: ExperimentSpec, events: Sequence[Recorded], folder: Path) -> Check:
    """Count the answers of an experiment again, up to each verdict: one that was undecided may have gone on.

    Args:
        archive: of the run, for its log and further rows.
        spec, events: of the run.
        folder: empty; logs are written there.
    """
    wrong = list[Finding]()
    try:
        counting = _Counting(archive, spec, folder)
        for line in events:
            counting.ledger.add(line.event)
            wrong += counting.taken(line)
    except (PoetsError, KeyError, ValueError) as error:
        return check(NAME, "not counted", [Finding(EVENTS, f"Expected answers that can be counted, got: {error}")])
    n = len(counting.counted())
    if not counting.verdicts and not wrong:
        return not_done(NAME, f"none was reached; {n:,} answers counted")
    # What people and models answered is taken as it stands; only a log can be asked again.
    rows = "" if counting.source is None else ", each against its row of the log"
    return check(NAME, f"{n:,} answers counted again{rows}; verdicts: {counting.verdicts}", wrong)


class _Counting:
    """The events of an experiment taken in one after the other, with what follows from those before."""

    def __init__(self, archive: Archive, spec: ExperimentSpec, folder: Path) -> None:
        self._archive, self._spec, self._folder = archive, spec, folder
        self.ledger, self.verdicts = Ledger(), 0
        self._draws = AuditStatistics(spec.experiment, spec.seed).audit
        self.source: LogSource | None = None
        if (chosen := spec.experiment).source == "log":
            path = self._written(chosen.log)
            self.source = LogSource(chosen.model_copy(update={"log": str(path)}), spec.seed)

    def _written(self, name: str) -> Path:
        return self._archive.write_table(name, self._folder, "the log")

    def taken(self, line: Recorded) -> Iterator[Finding]:
        """Yield what is wrong with an event that the ledger has just taken in."""
        row = f"event {line.seq} ({line.kind})"
        match line.event:
            case Extended(refused="", log=log) as event if log:
                yield from self._further(event, row)
            case Audited() as event:
                yield from self._audited(event)
            case Compared(answer=None) as event:
                # In an audit the judge's word stands in `audited`, which has been looked at.
                audited = self.ledger.audited.get(event.index)
                right = self._said(event.index, event.details) if audited is None else audited.verdict
                yield from self._word(event.index, "outcome", event.outcome, right)
            case VerdictReached() as event:
                self.verdicts += 1
                yield from _differing(self._verdict(), event, row)

    def _further(self, event: Extended, row: str) -> Iterator[Finding]:
        if self.source is None:
            raise InvalidInput("Expected further rows with an experiment on a log alone, got them with another source.")
        rows, said, _ = self.source.further(self._written(f"table/{event.log}"), event.sha256)
        for name, new, old in (("rows", rows, event.rows), ("said", tuple(said), event.said)):
            if new != old:
                yield Finding(EVENTS, f"Expected {shown(new)} as read again, got {shown(old)}.", row, name)

    def _said(self, index: int, details: JsonObject) -> str | None:
        """Return what the judge of a pair said, None where nothing shows it."""
        if self.source is not None:
            return self.source.judge(self.ledger.asked[index]).outcome
        if self._spec.experiment.judge == "model":
            shown_first, swapped = (read_reply(str(reply)) for reply in details["replies"])
            return both(shown_first, swapped)[0]
        return None

    def _word(self, index: int, field: str, got: str, right: str | None) -> Iterator[Finding]:
        if right is not None and got != right:
            whose = "its replies say" if self.source is None else f"row {self.ledger.asked[index].row} of the log says"
            yield Finding(EVENTS, f"Expected {right!r} as {whose}, got {got!r}.", f"pair {index}", field)

    def _audited(self, event: Audited) -> Iterator[Finding]:
        yield from self._word(event.index, "verdict", event.verdict, self._said(event.index, event.details))
        # Whom people were asked about is drawn, so that nobody can leave out what does not please.
        share = Planned(event.predicted, event.shares, event.stakes).share(event.verdict)
        if (person := self._draws.audited(event.index, share)) != event.person:
            said = f"Expected {person} as drawn again with the share {share:.4g}, got {event.person}."
            yield Finding(EVENTS, said, f"pair {event.index}", "person")

    def counted(self) -> Sequence[object]:
        """What counts so far: answers, in an audit the judge's verdicts with the labels of people."""
        return self.ledger.judgements() if self._spec.experiment.audit else self.ledger.comparisons()

    def _verdict(self) -> VerdictFacts:
        """Return what follows from all that was counted so far, with the budget of then."""
        budget = self.ledger.view.budget or self._spec.experiment.budget
        chosen, seed = self._spec.experiment.model_copy(update={"budget": budget}), self._spec.seed
        # An experiment whose log is used up ends without a verdict of its own.
        if chosen.audit:
            audit = AuditStatistics(chosen, seed, self.ledger.judgements())
            return audit.verdict_facts(audit.verdict() or audit.undecided())
        statistics = ExperimentStatistics(chosen, seed, None if self.source is None else self.source.sample)
        statistics.rebuild(self.ledger.comparisons())
        if (found := statistics.verdict()) is None:
            n, left = statistics.comparisons, statistics.left()
            return statistics.verdict_facts(Verdict("undecided", None, None, n, left))
        # What is withheld for the judge's sake follows from the counts too.
        return statistics.verdict_facts(statistics.withheld(found)[0])


def _differing(now: VerdictFacts, then: VerdictReached, row: str) -> Iterator[Finding]:
    for name in ("kind", "policy", "error_bound", "comparisons", "left", "rule"):
        new, old = getattr(now, name), getattr(then, name)
        # Logarithms and sums have other last bits elsewhere.
        if isinstance(new, float) and isinstance(old, float):
            same = math.isclose(new, old, rel_tol=CLOSE)
        else:
            same = new == old
        if not same:
            yield Finding(EVENTS, f"Expected {shown(new)} as counted again, got {shown(old)}.", row, name)
