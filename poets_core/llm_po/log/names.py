"""The names of columns and the outcome words that comparison logs use, as far as they mean one thing.

Arena exports, one-hot tables, annotations of pairs, judgments in both orders, chosen and rejected responses, sheets of
survey tools, and this program's own format and export. A word that means two things in two of them is in no list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from poets_core.spec.log_mapping import LONGEST_WORD, Meaning, Shown


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    words = text.split()
    return tuple(zip(words[::2], words[1::2], strict=True))


# Own format; arenas; pair judgments; annotations; surveys; preference data; our own export.
POLICIES = _pairs(
    "policy_a policy_b model_a model_b model_1 model_2 generator_1 generator_2 policy_1 policy_2 system_a system_b "
    "system_1 system_2 candidate_a candidate_b player_a player_b left_model right_model model_left model_right "
    "chosen_model rejected_model model_chosen model_rejected chosen_policy rejected_policy winner loser "
    "winner_model loser_model first second"
)
"""Columns with the names of the two policies of a row."""
WINNER_FIRST = frozenset({"chosen_model", "model_chosen", "chosen_policy", "winner", "winner_model"})
"""Those whose first column names who was preferred, in every row."""
CHOSEN = ("chosen", "rejected")
"""Columns of responses of which one was preferred; whose they are stands elsewhere, or nowhere."""
OUTCOMES = ("outcome", "winner", "preference", "preferred", "verdict", "judgment", "judgement", "winning_model", "vote")
WEAK_OUTCOMES = ("result", "label", "choice", "better", "score", "rating", "answer", "annotation")
"""Columns that may be an outcome where none of `OUTCOMES` is there."""
BOTH_ORDERS = ("g1_winner", "g2_winner")
"""Outcomes of one pair of responses, shown in this order and in the other."""
PROMPTS = _names(
    "prompt instruction question query user_prompt prompt_text input task stimulus item prompt_id question_id "
    "item_id task_id example_id"
)
JUDGES = _names(
    "judge judge_id annotator annotator_id rater rater_id evaluator evaluator_id labeler labeller participant "
    "participant_id worker worker_id prolific_pid reviewer judge_hash user_id"
)
CONVERSATIONS = _names(
    "conversation_id conversation chat_id dialogue_id dialog_id thread_id session_id session evaluation_session_id"
)
ORDERS = ("order", "shown_first", "first_shown", "presented_first", "presentation_order")
RESPONSES = _pairs(
    "response_a response_b response_1 response_2 output_1 output_2 output_a output_b answer_a answer_b "
    "answer_1 answer_2 completion_a completion_b conversation_a conversation_b first_response second_response "
    "chosen rejected"
)
OWN_EXPORT = frozenset({"index", "first", "second", "outcome", "skipped", "opinions", "details"})
"""Columns of this program's own table of comparisons, see `poets_core.runs.export.comparisons_csv`."""
REPLAYED = "replay"
"""What its column judge says where a log answered, whose order of presentation may be one that was drawn."""

# Each side as a letter and as a number, in the spellings of the formats above.
_SIDE = "{0} model_{0} policy_{0} response_{0} system_{0} assistant_{0} option_{0} {0}_wins {0}_is_better"
_NUMBERED = "model_{0} policy_{0} generator_{0} output_{0} response_{0}"
_SAYS: Mapping[Meaning, str] = {
    "first": f"{_SIDE.format('a')} {_NUMBERED.format(1)} a>b a>>b left first",
    "second": f"{_SIDE.format('b')} {_NUMBERED.format(2)} b>a b>>a right second",
    "tie": "tie draw equal = == a=b same equally_good both_good tie_bothgood tie_both_good about_the_same "
    "no_preference",
    "both-bad": "tie_bothbad tie_both_bad bothbad both_bad both_are_bad equally_bad",
    "leave-out": "nan null n/a na #n/a skip skipped error",
}
_KNOWN: list[tuple[str, Meaning]] = [(word, meaning) for meaning, text in _SAYS.items() for word in text.split()]
WORDS: Mapping[str, Meaning] = dict([("", "leave-out"), *_KNOWN])
"""Outcome word, as `word_key` writes it -> what it means."""
BY_PLACE = frozenset({"left", "right", "first", "second"})
"""Words that mean the place on the screen where a log says which was shown first, and the policy where it does not."""
_A_FIRST = "a-first a_first ab a,b a model_a policy_a model_1"
_B_FIRST = "b-first b_first ba b,a b model_b policy_b model_2"
_A_SHOWN: dict[str, Shown] = dict.fromkeys(_A_FIRST.split(), "first")
_B_SHOWN: dict[str, Shown] = dict.fromkeys(_B_FIRST.split(), "second")
ORDER_WORDS: Mapping[str, Shown] = {**_A_SHOWN, **_B_SHOWN}
"""Word of a column of orders, as `order_key` writes it -> the policy that was shown first."""
_JOIN = re.compile(r"[\s\-./]+")


def key_of(column: str) -> str:
    """Return the name of a column as it is looked up: no case, blanks, dashes and points as underscores."""
    return _JOIN.sub("_", column.strip()).strip("_").casefold() if len(column) <= LONGEST_WORD else ""


def word_key(word: str) -> str:
    """Return an outcome word as it is looked up: no case, no brackets around it, blanks as underscores."""
    if len(word) > LONGEST_WORD:
        return word
    # Brackets, signs and blanks are how a format writes a word, not another word.
    plain = word.strip().casefold()
    if plain in ("[[a]]", "[[b]]"):
        plain = plain[2:-2]
    if plain == "[[c]]":  # how judges of pairs are told to say that neither is better
        return "tie"
    if plain in ("n/a", "#n/a"):
        return plain
    for sign in (">>", ">", "="):  # A > B
        plain = plain.replace(f" {sign} ", sign)
    return "_".join(plain.replace("(", " ").replace(")", " ").replace("-", " ").split())


def order_key(word: str) -> str:
    """Return a word of the column of orders as it is looked up."""
    return "_".join(word.casefold().split()) if len(word) <= LONGEST_WORD else word
