"""Hostile inputs at every door: each is refused or shown as text within 2 s and 500 MB, and nothing is sent out.

    python -m benchmarks.hostile --json
    python -m benchmarks.hostile --quick

Kinds: uploads (tables and logs, as the form and as the worker read them), specs, models, circuits, archives, text
(exports), errors (what messages repeat), hosts (who gets in; a server is started). `--quick` takes every twelfth input
and no server.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import hostile_files, hostile_models, hostile_web
from benchmarks.hostile_case import CHARACTERS, MEGABYTES, SECONDS, Case, Result, Wanted, measure
from benchmarks.report import Goal, finish

Making = Callable[[], Case]
Build = Callable[[Path, hostile_models.Change], Path]
CALLS = "benchmarks.hostile_calls"
LEAST = 150
"""Inputs that are tried, at least."""
QUICK = 12
KINDS = ("uploads", "specs", "models", "circuits", "archives", "text", "errors", "hosts")
PARAMETERS: dict[str, dict[str, Any]] = {
    "a wild type that is too short": {"wild_type": "VDG"},
    "a wild type of no amino acids": {"wild_type": "VDGB"},
    "a wild type of markup": {"wild_type": "<b>V"},
    "positions that are letters": {"positions": "a,b"},
    "positions twice": {"positions": "39,39,41,54"},
    "a position of 900 digits": {"positions": "9" * 900 + ",1,2,3"},
    "a column that is not there": {"value_column": "![x](http://192.0.2.1/x.png)"},
    "values that are text": {"value_column": "variant"},
    "a table that is a device": {"table": "/dev/zero"},
    "a table that is a folder": {"table": "/"},
    "a table with NUL in its name": {"table": "a\0b"},
    "a parameter that is not there": {"evil": 1},
    "a parameter of a megabyte": {"wild_type": "A" * (1 << 20)},
}
EHRLICH: dict[str, dict[str, Any]] = {
    "motifs that do not fit": {"length": 8, "motifs": 4},
    "a quantization that divides nothing": {"motif_length": 5, "quantization": 2},
    "a length of 10^12": {"length": 10**12},
}
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\n=", "\r=", "\r\n=", "x\r=")
TEXTS = (
    "![x](http://192.0.2.1/x.png)",
    "[x](javascript:alert(1))",
    "<img src=http://192.0.2.1/x.png>",
    "<script>alert(1)</script>",
    "http://192.0.2.1/x",
    "www.evil.test",
    "a@evil.test",
    "# heading",
    "- list",
    "1. list",
    "| a | b |\n|---|---|\n| c | d |",
    "`code`",
    "**bold** ~~gone~~",
    ":material/delete: :red[red]",
    "$x$",
    "a\u202eb\u0000c",
    "[x]: http://192.0.2.1",
    "&lt;b&gt;",
    "x" * 5_000_000,
)
STORES = {
    "no such server": "postgresql://user:hunter2@127.0.0.1:9/db",
    "the short name of PostgreSQL": "postgres://user:hunter2@127.0.0.1:9/db",
    "a malformed address": "postgresql://user:hunter2@127.0.0.1:9:9/db",
    "a bracket in its host": "postgresql://user:hunter2@[127.0.0.1",
    "a password with an at sign": "postgresql://user:hunter2@x@127.0.0.1:9/db",
    "a password with a slash": "postgresql://user:hunter2/x@127.0.0.1:9/db",
    "another database": "mysql://user:hunter2@127.0.0.1/db",
    "a port that is none": "postgresql://user:hunter2@127.0.0.1:x/db",
}
FILES = ("/proc/self/environ", "/etc/passwd", "/dev/zero", "/proc/self/mem")


def files(folder: Path) -> Iterator[Making]:
    """Yield makers of the cases that are one file each; a file lies there until the next one is made."""

    def of(kind: str, name: str, call: str, make: hostile_files.Make, /, **more: Any) -> Making:
        def made() -> Case:
            path = hostile_files.written(folder, f"{kind} {name}", make)
            return Case(kind, f"{name} ({call.replace('_', ' ')})", f"{CALLS}:{call}", {"path": str(path)} | more)

        return made

    for name, make in hostile_files.TABLES.items():
        yield from (of("uploads", name, call, make) for call in ("upload", "worker_table"))
    for name, make in hostile_files.LOGS.items():
        yield from (of("uploads", name, call, make) for call in ("comparison_log", "worker_log"))
    yield from (of("specs", name, "spec", make) for name, make in hostile_files.SPECS.items())
    yield from (of("circuits", name, "circuits", make) for name, make in hostile_files.CIRCUITS.items())
    yield from (of("archives", name, "circuits", make) for name, make in hostile_files.ARCHIVES.items())
    for name, make in hostile_files.SEQUENCES.items():
        yield of("archives", name, "sequences", make, format="csv" if name in ("quotes", "commas") else "fasta")
    for name, make in hostile_models.GGUF.items():
        yield of_gguf(folder, name, make)


def of_gguf(folder: Path, name: str, make: hostile_files.Make) -> Making:
    """Return the maker of a case that is a GGUF file."""

    def made() -> Case:
        path = folder / "model.gguf"
        path.write_bytes(make())
        return Case("models", f"{name} (GGUF)", f"{CALLS}:model", {"path": str(path)})

    return made


def folders(folder: Path) -> Iterator[Making]:
    """Yield makers of the cases that are a folder each."""

    def of(name: str, call: str, build: Build, change: hostile_models.Change) -> Making:
        return lambda: Case("models", f"{name} ({call})", f"{CALLS}:{call}", {"path": str(build(folder, change))})

    yield from (of(n, "model", hostile_models.folder_of, c) for n, c in hostile_models.FOLDERS.items())
    yield from (of(n, "adapter", hostile_models.adapter_of, c) for n, c in hostile_models.ADAPTERS.items())


def words(folder: Path) -> Iterator[Making]:
    """Yield makers of the cases that need no file of their own."""

    def of(kind: str, name: str, call: str, wanted: Wanted = "refused", /, **arguments: Any) -> Making:
        return lambda: Case(kind, name, f"{CALLS}:{call}", arguments, wanted)

    for name, given in PARAMETERS.items():
        yield of("specs", name, "parameters", name="protein/landscape", params=given, folder=str(folder))
    for name, given in EHRLICH.items():
        yield of("specs", name, "parameters", name="protein/ehrlich", params=given)
    for start in STARTS:
        yield of("text", f"a cell that begins with {start!r}", "exported", "shown", text=start + "cmd|' /C calc'!A0")
    for text in TEXTS:
        yield of("text", f"on a page: {text[:40]!r}", "page_text", "shown", text=text)
    for path in FILES:
        for kind in ("table", "log", "spec", "worker table", "worker log", "model"):
            yield of("errors", f"{path} as {kind}", "foreign_file", kind=kind, path=path)
    for name, url in STORES.items():
        yield of("errors", f"a store: {name}", "store", url=url)


def results(quick: bool) -> Iterator[Result]:
    """Try every input, one at a time."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, make in enumerate([*files(folder), *folders(folder), *words(folder)]):
            if not quick or number % QUICK == 0:
                case = make()
                yield measure(case)
    if not quick:
        yield from hostile_web.results()


def told(found: list[Result], quick: bool) -> tuple[list[Goal], Mapping[str, Any]]:
    """Return goals and figures."""
    failed = [r for r in found if not r.holds]
    kinds = {
        kind: {
            "inputs": len(of),
            "refused": sum(r.outcome == "refused" for r in of),
            "shown": sum(r.outcome == "shown" for r in of),
            "failed": sum(not r.holds for r in of),
            "seconds_most": max(r.seconds for r in of),
            "wall_most": max(r.wall for r in of),
            "megabytes_most": max(r.megabytes for r in of),
        }
        for kind in dict.fromkeys(r.kind for r in found)
        if (of := [r for r in found if r.kind == kind])
    }
    goals = [
        Goal("inputs tried", len(found), 1 if quick else LEAST, ">="),
        Goal("inputs that were neither refused nor shown as wanted", len(failed), 0, "<="),
        Goal("requests to other hosts", sum(len(r.calls) for r in found), 0, "<="),
        Goal("seconds to an answer, most", max(r.seconds for r in found), SECONDS, "<="),
        Goal("memory to an answer, most, MB", max(r.megabytes for r in found), MEGABYTES, "<="),
    ]
    missing = [kind for kind in KINDS if kind not in kinds]
    if not quick:
        goals.append(Goal("kinds without an input", len(missing), 0, "<="))
    return goals, {"kinds": kinds, "failed": [asdict(r) for r in failed]}


def main() -> None:
    """Try every input; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else on stdout")
    parser.add_argument("--quick", action="store_true", help="every twelfth input and no server: under a minute")
    asked = parser.parse_args()
    found = []
    for result in results(asked.quick):
        found.append(result)
        if not result.holds:
            print(f"FAILED {result.kind}: {result.name}: {asdict(result)}", file=sys.stderr, flush=True)
    goals, figures = told(found, asked.quick)
    limits = {"seconds": SECONDS, "megabytes": MEGABYTES, "characters of a message": CHARACTERS}
    finish(goals, figures, {"limits": limits, "load": os.getloadavg()[0]}, as_json=asked.json)


if __name__ == "__main__":
    main()
