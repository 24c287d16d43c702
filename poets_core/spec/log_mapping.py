"""How a comparison log is read: which column says what, and what each outcome word means."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from poets_core.spec.base import SpecModel

Meaning: TypeAlias = Literal["first", "second", "tie", "both-bad", "leave-out"]
Shown: TypeAlias = Literal["first", "second", "unknown"]
MEANINGS: dict[Meaning, str] = {
    "first": "policy one was preferred",
    "second": "policy two was preferred",
    "tie": "a tie",
    "both-bad": "a tie: both bad",
    "leave-out": "leave these rows out",
}
"""What an outcome word can mean, in words."""
MOST_WORDS = 60
"""Different outcome words of a log; numbers are read by `LogMapping.middle` where there are more."""
MOST_POLICIES = 300
"""Policies of an experiment on a log."""
LONGEST_NAME = 200
"""Characters of a policy's name."""
LONGEST_WORD = 300
"""Characters of an outcome word, and of the name of a column."""
MOST_OUTCOMES = 8
"""Columns of a one-hot outcome."""

Column: TypeAlias = Annotated[str, Field(max_length=LONGEST_WORD)]
Text: TypeAlias = Annotated[str, Field(max_length=LONGEST_WORD)]


class LogMapping(SpecModel):
    """What the columns and words of a comparison log mean; an empty text names no column.

    The policies of a row are called one and two: those in the columns `first` and `second`.

    Attributes:
        first, second: columns with the names of policy one and policy two.
        first_name, second_name: their names where no column has them.
        outcome: the column with the outcome; several columns of 0 and 1 for one-hot outcomes, each a word.
        always_first: policy one was preferred in every row (chosen and rejected responses); there is no outcome then.
        swapped: column with a second outcome of the row, where the judge saw policy two first.
        words: outcome word as the log writes it -> what it means; a word that is missing here is an error.
        by_name: an outcome that is the name of one of the row's policies says that this one was preferred.
        middle, higher: numbers as outcomes: a tie exactly at `middle`, above it `higher` was preferred, below it the
            other. None: numbers are words.
        prompt, judge, conversation: columns by which rows belong together.
        order: column that says which response was shown first, by a word of `order_words` or by the policy's name.
        order_words: word of that column -> the policy that was shown first.
        shown: which policy was shown first in every row, where no column says it.
        first_response, second_response: columns with what was answered.
        first_cost, second_cost: columns with what each response cost: tokens, money or seconds; 0 or more.
        copies: rows that are equal in every cell count once, or all.
    """

    first: Column = ""
    second: Column = ""
    first_name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    second_name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    outcome: Annotated[tuple[Column, ...], Field(max_length=MOST_OUTCOMES)] = ()
    always_first: bool = False
    swapped: Column = ""
    words: Annotated[dict[Text, Meaning], Field(max_length=2 * MOST_WORDS)] = Field(default_factory=dict)
    by_name: bool = False
    middle: float | None = None
    higher: Literal["first", "second"] = "second"
    prompt: Column = ""
    judge: Column = ""
    conversation: Column = ""
    order: Column = ""
    order_words: Annotated[dict[Text, Shown], Field(max_length=MOST_WORDS)] = Field(default_factory=dict)
    shown: Shown = "unknown"
    first_response: Column = ""
    second_response: Column = ""
    first_cost: Column = ""
    second_cost: Column = ""
    copies: Literal["once", "all"] = "once"


BEFORE = LogMapping(
    first="policy_a",
    second="policy_b",
    outcome=("outcome",),
    words={"a": "first", "b": "second", "tie": "tie"},
    prompt="prompt",
    order="order",
    order_words={"a-first": "first", "b-first": "second"},
    first_response="response_a",
    second_response="response_b",
    copies="all",
)
"""How logs were read before a spec said it: what a spec without a mapping means. Columns that need not be there
(order, responses) are left alone where they are not."""
