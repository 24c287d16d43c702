"""The verdict of an experiment, made again from its answers; of a log, the answers from its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from poets_core.errors import InvalidInput, PoetsError
from poets_core.intake import shown
from poets_core.llm_po.comparison import Verdict
from poets_core.runs.event_fields import VerdictFacts
from poets_core.runs.events import Recorded, VerdictReached
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check, not_done
from poets_core.spec import ExperimentSpec
from poets_core.worker.experiment.ledger import Ledger
from poets_core.worker.experiment.sources.log import LogSource
from poets_core.worker.experiment.statistics import ExperimentStatistics

NAME, EVENTS = "verdict", "events.jsonl"
CLOSE = 1e-9
"""Relative difference up to which two error bounds count as equal."""


def recount(archive: Archive, spec: ExperimentSpec, events: Sequence[Recorded], folder: Path) -> Check:
    """Count the answers of an experiment again.

    Args:
        archive: of the run, for its log.
        spec, events: of the run.
        folder: empty; the log is written there.
    """
    chosen, wrong = spec.experiment, list[Finding]()
    try:
        # Only a log can be asked again; what people and models answered is taken as it stands.
        source = None
        if chosen.source == "log":
            if not chosen.log.startswith("table/") or chosen.log not in archive:
                raise InvalidInput(f"Expected the log in the archive, under table/, got {shown(chosen.log, 80)}.")
            path = folder / Path(chosen.log).name
            path.write_bytes(archive.read(chosen.log))
            source = LogSource(chosen.model_copy(update={"log": str(path)}), spec.seed)
        ledger = Ledger(line.event for line in events)
        counted = ledger.comparisons()
        if source is not None:
            wrong += _rows(ledger, source)
        statistics = ExperimentStatistics(chosen, spec.seed, None if source is None else source.sample)
        statistics.rebuild(counted)
        reached = next((line for line in events if isinstance(line.event, VerdictReached)), None)
        if reached is None or not isinstance(reached.event, VerdictReached):
            return not_done(NAME, f"none was reached; {len(counted):,} answers counted")
        found = statistics.verdict()
        # An experiment whose log is used up ends without one.
        verdict = Verdict("undecided", None, None, len(counted), statistics.left()) if found is None else found
        # What is withheld for the judge's sake follows from the counts too.
        verdict = verdict if found is None else statistics.withheld(verdict)[0]
        wrong += _differing(statistics.verdict_facts(verdict), reached.event, f"event {reached.seq} (verdict)")
    except (PoetsError, KeyError, ValueError) as error:
        return check(NAME, "not counted", [Finding(EVENTS, f"Expected answers that can be counted, got: {error}")])
    rows = "" if source is None else ", each against its row of the log"
    return check(NAME, f"{len(counted):,} answers counted again{rows}", wrong)


def _rows(ledger: Ledger, source: LogSource) -> Iterator[Finding]:
    """Yield the answers that the log does not give."""
    for index, presented in ledger.asked.items():
        said = ledger.view.pairs[index].outcome
        if said is not None and (right := source.judge(presented).outcome) != said:
            message = f"Expected {right!r} as row {presented.row} of the log says, got {said!r}."
            yield Finding(EVENTS, message, f"pair {index}", "outcome")


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
