"""Instruction induction as a verifiable task, the catalog's contract, and what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from domains import catalog
from domains.language.tasks import TASKS
from domains.text.induction import induction
from domains.text.names import LANGUAGE
from poets_core.errors import InvalidSpec

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_task_of_instruction_induction(name: str) -> None:
    task = induction(name, 20, 10, seed=4)
    items = [*task.train, *task.held_out]
    assert (len(task.train), len(task.held_out)) == (20, 10)
    assert len({i.prompt for i in items}) == len({i.id for i in items}) == 30
    assert [v.reward for v in task.verify(items, [i.answer for i in items])] == [1.0] * 30
    assert [v.reward for v in task.verify(items, [""] * 30)] == [0.0] * 30
    assert induction(name, 40, 10, seed=4).held_out == task.held_out
    assert induction(name, 20, 10, seed=5).train != task.train


def test_the_names_are_those_of_the_language_tasks_and_templates_are_checked() -> None:
    assert LANGUAGE == TASKS
    assert induction("sum", 1, 0, template="Q: {input} A:").train[0].prompt.startswith("Q: ")
    with pytest.raises(InvalidSpec, match="once in the prompt"):
        induction("sum", 1, 0, template="no place")
    with pytest.raises(InvalidSpec, match="got 0"):
        induction("sum", 0, 0)


def test_every_verifiable_task_of_the_catalog_has_a_form_that_loads() -> None:
    params = {"text/reasoning-gym": {"task": "gcd"}, "text/tiny": {"task": "gcd"}, "text/induction": {"task": "sum"}}
    for known in catalog.verifiables():
        assert known.title
        assert known.summary
        if known.name in params:
            task = catalog.load_verifiable(known.name, {**params[known.name], "train": 3, "held_out": 2})
            assert (len(task.train), len(task.held_out)) == (3, 2)
            assert not {i.prompt for i in task.train} & {i.prompt for i in task.held_out}
    with pytest.raises(InvalidSpec, match="text/tiny"):
        catalog.load_verifiable("text/none", {})
    with pytest.raises(InvalidSpec, match="'tsk'"):
        catalog.load_verifiable("text/tiny", {"tsk": "gcd"})


def test_without_reasoning_gym_the_message_says_what_to_install_and_all_else_works() -> None:
    code = (
        "import sys; sys.modules['reasoning_gym'] = None\n"
        "from domains import catalog\n"
        "from poets_core.errors import MissingPackage\n"
        "print(len(catalog.load_verifiable('text/induction', {'task': 'sum', 'train': 3, 'held_out': 0}).train))\n"
        "for name in ('text/reasoning-gym', 'text/tiny'):\n"
        "    try:\n"
        "        catalog.load_verifiable(name, {'task': 'gcd'})\n"
        "    except MissingPackage as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    first, *messages = done.stdout.splitlines()
    assert first == "3"
    assert len(messages) == 2
    assert all("poets[text]" in m for m in messages)


def test_the_catalog_imports_nothing_heavy_for_its_names() -> None:
    code = (
        "import sys; from domains import catalog; catalog.verifiables(); "
        "print([m for m in ('numpy', 'reasoning_gym', 'sympy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
