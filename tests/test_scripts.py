"""Scripts and benchmarks are not typed like the rest: at least each of them can be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.gate.graph import module_of, sources
from tests.gate.test_readable import ROOT

MISSING = ("holo", "promb")
"""Packages for training and for reference values, which tests do without."""


@pytest.mark.parametrize("top", ["benchmarks", "scripts"])
def test_every_module_can_be_imported(top: str) -> None:
    modules = [module_of(path, ROOT) for path in sources(ROOT, [top])]
    code = (
        "import importlib, sys\n"
        "sys.path.append('scripts')  # some are run as files, beside what they import\n"
        f"for name in {modules!r}:\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        f"        if error.name not in {MISSING!r}:\n"
        "            sys.exit(f'{name}: {error}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
