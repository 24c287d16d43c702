"""A log of comparisons as source: nobody is asked, rows are used one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Pair
from poets_core.llm_po.log import Row, order_bias, read_log, warnings
from poets_core.runs.artifacts import sha256_of
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import JsonObject, PresentedPair
from poets_core.spec import ExperimentSettings
from poets_core.worker.experiment.sources.source import Exhausted, Judged

Two = tuple[str, str]


def _two(first: str, second: str) -> Two:
    return (first, second) if first < second else (second, first)


class LogSource:
    """Rows of a comparison log, those of each pair in a keyed order; see `ResponseSource`."""

    def __init__(self, spec: ExperimentSettings, seed: int) -> None:
        """Read the log.

        Raises:
            InvalidComparisons: it is unreadable or contradicts itself; the message names the row.
        """
        path = Path(spec.log)
        names = [p.name for p in spec.policies]
        self._log = read_log(path, names, spec.mapping)
        self._names, self._all = names, self._log.rows
        self._mapped = spec.mapping is not None
        self._sha256 = sha256_of(path.read_bytes())
        self._rows: dict[Two, list[Row]] = {}
        for row in self._all:
            self._rows.setdefault(_two(row.first, row.second), []).append(row)
        for two, rows in self._rows.items():
            # A log may be sorted by outcome or by time. In a keyed random order each prefix is a fair sample of the
            # pair's comparisons.
            order = rng_for(seed, "replay", *two).permutation(len(rows))
            self._rows[two] = [rows[i] for i in order]
        self._by_index = {row.index: row for row in self._all}
        self._prompts = {text: i for i, text in enumerate(dict.fromkeys(row.prompt for row in self._all))}
        self._used: Counter[Two] = Counter()

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
            "sha256": self._sha256,
            "order_bias": None,
        }
        bias = order_bias(self._all)
        if bias is not None:
            facts["order_bias"] = {"first": bias.first, "decided": bias.decided, "p_value": bias.p_value}
            if bias.suspicious:
                facts["warnings"].append(
                    f"The response shown first won {bias.first} of {bias.decided} decided comparisons "
                    f"({bias.first / bias.decided:.0%}; two-sided p = {bias.p_value:.2g}): the judge is swayed by the "
                    "order of presentation. Where orders are not balanced, so is the verdict."
                )
        if self._mapped:  # what came with the mapping; the facts of a run that began before stay what they were
            facts["left_out"] = dict(self._log.left_out)
            facts["warnings"] += warnings(self._log)
        return facts

    def prepare(self, step: Callable[[Doing], None]) -> None:
        """See `ResponseSource`; all is there."""

    def responses(self, pairs: Sequence[Pair]) -> list[PresentedPair]:
        """See `ResponseSource`; the first is whom the log says was shown first, where it says so."""
        # A copy: pairs are counted when they are in the log as asked, and a worker may be cut off before that.
        used = self._used.copy()
        out: list[PresentedPair] = []
        for pair in pairs:
            two = _two(pair.first, pair.second)
            rows = self._rows.get(two, [])
            if used[two] >= len(rows):
                if not out:
                    raise Exhausted(
                        f"the log has no further comparison of {pair.first!r} and {pair.second!r} "
                        f"(all {len(rows)} are used)"
                    )
                break
            row = rows[used[two]]
            used[two] += 1
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
        self._used[_two(pair.first, pair.second)] += 1

    def judge(self, pair: PresentedPair) -> Judged:
        """What the log says."""
        row = self._by_index[pair.row]
        details: dict[str, object] = {"row": row.number}
        if row.both_bad:
            details["both_bad"] = True
        if row.outcome == "tie" or row.first == pair.first:
            return Judged(row.outcome, details)
        return Judged("first" if row.outcome == "second" else "second", details)
