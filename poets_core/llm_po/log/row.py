"""One comparison of a log, what is left out of a log and why, and whether the order of presentation matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from poets_core.llm_po.comparison import Outcome
from poets_core.spec.log_mapping import Meaning

SUSPICIOUS = 0.01
"""Two-sided p-value below which the order of presentation is said to matter."""
LeftOut = Literal["blank", "no name", "itself", "other policies", "word", "copy"]
LEFT_OUT: dict[LeftOut, str] = {
    "blank": "without any cell",
    "no name": "without the name of a policy",
    "itself": "of a policy compared with itself",
    "other policies": "of other policies",
    "word": "with an outcome that is left out",
    "copy": "equal to an earlier row in every cell",
}
"""Why a row does not count, in the words of a report: "3 rows of other policies"."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison of a log.

    Attributes:
        index: of the comparison among those that count, from 1; a row that was judged in both orders makes two.
        number: of the row, as a spreadsheet shows it (the header is 1); of JSON, records from 1.
        prompt: text.
        first, second: policies, in the order shown where the log says it, else one and two.
        outcome: which was preferred.
        responses: of the first and of the second, ``""`` where the log has none.
        ordered: whether the log says which was shown first.
        judge, conversation: who judged, and in which conversation; ``""`` where the log does not say it.
        both_bad: a tie because neither was good.
        costs: of the response of the first and of the second, in the log's unit; None where it says none.
    """

    index: int
    number: int
    prompt: str
    first: str
    second: str
    outcome: Outcome
    responses: tuple[str, str]
    ordered: bool
    judge: str = ""
    conversation: str = ""
    both_bad: bool = False
    costs: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class Word:
    """One outcome word of a log.

    Attributes:
        text: as the log writes it.
        count: rows that say it.
        number: the first of them.
        meaning: that is proposed for it; None: nobody can know.
    """

    text: str
    count: int
    number: int
    meaning: Meaning | None = None


@dataclass(frozen=True)
class ReadLog:
    """A log as an experiment uses it.

    Attributes:
        rows: that count, in the order of the file.
        policies: name -> rows of the whole log in which it stands, in order of appearance.
        left_out: why -> how many rows do not count.
        words_out: outcome word -> rows that are left out for it.
        notes: what was recognised or passed over, in sentences without an end.
        by_name_alone: says that the winner wins by what it is called, ``""`` where it does not.
    """

    rows: tuple[Row, ...]
    policies: Mapping[str, int]
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)
    words_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    by_name_alone: str = ""


@dataclass(frozen=True)
class OrderBias:
    """Whether the response shown first was preferred too often.

    Attributes:
        first: comparisons that the response shown first won.
        decided: comparisons whose order is known and that are no ties.
        p_value: two-sided, of "either order is preferred half the time".
    """

    first: int
    decided: int
    p_value: float

    @property
    def suspicious(self) -> bool:
        """Whether the order of presentation matters beyond chance."""
        return self.p_value < SUSPICIOUS


def order_bias(rows: Sequence[Row]) -> OrderBias | None:
    """Test whether the response shown first wins half the time; None where no order is known."""
    decided = [row.outcome for row in rows if row.ordered and row.outcome != "tie"]
    if not decided:
        return None
    # Ties say nothing of the place: an exact binomial test of the decided ones.
    from scipy.stats import binomtest  # a second to import, and reading a log does without

    first = decided.count("first")
    return OrderBias(first, len(decided), float(binomtest(first, len(decided)).pvalue))
