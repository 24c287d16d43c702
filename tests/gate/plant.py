"""Plant faults one by one and see that `make check` finds each.

    python -m tests.gate.plant
    python -m tests.gate.plant --only tempering

Every fault goes into a copy of the tree, whose check must pass before and fail after, for the reason that is stated. A
fault whose place in the sources is no longer there, or there twice, is an error: this table must not rot.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
RUFF = "ruff check"
MYPY = "mypy"
CIRCLES = "tests/gate/test_circles.py::test_no_modules_import_each_other"
IMPORTS = "tests/test_architecture.py::test_imports_go_the_way_they_may"
TRAINER = "poets_core/fit/trainer.py"


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: what is wrong.
        file, old, new: where; `old` stands there exactly once.
        check: what finds it: `RUFF`, `MYPY`, or the id of a test.
        says: what the check then says, among other things.
    """

    name: str
    file: str
    old: str
    new: str
    check: str
    says: str


FAULTS = (
    Fault(
        "undefined name, linter",
        "poets_core/keyed.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\n\ndef planted() -> int:\n    return nowhere\n",
        RUFF,
        "F821",
    ),
    Fault(
        "undefined name, types",
        "poets_core/keyed.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\n\ndef planted(x: Nowhere) -> int:\n    return 1\n",
        MYPY,
        "name-defined",
    ),
    Fault(
        "wrong shape",
        "poets_core/fit/loss.py",
        'x: Float[Tensor, "M N"], weights: Float[Tensor, "M N"], prompt',
        'x: Float[Tensor, "M N"], weights: Float[Tensor, "N M"], prompt',
        "tests/search/test_loss.py::test_prompts_are_centred_apart",
        "TypeCheckError",
    ),
    Fault(
        "circle at the top",
        "poets_core/fit/loss.py",
        "import torch\n",
        "import torch\n\nimport poets_core.fit.trainer\n",
        CIRCLES,
        "poets_core.fit.trainer",
    ),
    Fault(
        "circle for type checkers",
        "domains/quantum/circuit.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n"
        "    from domains.quantum.simulator import states_of\n",
        CIRCLES,
        "domains.quantum.simulator",
    ),
    Fault(
        "circle in a function",
        "poets_core/runs/process.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\n\ndef planted() -> object:\n    from poets_core.runs import launch\n\n"
        "    return launch\n",
        CIRCLES,
        "poets_core.runs.launch",
    ),
    Fault(
        "a page imports science",
        "pages/search/runs.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\nimport torch\n",
        IMPORTS,
        "pages.search.runs imports torch",
    ),
    Fault(
        "the store imports the worker",
        "poets_core/runs/process.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\nfrom poets_core.worker import control\n",
        IMPORTS,
        "poets_core.runs.process imports poets_core.worker",
    ),
    Fault(
        "assert",
        "poets_core/keyed.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\n\ndef planted(x: int) -> int:\n    assert x\n    return x\n",
        "tests/gate/test_readable.py::test_nothing_is_asserted_outside_tests",
        "poets_core/keyed.py",
    ),
    Fault(
        "formula without code",
        "poets_core/fit/bootstrap.py",
        "def bootstrap_weights(",
        "def other_weights(",
        "tests/gate/test_papers.py::test_every_name_resolves",
        "bootstrap_weights",
    ),
    Fault(
        "tempering",
        "poets_core/search/poets/poets.py",
        "            s.tempering,\n",
        "            1.0,\n",
        "tests/search/test_search.py::test_ask_ranks_by_the_tempering_of_the_spec",
        "AssertionError",
    ),
    Fault(
        "gradient clipping",
        TRAINER,
        "        self._clip()\n",
        "",
        "tests/search/test_trainer.py::test_each_branch_is_clipped_to_the_norm_of_the_spec",
        "AssertionError",
    ),
    Fault(
        "state of Adam after a reset",
        TRAINER,
        "        self.restart()\n\n    def _forget",
        "\n    def _forget",
        "tests/search/test_search.py::test_a_reset_forgets_where_adam_was_going",
        "AssertionError",
    ),
    Fault(
        "discount of the leader",
        "poets_core/llm_po/balance.py",
        "            price *= discount if i == leader else 1.0\n",
        "",
        "tests/llm_po/test_balance.py::test_the_leader_is_preferred_to_an_opponent_as_good",
        "AssertionError",
    ),
    Fault(
        "elites of a minimised problem",
        "poets_core/search/history.py",
        '        sign = 1.0 if self.direction == "maximise" else -1.0\n',
        "        sign = 1.0\n",
        "tests/search/test_search.py::test_elites_are_the_best_in_the_direction_of_the_problem",
        "AssertionError",
    ),
)


GATE = ("tests/gate", "tests/test_architecture.py")
"""Tests that `make check` runs whole; slow ones excepted."""


def nodes() -> list[str]:
    """Ids of the tests elsewhere that find faults; `make check` runs them too."""
    return sorted({f.check for f in FAULTS if not f.check.startswith((*GATE, RUFF, MYPY))})


def copy_tree(target: Path) -> None:
    """Copy all that git tracks or would track, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


class Checks:
    """Runs checks in a tree: programs as they are, tests in children of one process that `tests.gate.forked` is."""

    def __init__(self) -> None:
        """Start nothing yet: it begins with the first test."""
        self._tests: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tests is not None:
            self._tests.communicate()  # there is nothing more to read: it ends
            self._tests = None

    def run(self, check: str, tree: Path) -> tuple[int, str]:
        """Run one check in a tree; returns exit code and output."""
        if check in (RUFF, MYPY):
            words = [sys.executable, "-m", *check.split()]
            done = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr
        if self._tests is None:
            self._tests = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("forked.py"))],
                env=os.environ | {"OMP_NUM_THREADS": "1"},  # a process with threads is not to be forked
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            )  # fmt: skip
        asked, answers = self._tests.stdin, self._tests.stdout
        if asked is None or answers is None:
            raise RuntimeError("Expected pipes to the process that runs tests, got none.")
        asked.write(json.dumps([str(tree), check]) + "\n")
        code, said = json.loads(answers.readline())
        return int(code), str(said)


def plant(fault: Fault, tree: Path, checks: Checks) -> str:
    """Plant one fault in a tree, run its check, take the fault out again.

    Returns:
        What is wrong with the check, ``""`` if it finds the fault.

    Raises:
        ValueError: the place of the fault is not there, or not once.
    """
    path = tree / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        raise ValueError(f"Expected {fault.old!r} once in {fault.file}, got {text.count(fault.old)}: {fault.name}.")
    path.write_text(text.replace(fault.old, fault.new))
    try:
        code, said = checks.run(fault.check, tree)
    finally:
        path.write_text(text)
    if code == 1 and fault.says in said:
        return ""
    return f"{fault.name}: expected {fault.check} to fail with {fault.says!r}, got exit code {code}:\n{said[-2000:]}"


def unfound(faults: Iterable[Fault], tree: Path, checks: Checks) -> list[str]:
    """Plant faults one after the other in a copy of the tree; returns what was not found, or fails without a fault."""
    chosen = list(faults)
    out = []
    for check in dict.fromkeys(f.check for f in chosen):
        code, said = checks.run(check, tree)
        if code != 0:
            out.append(f"expected {check} to pass without a fault, got exit code {code}:\n{said[-2000:]}")
    return out + [said for f in chosen if (said := plant(f, tree, checks))]


def main() -> int:
    """Plant the faults that are asked for; exit code 1 if one is not found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", help="faults whose name holds this")
    parser.add_argument("--nodes", action="store_true", help="print the ids of tests for `make check`, and no more")
    wanted = parser.parse_args()
    if wanted.nodes:
        sys.stdout.write(" ".join(nodes()) + "\n")
        return 0
    chosen = [f for f in FAULTS if wanted.only is None or wanted.only in f.name]
    with tempfile.TemporaryDirectory() as folder, Checks() as checks:
        copy_tree(Path(folder))
        problems = unfound(chosen, Path(folder), checks)
    sys.stdout.write("\n".join([*problems, f"{len(chosen)} faults planted, {len(problems)} problems"]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
