"""A log of comparisons as source: nobody is asked, rows are used one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.comparison import Pair, Two, two
from poets_core.llm_po.log import before, order_bias, read_rows, read_table, warnings
from poets_core.llm_po.log.further import further_rows
from poets_core.llm_po.order import order_effect
from poets_core.llm_po.replay import without_responses
from poets_core.llm_po.sample import Sample
from poets_core.runs.artifacts import sha256_of
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import JsonObject, PresentedPair
from poets_core.spec import ExperimentSettings
from poets_core.worker.experiment.sources.source import Exhausted, Judged

_NOT_APART = "order of presentation and quality cannot be told apart there, and nothing that rests on it is certified"


class LogSource:
    """Rows of a comparison log, those of each pair in a keyed order; see `ResponseSource`."""

    def __init__(self, spec: ExperimentSettings, seed: int) -> None:
        """Read the log.

        Raises:
            InvalidComparisons: it is unreadable or contradicts itself; the message names the row.
        """
        self._spec, path = spec, Path(spec.log)
        names = [p.name for p in spec.policies]
        table = read_table(path)
        self._mapping = before(table) if spec.mapping is None else spec.mapping
        self._log, self._tables = read_rows(table, self._mapping, names), [table]
        self._names, self._all = names, self._log.rows
        self._sample = Sample(self._all, names, seed)
        self._shas = [sha256_of(path.read_bytes())]
        self._prompts = {text: i for i, text in enumerate(dict.fromkeys(row.prompt for row in self._all))}

    def further(self, path: Path, sha256: str = "") -> tuple[int, list[str], str]:
        """Take in the rows of a further file, by the mapping of the first.

        Args:
            path: of the file.
            sha256: that it had before; "" where it is new.

        Returns:
            how many rows count, what was left out in sentences, and the file's SHA-256.

        Raises:
            InvalidComparisons: it cannot be read, has changed, was taken in before, or adds nothing.
        """
        if not path.is_file():
            raise InvalidComparisons(f"Expected the further log {path.name} among the uploads of the store, got none.")
        found = sha256_of(path.read_bytes())
        if sha256 and found != sha256:
            raise InvalidComparisons(f"Expected the further log {path.name} as it was, got other contents.")
        if found in self._shas:
            raise InvalidComparisons(f"Expected a file with further rows, got {path.name}, which is counted already.")
        table = read_table(path)
        rows = further_rows(self._tables, table, self._mapping, self._names)
        # Before anything is taken in: a worker that found it out later would fail at every Resume.
        if self._spec.audit and (bare := without_responses(rows)) is not None:
            raise InvalidComparisons(
                f"Expected both responses in every further row of an audit, so that people can judge them, got row "
                f"{bare} of {path.name} without."
            )
        count, said = self._sample.add(rows)
        self._tables.append(table)
        self._shas.append(found)
        for row in self._sample.rows[-count:]:
            self._prompts.setdefault(row.prompt, len(self._prompts))
        return count, said, found

    @property
    def instant(self) -> bool:
        """See `ResponseSource`."""
        return True

    @property
    def info(self) -> None:
        """See `ResponseSource`; a log knows of no problem."""
        return None

    @property
    def facts(self) -> JsonObject:
        """See `ResponseSource`; warns of a judge who prefers what is shown first, or last, and of dependent rows."""
        appears = Counter(name for row in self._all for name in (row.first, row.second))
        facts: JsonObject = {
            "source": "log",
            "policies": [{"name": name, "rows": appears[name]} for name in self._names],
            "warnings": [],
            "rows": len(self._all),
            "sha256": self._shas[0],
            "order_bias": None,
            "dependence": self._sample.dependence.sentence(),
            "order": [],
        }
        if (effect := order_effect(self._all)) is not None:
            facts["order"].append(effect.sentence())
        if self._sample.dependence.dependent and self._spec.space == "bradley-terry":
            facts["dependence"] += " A Bradley-Terry model takes rows as independent, so that it decides nothing here."
        facts["order"] += [f"{pair.sentence()}: {_NOT_APART}." for pair in self._sample.orders.values()]
        # Of pairs that were shown in one order nobody can know it.
        bias = order_bias([row for row in self._all if two(row.first, row.second) not in self._sample.orders])
        if bias is not None:
            facts["order_bias"] = {"first": bias.first, "decided": bias.decided, "p_value": bias.p_value}
            if bias.suspicious:
                facts["warnings"].append(
                    f"The response shown first won {bias.first} of {bias.decided} decided comparisons "
                    f"({bias.first / bias.decided:.0%}; two-sided p = {bias.p_value:.2g}): the judge is swayed by the "
                    "order of presentation. Where orders are not balanced, so is the verdict."
                )
        # What came with the mapping; the facts of a run that began before stay what they were.
        if self._spec.mapping is not None:
            facts["left_out"] = dict(self._log.left_out)
            facts["warnings"] += warnings(self._log, order=False)
        return facts

    @property
    def sample(self) -> Sample:
        """See `ResponseSource`."""
        return self._sample

    def prepare(self, step: Callable[[Doing], None]) -> None:
        """See `ResponseSource`; all is there."""

    def responses(self, pairs: Sequence[Pair]) -> list[PresentedPair]:
        """See `ResponseSource`; the first is whom the log says was shown first, where it says so."""
        # Pairs are counted when they are in the log as asked, and a worker may be cut off before that.
        taken: Counter[Two] = Counter()
        out: list[PresentedPair] = []
        for pair in pairs:
            which = two(pair.first, pair.second)
            row = self._sample.replay.upcoming(pair.first, pair.second, taken[which])
            if row is None:
                if not out:
                    raise Exhausted(f"the log has no further comparison of {pair.first!r} and {pair.second!r}")
                break
            taken[which] += 1
            # Where the log says who was shown first, the pair says so too. Where it does not, the experiment has drawn
            # the order, and the responses are turned round with it.
            turned = not row.ordered and row.first != pair.first  # shown in the order of the experiment
            first, second = (row.second, row.first) if turned else (row.first, row.second)
            said = (row.responses[1], row.responses[0]) if turned else row.responses
            item = self._prompts[row.prompt]
            out.append(PresentedPair(pair.index, first, second, item, row.prompt, said, row=row.index))
        return out

    def count(self, pair: PresentedPair) -> None:
        """See `ResponseSource`."""
        self._sample.replay.use(pair.row)

    def judge(self, pair: PresentedPair) -> Judged:
        """What the log says."""
        row = self._sample.replay.row(pair.row)
        details: dict[str, object] = {"row": row.number}
        if row.both_bad:
            details["both_bad"] = True
        if row.outcome == "tie" or row.first == pair.first:
            return Judged(row.outcome, details)
        return Judged("first" if row.outcome == "second" else "second", details)
