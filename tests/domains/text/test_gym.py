"""Every task of reasoning-gym: items, right and empty answers, seeds, splits, in this process and in another one."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains import catalog
from domains.text.gym import generator_of
from domains.text.names import AWAY, GYM, REFUSED, TINY
from domains.text.reasoning import reasoning_gym
from domains.text.task import Task, answer_in
from domains.text.tiny import TASKS, pretraining, split_of, tiny
from domains.text.unsafe import arithmetic, formula, literal
from poets_core.errors import InvalidSpec
from tests.domains.text import solve

ROOT = Path(__file__).parents[3]
EASY: dict[str, dict[str, Any]] = {
    "futoshiki": {"max_board_size": 4, "max_difficulty": 0},
    "intermediate_integration": {"problem_types": ["linear"], "problem_type_weights": [1.0], "max_linear_degree": 2},
    "knight_swap": {"min_nodes": 6, "max_nodes": 6, "min_pieces": 1, "max_pieces": 1, "min_steps": 2},
    "sudoku": {"min_empty": 10, "max_empty": 12},
    "zebra_puzzles": {"num_people": 3, "num_characteristics": 3},
    "rush_hour": {"max_moves": 8},
}
"""Settings that are quick to make; all others have those of the package."""
UNSOLVED = {"boxnet": solve.boxnet, "rush_hour": solve.rush_hour}
"""Tasks of which the package tells no right answer -> who finds one."""
ELSEWHERE = sorted({*GYM} - AWAY | {"isomorphic_strings"})
"""Those that another process makes as well; starting one for each of `AWAY` takes long, and one stands for them."""
ALWAYS = {"game_of_life_halting"}
"""Its scorer takes any text for the truth."""


def made(task: str, seed: int = 3, train: int = 2, held_out: int = 1) -> Task:
    return reasoning_gym(task, train, held_out, seed, settings=json.dumps(EASY.get(task, {})))


def digest(task: Task) -> str:
    said = json.dumps([(i.id, i.prompt, i.answer, i.level) for i in (*task.train, *task.held_out)])
    return hashlib.sha256(said.encode()).hexdigest()


def test_every_registered_task_is_offered_or_refused_by_name() -> None:
    generator_of("gcd")  # imports the package
    from reasoning_gym.factory import DATASETS

    assert sorted(DATASETS) == sorted((*GYM, *REFUSED))
    for name in REFUSED:
        with pytest.raises(InvalidSpec, match=f"'{name}'"):
            catalog.load_verifiable("text/reasoning-gym", {"task": name})


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, str]:
    """Digests of the items of all tasks, made by another process with other hashes."""
    code = (
        "import json; from tests.domains.text.test_gym import GYM, digest, made; "
        "print(json.dumps({n: digest(made(n)) for n in GYM}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", GYM)
def test_a_task_makes_items_and_knows_right_from_empty(name: str, elsewhere: dict[str, str]) -> None:
    task = made(name)
    items = [*task.train, *task.held_out]
    assert (len(task.train), len(task.held_out)) == (2, 1)
    assert len({i.prompt for i in items}) == len({i.id for i in items}) == 3
    assert digest(task) == elsewhere.get(name, digest(task))
    right = [i.answer for i in items]
    if name in UNSOLVED:
        assert right == [""] * 3
        entries = generator_entries(task)
        right = [UNSOLVED[name](entries[i.id]["metadata"]) for i in items]
    verdicts = task.verify(items, right)
    assert [v.reward for v in verdicts] == [1.0] * 3, verdicts
    for answer in ("", "?", "I do not know.\n", "]" * 50, "\ud83d\udc4d"):
        for verdict in task.verify(items, [answer] * 3):
            assert verdict.reward is not None
            assert verdict.reward < 1 or (name in ALWAYS and answer), (answer, verdict)


def generator_entries(task: Task) -> dict[str, Any]:
    found: dict[str, Any] = task.judge.__self__.entries  # type: ignore[attr-defined]
    return found


def test_held_out_items_stay_when_more_are_trained_on_and_seeds_differ() -> None:
    one, more = (reasoning_gym("gcd", n, 20, seed=1) for n in (5, 50))
    assert one.held_out == more.held_out
    assert one.train == more.train[:5]
    assert not {i.prompt for i in more.train} & {i.prompt for i in more.held_out}
    assert one.held_out != reasoning_gym("gcd", 5, 20, seed=2).held_out


def test_prompts_are_different_also_where_there_are_few() -> None:
    task = reasoning_gym("gcd", 60, 30, seed=1, settings='{"max_value": 12}')
    assert len({i.prompt for i in (*task.train, *task.held_out)}) == 90


def test_levels_come_in_turn_and_settings_stand_above_them() -> None:
    task = reasoning_gym("chain_sum", 6, 0, levels="0-2", settings='{"min_terms": 2, "max_terms": 2}')
    assert [i.level for i in task.train] == ["0", "1", "2"] * 2
    assert {i.prompt.count(" + ") + i.prompt.count(" - ") for i in task.train} == {1}


@pytest.mark.parametrize(
    ("params", "says", "field"),
    [
        ({"task": "no_such"}, "'no_such'", "task"),
        ({"task": "gcd", "levels": "easy"}, "0-3", "levels"),
        ({"task": "gcd", "levels": "2-1"}, "different levels", "levels"),
        ({"task": "gcd", "levels": "1,1"}, "different levels", "levels"),
        ({"task": "gcd", "levels": "40"}, "levels 0 to 3", "levels"),
        ({"task": "acre", "levels": "0"}, "has none", "levels"),
        ({"task": "gcd", "settings": "{'a': 1}"}, "JSON object", "settings"),
        ({"task": "gcd", "settings": "[1]"}, "JSON object", "settings"),
        ({"task": "gcd", "settings": '{"seed": 1}'}, "parameters of their own", "settings"),
        ({"task": "gcd", "settings": '{"max_valu": 9}'}, "'max_valu'", "settings"),
        ({"task": "gcd", "settings": '{"max_value": "many"}'}, "settings that gcd takes", "settings"),
        ({"task": "gcd", "settings": '{"max_value": 4}'}, "got 16", "held_out"),
        ({"task": "gcd", "train": 0, "held_out": 0}, "got 0", "train"),
        ({"task": "ransom_note", "settings": '{"max_note_length": 0}'}, "settings that ransom_note takes", "settings"),
    ],
)
def test_what_cannot_be_asked_for_is_told(params: dict[str, Any], says: str, field: str) -> None:
    with pytest.raises(InvalidSpec, match=says) as found:
        catalog.load_verifiable("text/reasoning-gym", params)
    assert found.value.field == f"task.params.{field}"


def test_numpy_keeps_its_own_randomness_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    np.random.seed(7)  # noqa: NPY002
    wanted = np.random.random(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    before = random.getstate()
    made("list_functions")
    made("pool_matrix")
    made("bf")
    assert np.random.random(3).tolist() == wanted.tolist()  # noqa: NPY002
    assert random.getstate() == before
    assert capsys.readouterr().out == ""


def test_an_answer_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "run"
    attacks = [
        f"__import__('pathlib').Path({str(mark)!r}).touch()",
        f"[open({str(mark)!r}, 'w')]",
        f"lambdify((), 'open({str(mark)!r}, \"w\")')()",
    ]
    for name in (
        "polynomial_multiplication",
        "simple_integration",
        "string_insertion",
        "spiral_matrix",
        "binary_matrix",
        "n_queens",
        "countdown",
        "puzzle24",
    ):
        task = made(name)
        for verdict in task.verify([task.train[0]] * len(attacks), attacks):
            assert verdict.reward is not None
            assert verdict.reward < 0.1
    assert not mark.exists()


@pytest.mark.parametrize(
    ("check", "yes", "no"),
    [
        (
            literal,
            ["[1, 2]", "Q _ _\n_ Q _", "1 2 3", ""],
            ["a", "f()", "9**9**9", "[x for x in y]", "a.b", "[" + "1, " * 9999],
        ),
        (arithmetic, ["(1 + 2)*3/4 - 5", "24"], ["", "2**9", "a", "1;2", "1" * 201]),
        (
            formula,
            ["x**2/2 + C", "-3*x*sin(x) + 2", "x**(3/2)", "sqrt(x)*exp(2*x)", "7316*y + 11328", "(x + 1)**2"],
            [
                "",
                "9**9",
                "x**999",
                "x**(x**x)**9**9",
                "x.y",
                "x__y",
                "lambdify(x)",
                "x[0]",
                "'x'",
                "x!" * 20,
                "(9)**999",
            ],
        ),
    ],
)
def test_what_a_scorer_may_see(check: Any, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not check(text)] == []
    assert [text for text in no if check(text)] == []


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("<answer>4</answer>", "4"),
        ("so <answer> 3 </answer> no, <answer>\n4\n</answer>.", "4"),
        ("<answer>4", ""),
        ("4", ""),
        ("</answer><answer>", ""),
    ],
)
def test_answers_in_tags(response: str, answer: str) -> None:
    assert answer_in(response, True) == answer
    assert answer_in(response, False) == response.strip()
    task = reasoning_gym("gcd", 1, 0, answer_in="tags")
    item = task.train[0]
    assert [v.reward for v in task.verify([item] * 2, [f"I say <answer>{item.answer}</answer>", item.answer])] == [1, 0]


@pytest.mark.parametrize("name", TINY)
def test_the_tasks_of_the_small_model_keep_their_prompts_apart(name: str) -> None:
    task, other = tiny(name, 128, 128, seed=0), tiny(name, 64, 64, seed=1)
    trained = {i.prompt for i in pretraining(name, 200)}
    for items, split in ((task.train, "train"), (other.train, "train"), (task.held_out, "held-out")):
        assert {split_of(name, i.prompt) for i in items} == {split}
        assert not trained & {i.prompt for i in items}
        assert max(len(i.prompt) for i in items) <= 32
    # also between seeds: what one seed holds out no other learns from
    assert not {i.prompt for i in other.train} & {i.prompt for i in task.held_out}
    items = [*task.train, *task.held_out]
    assert {v.reward for v in task.verify(items, [i.answer for i in items])} == {1.0}
    assert max(v.reward or 0 for v in task.verify(items, [""] * len(items))) < 0.1
    assert set(TASKS) == set(TINY)
