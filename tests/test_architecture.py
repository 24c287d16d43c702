"""Import direction is law: this test reads every import of the project and fails on a wrong one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("app", "pages", "poets_core", "domains", "benchmarks", "scripts", "tests")
DOCUMENT = ROOT / "docs" / "architecture.md"
FIRST, LAST = "<!-- printed by `python -m tests.test_architecture` -->", "<!-- end of print -->"

# Prefix of an importing module -> prefixes of our own modules it may import. The longest prefix counts.
# `domains.catalog` appears where only its names and forms may be used; it imports a science when one is loaded.
NOUNS = ("poets_core.types", "poets_core.errors", "poets_core.cells", "poets_core.intake", "poets_core.keyed")
STORE = ("poets_core.runs",)
SETTINGS = ("poets_core.spec",)
OFFERS = (
    "domains.brought",
    "domains.entry",
    "domains.palette",
    "domains.packages",
)  # what every science is written with
CATALOG = ("domains.catalog", "domains.entry", "domains.palette")
MAY: dict[str, tuple[str, ...]] = {
    "poets_core.errors": (),
    "poets_core.cells": (),
    "poets_core.compiled": (),
    "poets_core.intake": ("poets_core.intake", "poets_core.errors"),
    "poets_core.keyed": (),
    "poets_core.types": (),
    "poets_core.protocols": ("poets_core.types",),
    "poets_core.reward": ("poets_core.types",),
    "poets_core.verifiable": (),
    "poets_core.spec": ("poets_core.spec", "poets_core.errors", "poets_core.intake"),
    "poets_core.lm": ("poets_core.lm", "poets_core.spec", "poets_core.protocols", *NOUNS),
    "poets_core.fit": ("poets_core.fit", "poets_core.lm", *NOUNS),
    "poets_core.rewards": (
        "poets_core.rewards",
        "poets_core.fit",
        "poets_core.lm",
        "poets_core.protocols",
        "poets_core.spec",
        "poets_core.verifiable",
        *NOUNS,
    ),
    "poets_core.search": (
        "poets_core.search",
        "poets_core.fit",
        "poets_core.lm",
        "poets_core.protocols",
        "poets_core.reward",
        "poets_core.spec",
        *NOUNS,
    ),
    "poets_core.llm_po": ("poets_core.llm_po", "poets_core.compiled", "poets_core.spec", *NOUNS),
    "poets_core.runs": ("poets_core.runs", "poets_core.spec", "poets_core.reward", *NOUNS[:4]),
    "poets_core.worker": ("poets_core", "domains.catalog", "domains.language"),
    "poets_core.hosts": ("poets_core.errors",),
    "poets_core.serve": ("poets_core.errors", "poets_core.hosts"),
    "poets_core.sequences": ("poets_core.search", "poets_core.protocols", "poets_core.spec", *NOUNS),
    "poets_core.cli": (
        "poets_core.cli",
        "poets_core.runs",
        "poets_core.worker",
        "poets_core.serve",
        "poets_core.search.registry",
        "poets_core.spec",
        "poets_core.protocols",
        "domains.catalog",
        *NOUNS,
    ),
    "poets_core.__main__": ("poets_core.cli",),
    "poets_core": (),
    "domains.palette": (),
    "domains.entry": ("domains.palette",),
    "domains.brought": (),
    "domains.packages": ("poets_core.errors",),
    "domains.discovery": ("domains.entry", "poets_core.errors"),
    "domains.catalog": (
        *OFFERS,
        "domains.discovery",
        "poets_core.errors",
        "poets_core.protocols",
        "poets_core.verifiable",
    ),
    "domains.protein": ("domains.protein", *OFFERS, "poets_core.protocols", *NOUNS),
    "domains.quantum": ("domains.quantum", *OFFERS, "poets_core.compiled", "poets_core.protocols", *NOUNS),
    "domains.language": ("domains.language", *OFFERS, *NOUNS),
    "domains.text": ("domains.text", "domains.language", *OFFERS, "poets_core.verifiable", *NOUNS),
    "domains.strings": ("domains.strings", "domains.text.process", *OFFERS, "poets_core.protocols", *NOUNS),
    "domains": NOUNS,
    "pages.parts": ("pages.parts", *STORE, *SETTINGS, *NOUNS[:3], *CATALOG),
    "pages": ("pages.parts", *STORE, *SETTINGS, *NOUNS[:3], *CATALOG),
    "app": ("pages", "poets_core.runs", "poets_core.hosts"),
}
# Heavy or foreign packages -> the only places that may import them.
ONLY: dict[str, tuple[str, ...]] = {
    "torch": (
        "poets_core.lm",
        "poets_core.fit",
        "poets_core.rewards",
        "poets_core.search.registry",
        "poets_core.search.rivals.policy_gradient",
        "poets_core.search.rivals.ppo",
        "poets_core.search.rivals.tosfit",
    ),
    "numba": ("poets_core.compiled",),
    "sklearn": ("poets_core.search.rivals.surrogate", "poets_core.search.rivals.boosting"),
    "transformers": ("poets_core.lm",),
    "peft": ("poets_core.lm",),
    "qiskit": ("domains.quantum",),
    "Bio": ("domains.protein",),
    "reasoning_gym": ("domains.text",),
    "streamlit": ("app", "pages"),
    "sqlalchemy": ("poets_core.runs",),
}


def module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str) -> list[str]:
    """Every module a file imports, wherever in the file; imports for type checkers alone do not run."""
    out: list[str] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            out.extend(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            out.append(node.module)
            out.extend(f"{node.module}.{a.name}" for a in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(source))
    return out


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == p or name.startswith(p + ".") for p in prefixes)


def violations(root: Path) -> list[str]:
    out = []
    for top in ("app.py", "pages", "poets_core", "domains"):
        start = root / top
        files = [start] if start.is_file() else sorted(start.rglob("*.py"))
        for path in files:
            module = module_of(path, root)
            rule = max((k for k in MAY if within(module, (k,))), key=len)
            for name in imports(path.read_text()):
                first = name.split(".")[0]
                if first in OURS and name not in ("poets_core", "domains", "pages"):
                    shorter = any(p.startswith(name + ".") for p in MAY[rule])  # `from a import b` names a too
                    if not within(name, MAY[rule]) and not shorter:
                        out.append(f"{module} imports {name}")
                if first in ONLY and not within(module, ONLY[first]):
                    out.append(f"{module} imports {name}, which belongs to {', '.join(ONLY[first])}")
    return sorted(set(out))


def test_imports_go_the_way_they_may():
    assert violations(ROOT) == []


PLANTED = {
    "pages/search/x.py": ("import torch", "from poets_core.lm import ensemble", "from poets_core.worker import worker"),
    "domains/protein/x.py": (
        "from poets_core.search import loss",
        "import qiskit",
        "from domains.quantum import circuit",
        "from domains import catalog",
    ),
    "poets_core/search/x.py": ("import poets_core.runs.store", "from domains import catalog", "import streamlit"),
    "poets_core/runs/x.py": ("def f():\n    import transformers", "from poets_core.protocols import Problem"),
    "poets_core/spec/x.py": ("from poets_core.lm.backbone import Backbone",),
    "app.py": ("from domains.protein import ehrlich",),
}


@pytest.mark.parametrize(("file", "line"), [(f, x) for f, lines in PLANTED.items() for x in lines])
def test_a_planted_violation_is_found(file, line, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    assert violations(tmp_path)


def test_type_checking_imports_and_own_rooms_are_free(tmp_path):
    path = tmp_path / "poets_core" / "lm" / "x.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from typing import TYPE_CHECKING\nfrom poets_core.lm.lora import Stack\nimport torch\n"
        "if TYPE_CHECKING:\n    from poets_core.search.method import Method\n"
    )
    assert violations(tmp_path) == []


def tables() -> str:
    """The rules above as docs/architecture.md shows them."""
    rows = ["| module | may import, of ours |", "|---|---|"]
    for module, allowed in MAY.items():
        names = ["itself" if name == module else f"`{name}`" for name in allowed]
        rows.append(f"| `{module}` | {', '.join(names) or 'nothing'} |")
    rows += ["", "| foreign package | only in |", "|---|---|"]
    rows += [f"| {package} | {', '.join(f'`{home}`' for home in homes)} |" for package, homes in ONLY.items()]
    return "\n".join(rows)


def test_the_document_shows_these_rules():
    shown = DOCUMENT.read_text().split(FIRST)[1].split(LAST)[0].strip()
    assert shown == tables(), "print it again: python -m tests.test_architecture"


def test_the_browser_side_loads_no_science():
    heavy = ("torch", "transformers", "peft", "qiskit")
    code = (
        "import sys, importlib, pathlib\n"
        "import domains.catalog; domains.catalog.entries()\n"
        "import poets_core.runs.store, poets_core.runs.views.fold, poets_core.runs.launch, poets_core.runs.export\n"
        "for p in sorted(pathlib.Path('pages/parts').rglob('*.py')):\n"
        "    importlib.import_module('.'.join(p.with_suffix('').parts).removesuffix('.__init__'))\n"
        f"print([m for m in {heavy!r} if m in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout.strip().splitlines()[-1:] == ["[]"], run.stderr


def test_the_tree_in_the_architecture_document_is_the_one_on_disk():
    text = DOCUMENT.read_text()
    tree = text.split("```")[1]
    stated = {line.split("  ")[0].strip().rstrip("/") for line in tree.splitlines() if line.strip()}
    folders = {
        str(p.parent.relative_to(ROOT))
        for top in ("pages", "poets_core", "domains", "benchmarks", "scripts")
        for p in (ROOT / top).rglob("*.py")
    }
    assert folders - stated == set(), "folders missing from docs/architecture.md"
    missing = {s for s in stated if not (ROOT / s).exists()}
    assert missing == set(), "docs/architecture.md names what is not there"


def print_tables() -> None:
    """Write the rules into docs/architecture.md."""
    before, rest = DOCUMENT.read_text().split(FIRST)
    DOCUMENT.write_text(f"{before}{FIRST}\n\n{tables()}\n\n{LAST}{rest.split(LAST)[1]}")


if __name__ == "__main__":
    print_tables()
