"""Language tasks: right answers by another computation, keyed items, a rule that odd responses do not fool."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.catalog import tasks
from domains.language.judge import score
from domains.language.prompts import PLACE, fill, prompts
from domains.language.tasks import TASKS, Item, items
from domains.language.words import THINGS, WORDS
from poets_core.errors import InvalidSpec
from poets_core.lm.responses import turns


@pytest.mark.parametrize("task", TASKS)
def test_items_are_keyed_and_different(task):
    drawn = items(task, 60, seed=3)
    assert drawn == items(task, 60, seed=3)
    assert drawn[:20] == items(task, 20, seed=3)
    assert drawn != items(task, 60, seed=4)
    assert len({i.text for i in drawn}) == 60
    assert [i.index for i in drawn] == list(range(60))


def test_sums_are_sums():
    for item in items("sum", 300, seed=0):
        a, b = item.text.split(" ")
        assert item.answers == (str(int(a) + int(b)),)
        assert 1 <= int(a) <= 99
        assert 1 <= int(b) <= 99


def test_second_letters_are_second_letters():
    for item in items("second-letter", 300, seed=0):
        assert re.fullmatch(r"[a-z]([a-z])[a-z]+", item.text).group(1) == item.answers[0]


def test_counted_things_add_up_and_are_of_the_kind_asked_for():
    worth = {"a": 1, "an": 1, "two": 2, "three": 3}
    for item in items("object-counting", 300, seed=0):
        listed, kind = re.fullmatch(r"I have (.*)\. How many (?:musical )?(\w+) do I have\?", item.text).groups()
        parts = [p.split() for p in re.split(r",? and |, ", listed)]
        assert item.answers == (str(sum(worth[count] for count, _ in parts)),)
        singular = [re.sub(r"(?<=berr)ies$", "y", thing) for _, thing in parts]
        assert all(any(thing.startswith(t) for t in THINGS[kind]) for thing in singular)
        assert len({thing for _, thing in parts}) == len(parts) >= 2


def test_scrambled_words_have_one_pair_of_letters_exchanged():
    for item in items("word-unscrambling", 300, seed=0):
        assert item.text not in WORDS
        exchanged = {
            item.text[:i] + item.text[i + 1] + item.text[i] + item.text[i + 2 :] for i in range(1, len(item.text) - 2)
        }
        assert exchanged & set(item.answers)
        assert set(item.answers) <= set(WORDS)


def test_the_catalog_says_how_many_inputs_there_are():
    assert tuple(t.name for t in tasks()) == TASKS
    for task in tasks():
        assert len({i.text for i in items(task.name, task.most, seed=1)}) == task.most
        with pytest.raises(InvalidSpec, match=f"1 to {task.most} items"):
            items(task.name, task.most + 1, seed=1)


def test_unknown_tasks_are_refused():
    for call in (lambda: items("sums", 3, seed=0), lambda: score("sums", Item(0, "", ()), ""), lambda: prompts("sums")):
        with pytest.raises(InvalidSpec, match="Expected a language task"):
            call()


SUM, BIG = Item(0, "12 7", ("19",)), Item(0, "60 59", ("119",))
COUNT, LETTER, WORD = Item(0, "", ("8",)), Item(0, "apple", ("p",)), Item(0, "balck", ("black",))
RIGHT = [
    ("sum", SUM, ["19", "12 + 7 = 19", "The sum of 12 and 7 is 19.", "19 is the sum of 12 and 7", "12 7 -> 19"]),
    (
        "sum",
        SUM,
        [
            "nineteen",
            "12 plus 7 equals 19.0",
            "**19**",
            "１９",
            "019",
            "\x00\ud800 19",
            "7 + 12 is 19",
            "The answer is: 19",
        ],
    ),
    ("sum", BIG, ["119", "one hundred and nineteen", "a hundred nineteen", "One Hundred Nineteen."]),
    ("object-counting", COUNT, ["8", "eight", "2 + 3 + 3 = 8", "2 pears, 6 plums, a total of 8", "8 in total"]),
    ("object-counting", COUNT, ["There are two pears and six plums. The answer is eight."]),
    ("second-letter", LETTER, ["p", "P.", "The second letter of the word 'apple' is 'P'.", "**p**", "It's a p"]),
    ("second-letter", LETTER, ["a, p, p, l, e: the second letter is p", "Answer: p", "“p”"]),
    ("word-unscrambling", WORD, ["black", "Black.", "balck -> black", "The word is 'black', I think"]),
]
WRONG = [
    ("sum", SUM, ["", " ", "-19", "19.5", "12 + 7 = 9", "19th", "12", "12 7", "1９9", "eighteen", "no idea", "1 9"]),
    ("sum", SUM, ["9" * 5000, "12" + " " * 5000 + "7", "x" * 3000 + " 19", "nan", "inf", "18 or 19"]),
    ("sum", BIG, ["one hundred and nine", "nineteen", "11 9"]),
    ("object-counting", COUNT, ["twenty-eight", "2 pears and 6 plums", "eighty", "80", "0.8", "weight"]),
    ("second-letter", LETTER, ["a-p-p-l-e", "a", "pp", "a word", "It is a letter", "'a' then 'p'", "ⓟⓟ"]),
    ("word-unscrambling", WORD, ["balck", "blakc black", "blacks", "b l a c k", "lack", "black" * 2]),
]


@pytest.mark.parametrize(("task", "item", "response"), [(t, i, r) for t, i, rs in RIGHT for r in rs])
def test_right_answers_are_found(task, item, response):
    assert score(task, item, response) == 1.0


@pytest.mark.parametrize(("task", "item", "response"), [(t, i, r) for t, i, rs in WRONG for r in rs])
def test_wrong_answers_score_nothing(task, item, response):
    assert score(task, item, response) == 0.0


@pytest.mark.parametrize("task", TASKS)
def test_the_answer_of_another_item_is_wrong(task):
    drawn = items(task, 40, seed=2)
    for one, other in itertools.pairwise(drawn):
        assert score(task, one, one.answers[0]) == 1.0
        assert score(task, one, other.answers[0]) == float(other.answers[0] in one.answers)


@given(st.text(max_size=300), st.sampled_from(TASKS))
def test_any_text_is_judged(text, task):
    assert score(task, items(task, 1, seed=0)[0], text) in (0.0, 1.0)


@pytest.mark.parametrize("piece", ["1", "1,", " ", "12 ", "12*", "*'", "a ", "is ", "one hundred and ", "=", "'"])
def test_long_hostile_text_takes_no_time(piece):
    text = piece * (1_000_000 // len(piece))
    begin = time.process_time()
    for task in TASKS:
        score(task, items(task, 1, seed=0)[0], text)
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize("task", TASKS)
def test_prompts_take_the_input_once_and_are_chats(task):
    templates = prompts(task)
    assert len(templates) >= 8
    assert len(dict(templates)) == len({t for _, t in templates}) == len(templates)
    for _, template in templates:
        filled = fill(template, "so {it} is")
        assert filled.count("so {it} is") == 1
        assert PLACE not in filled
        assert turns(filled)[0]["role"] == "user"


@pytest.mark.parametrize("template", ["no place", "{input} {input}", "{ input }"])
def test_a_template_needs_one_place(template):
    with pytest.raises(InvalidSpec, match="once in the prompt"):
        fill(template, "x")
