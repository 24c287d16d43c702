"""Tables in every shape that people have: each is read or refused as stated, in form, command line and worker alike.

    python -m benchmarks.tables --json
    python -m benchmarks.tables --quick

The cases stand in `benchmarks.tables_cases`, made anew in code. A case holds where form (the reading child), command
line (`poets table`, its exit code and sentence) and worker (the problem as it loads it) say the same, and that is what
is stated. One table of 1,000,000 rows is read in a process of its own, whose processor time and peak of memory are
measured.
`--quick` asks the command line about every tenth case, and takes 100,000 rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory import peak_bytes
from benchmarks.report import Goal, finish
from benchmarks.tables_cases import CASES
from benchmarks.tables_files import LETTERS, TableCase
from domains import catalog
from poets_core.errors import InvalidInput, PoetsError
from poets_core.runs.examine import check_problem

ROOT = Path(__file__).resolve().parents[1]
PROBLEM = "protein/landscape"
SECONDS, MEGABYTES = 5.0, 1000.0
"""What reading a million rows may cost."""
ROWS, QUICK_ROWS, QUICK = 1_000_000, 100_000, 10


@dataclass(frozen=True)
class Tried:
    """What became of a case.

    Attributes:
        name: of the case; door: form, command line or worker.
        said: the refusal, or the report in one text.
        wrong: why it is not what was stated; "" where it is.
    """

    name: str
    door: str
    said: str
    wrong: str


def tried(case: TableCase, folder: Path, command_line: bool) -> Iterator[Tried]:
    """Try a case at every door; the command line takes a second."""
    path = folder / f"table.{case.ending}"
    path.write_bytes(case.data())
    params = {"table": str(path), **case.params}
    heard = {"form": form(params), "worker": worker(params)}
    if command_line:
        heard["command line"] = cli(path, case)
    for door, (refused, field, said) in heard.items():
        wrong = stated(case, refused, field, said)
        if not wrong and (refused, said) != (heard["form"][0], heard["form"][2]):
            wrong = f"the form says {heard['form'][2][:200]!r}"
        yield Tried(case.name, door, said, wrong)


def stated(case: TableCase, refused: bool, field: str, said: str) -> str:
    """Return why an answer is not what is stated of a case, "" where it is."""
    if refused != (case.values is None):
        return "refused" if refused else "read"
    if refused and field not in ("", case.field):
        return f"field {field}, not {case.field}"
    at = 0
    for word in case.message:
        if (found := said.find(word, at)) < 0:
            return f"nothing of {word!r}"
        at = found + len(word)
    return ""


def form(params: dict[str, Any]) -> tuple[bool, str, str]:
    """What the form is told by the child that reads: refused, field, sentences."""
    try:
        return False, "", "\n".join(check_problem(PROBLEM, catalog.check_params(PROBLEM, params))["lines"])
    except InvalidInput as error:
        return True, next(iter(error.fields), ""), str(error)


def worker(params: dict[str, Any]) -> tuple[bool, str, str]:
    """What the worker gets as it loads the problem."""
    try:
        problem = catalog.load(PROBLEM, **params)
    except InvalidInput as error:
        return True, next(iter(error.fields), ""), str(error)
    return False, "", "\n".join(problem.report["lines"])  # type: ignore[attr-defined]


def cli(path: Path, case: TableCase) -> tuple[bool, str, str]:
    """What the command line prints; its exit code 2 is a refusal."""
    sets = [word for name, value in case.params.items() for word in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "poets_core", "table", str(path), *sets]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 2):
        return True, "crashed", done.stderr[-300:]
    out = done.stderr.removeprefix("error: ") if done.returncode else done.stdout
    return done.returncode == 2, "", out.strip()


def values_wrong(case: TableCase, folder: Path) -> str:
    """Return how the values that the worker looks up differ from those that are stated, "" where they do not."""
    path = folder / f"table.{case.ending}"
    try:
        problem = catalog.load(PROBLEM, table=str(path), **case.params)
    except PoetsError:
        return "" if case.values is None else "refused"
    found = problem.oracle.values  # type: ignore[attr-defined]
    labels = tuple(map(str, problem.info.facts["positions"]))
    way = problem.info.objectives[0].direction
    if (len(found) if isinstance(case.values, int) else found) != case.values:
        return f"{len(found)} values: {dict(list(found.items())[:4])}"
    if case.labels and labels != case.labels:
        return f"positions {labels[:12]}"
    return "" if way == case.direction else way


def large(rows: int, folder: Path) -> dict[str, float]:
    """Read a table of distinct variants in a process of its own; return what that took."""
    rng = np.random.default_rng(0)
    codes = rng.choice(20**5, size=rows, replace=False)
    letters = np.array(list(LETTERS))[np.stack([codes // 20**i % 20 for i in range(5)], axis=1)]
    path = folder / "large.csv"
    lines = (f"{''.join(w)},{v!r}\n" for w, v in zip(letters.tolist(), rng.normal(size=rows).tolist(), strict=True))
    path.write_text("variant,fitness\n" + "".join(lines))
    command = [sys.executable, "-m", "benchmarks.tables", "--read", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def read_one(path: Path) -> None:
    """Read a table and print what it took: the child of `large`."""
    from domains.protein.tables.read import read_table

    began, clock = time.process_time(), time.monotonic()
    rows = len(read_table(path).values)
    seconds, wall = time.process_time() - began, time.monotonic() - clock
    print(json.dumps({"rows": rows, "seconds": seconds, "wall": wall, "megabytes": peak_bytes() / 2**20}))


def main() -> None:
    """Try every case; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else on stdout")
    parser.add_argument("--quick", action="store_true", help="the command line for every tenth case, fewer rows")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        read_one(asked.read)
        return
    done: list[Tried] = []
    values: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as place:
        for number, case in enumerate(CASES):
            done += tried(case, Path(place), not asked.quick or number % QUICK == 0)
            values[case.name] = values_wrong(case, Path(place))
        cost = large(QUICK_ROWS if asked.quick else ROWS, Path(place))
    failed = [t for t in done if t.wrong]
    differ = {name: wrong for name, wrong in values.items() if wrong}
    share = 100 * (1 - len({t.name for t in failed} | set(differ)) / len(CASES))
    goals = [
        Goal("cases that are read or refused as stated, alike at every door, %", share, 100, ">="),
        Goal(f"processor seconds for {cost['rows']:,.0f} rows", cost["seconds"], SECONDS, "<="),
        Goal("memory for them, MB", cost["megabytes"], MEGABYTES, "<="),
    ]
    doors = {d: sum(t.door == d for t in done) for d in ("form", "worker", "command line")}
    figures = {
        "cases": len(CASES),
        "refused": sum(c.values is None for c in CASES),
        "asked": doors,
        "large": cost,
        "failed": [asdict(t) for t in failed],
        "values": differ,
    }
    finish(goals, figures, {"load": os.getloadavg()[0]}, as_json=asked.json)


if __name__ == "__main__":
    main()
