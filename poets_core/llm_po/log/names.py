"""The names of columns and the outcome words that comparison logs use, as far as they mean one thing.

Arena exports, one-hot tables, annotations of pairs, judgments in both orders, chosen and rejected responses, sheets of
survey tools, and this program's own format and export. A word that means two things in two of them is in no list.
"""

from __future__ import annotations

import re

from poets_core.spec.log_mapping import Meaning, Shown

POLICIES = (
    ("policy_a", "policy_b"), ("model_a", "model_b"), ("model_1", "model_2"), ("generator_1", "generator_2"),
    ("policy_1", "policy_2"), ("system_a", "system_b"), ("system_1", "system_2"), ("candidate_a", "candidate_b"),
    ("player_a", "player_b"), ("left_model", "right_model"), ("model_left", "model_right"),
    ("chosen_model", "rejected_model"), ("model_chosen", "model_rejected"), ("chosen_policy", "rejected_policy"),
    ("winner", "loser"), ("winner_model", "loser_model"), ("first", "second"),
)  # fmt: skip
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
PROMPTS = (
    "prompt", "instruction", "question", "query", "user_prompt", "prompt_text", "input", "task", "stimulus", "item",
    "prompt_id", "question_id", "item_id", "task_id", "example_id",
)  # fmt: skip
JUDGES = (
    "judge", "judge_id", "annotator", "annotator_id", "rater", "rater_id", "evaluator", "evaluator_id", "labeler",
    "labeller", "participant", "participant_id", "worker", "worker_id", "prolific_pid", "reviewer", "judge_hash",
    "user_id",
)  # fmt: skip
CONVERSATIONS = (
    "conversation_id", "conversation", "chat_id", "dialogue_id", "dialog_id", "thread_id", "session_id", "session",
    "evaluation_session_id",
)  # fmt: skip
ORDERS = ("order", "shown_first", "first_shown", "presented_first", "presentation_order")
RESPONSES = (
    ("response_a", "response_b"), ("response_1", "response_2"), ("output_1", "output_2"), ("output_a", "output_b"),
    ("answer_a", "answer_b"), ("answer_1", "answer_2"), ("completion_a", "completion_b"),
    ("conversation_a", "conversation_b"), ("first_response", "second_response"), CHOSEN,
)  # fmt: skip
OWN_EXPORT = frozenset({"index", "first", "second", "outcome", "skipped", "opinions", "details"})
"""Columns of this program's own table of comparisons, see `poets_core.runs.export.comparisons_csv`."""
PROGRAMS = frozenset({"replay", "oracle", "reference"})
"""What its column judge says where no person judged."""

_SIDES = (
    ("first", ("a", "model_a", "policy_a", "response_a", "system_a", "assistant_a", "option_a", "model_1", "policy_1",
               "generator_1", "output_1", "response_1", "a>b", "a>>b", "a_wins", "a_is_better", "left", "first")),
    ("second", ("b", "model_b", "policy_b", "response_b", "system_b", "assistant_b", "option_b", "model_2", "policy_2",
                "generator_2", "output_2", "response_2", "b>a", "b>>a", "b_wins", "b_is_better", "right", "second")),
    ("tie", ("tie", "draw", "equal", "=", "==", "a=b", "same", "equally_good", "both_good", "tie_bothgood",
             "tie_both_good", "about_the_same", "no_preference")),
    ("both-bad", ("tie_bothbad", "tie_both_bad", "bothbad", "both_bad", "both_are_bad", "equally_bad")),
    ("leave-out", ("", "nan", "null", "n/a", "na", "#n/a", "skip", "skipped", "error")),
)  # fmt: skip
WORDS: dict[str, Meaning] = {word: meaning for meaning, words in _SIDES for word in words}  # type: ignore[misc]
BY_PLACE = frozenset({"left", "right", "first", "second"})
"""Words that mean the place on the screen where a log says which was shown first, and the policy where it does not."""
ORDER_WORDS: dict[str, Shown] = {
    "": "unknown", "a-first": "first", "b-first": "second", "a_first": "first", "b_first": "second", "ab": "first",
    "ba": "second", "a,b": "first", "b,a": "second", "a": "first", "b": "second", "model_a": "first",
    "model_b": "second", "policy_a": "first", "policy_b": "second", "model_1": "first", "model_2": "second",
}  # fmt: skip
_JOIN = re.compile(r"[\s\-./]+")


def key_of(column: str) -> str:
    """Return the name of a column as it is looked up: no case, blanks, dashes and points as underscores."""
    return _JOIN.sub("_", column.strip()[:300]).strip("_").casefold()


def word_key(word: str) -> str:
    """Return an outcome word as it is looked up: no case, no brackets around it, blanks as underscores."""
    plain = word.strip()[:300].casefold()
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
    return "_".join(word.strip()[:300].casefold().split())
