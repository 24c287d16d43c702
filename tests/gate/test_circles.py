"""No two modules import each other, directly or by way of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.graph import circles, import_graph

ROOT = Path(__file__).parents[2]


def test_no_modules_import_each_other():
    assert circles(import_graph(ROOT)) == set()


PLANTED = {
    "at the top": {"poets_core/a.py": "import poets_core.b", "poets_core/b.py": "from poets_core.a import f"},
    "for type checkers alone": {
        "poets_core/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from poets_core.b import B",
        "poets_core/b.py": "from poets_core import a",
    },
    "inside a function": {
        "poets_core/a.py": "def f():\n    from poets_core.b import g\n    return g",
        "poets_core/b.py": "from poets_core.a import f",
    },
    "by way of a third": {
        "pages/a.py": "import pages.b",
        "pages/b.py": "import poets_core.c",
        "poets_core/c.py": "from pages import a",
    },
    "with its own package": {"domains/__init__.py": "from domains.a import f", "domains/a.py": "from domains import f"},
    "by dots": {"poets_core/a.py": "from . import b", "poets_core/b.py": "from .a import f"},
    "with a package that loads it": {
        "poets_core/lm/__init__.py": "from poets_core.search.x import f",
        "poets_core/lm/y.py": "",
        "poets_core/search/x.py": "import poets_core.lm.y",
    },
}


@pytest.mark.parametrize("sort", PLANTED)
def test_a_planted_circle_is_found(sort, tmp_path):
    plant(tmp_path, PLANTED[sort])
    assert len(circles(import_graph(tmp_path))) == 1


FREE = {
    "a package that collects its modules": {
        "poets_core/__init__.py": "from poets_core.a import f",
        "poets_core/a.py": "from poets_core.b import f",
        "poets_core/b.py": "",
    },
    "siblings by the name of their package": {
        "poets_core/__init__.py": "from poets_core import a",
        "poets_core/a.py": "from poets_core import b",
        "poets_core/b.py": "",
    },
    "one way": {"poets_core/a.py": "import poets_core.b", "poets_core/b.py": "import json"},
}


@pytest.mark.parametrize("sort", FREE)
def test_what_is_no_circle_passes(sort, tmp_path):
    plant(tmp_path, FREE[sort])
    assert circles(import_graph(tmp_path)) == set()


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
