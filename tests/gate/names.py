"""Whether a name in a document exists: read from the sources, so that nothing is imported."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

NAME = re.compile(r"\.?[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
TOPS = ("domains", "benchmarks", "pages", "poets_core")
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def resolves(name: str, root: Path) -> bool:
    """Return whether a dotted name is a module of ours, something defined or imported in one, or a member of a class.

    Args:
        name: below `poets_core` unless it begins with another of `TOPS`.
        root: folder of the sources.
    """
    parts = name.split(".")
    if parts[0] not in TOPS:
        parts = ["poets_core", *parts]
    for i in range(len(parts), 0, -1):
        base = root.joinpath(*parts[:i])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return _has(_parsed(path), parts[i:], root)
    return False


def _has(module: ast.Module, names: list[str], root: Path) -> bool:
    if not names:
        return True
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and names[0] in (a.asname or a.name for a in node.names):
            source = next(a.name for a in node.names if (a.asname or a.name) == names[0])
            return resolves(".".join([node.module or "", source, *names[1:]]), root)
    return _member(module.body, names)


def _member(body: list[ast.stmt], names: list[str]) -> bool:
    found = [n for n in body if names[0] in _defined(n)]
    if len(names) == 1:
        return bool(found)
    return any(_member(n.body, names[1:]) or names[1] in _attributes(n) for n in found if isinstance(n, ast.ClassDef))


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, Definition):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {t.id for t in targets if isinstance(t, ast.Name)}


def _attributes(node: ast.ClassDef) -> set[str]:
    """Names that methods of a class give to `self`."""
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    return {n.attr for n in stored if isinstance(n.value, ast.Name) and n.value.id == "self"}


def has_test(node: str, root: Path) -> bool:
    """Return whether `file::function` or `file::Class::function` is there; a class may be left out."""
    file, *names = node.split("::")
    path = root / file
    if not path.is_file():
        return False
    body = _parsed(path).body
    inside = [n for c in body if isinstance(c, ast.ClassDef) for n in c.body]
    if _member(body, names):
        return True
    return len(names) == 1 and _member(inside, names)


def unresolved(text: str, root: Path) -> list[str]:
    """Return what a document of formulas names and is not there.

    In a table every name in backticks counts, from the second cell on; in prose, a dotted name that begins with one of
    `TOPS`. `::test` means the file of the last test named before, `.name` a neighbour of the last name.
    """
    out: list[str] = []
    file, parent = "", ""
    for line in text.splitlines():
        cells = line.strip("|").split(" | ") if line.startswith("|") else [line]
        for k, cell in enumerate(cells):
            for name in re.findall(r"`([^`]+)`", cell):
                if name.startswith("tests/"):
                    file = name.split("::")[0]
                if "::" in name or name.startswith("tests/"):
                    known = _is_test(name if name.startswith("tests/") else f"{file}::{name.removeprefix('::')}", root)
                elif NAME.fullmatch(name) and _is_named(name, in_table=k >= 1, in_heading=line.startswith("#")):
                    full = parent + name if name.startswith(".") else name
                    parent = full.rpartition(".")[0]
                    known = resolves(full, root)
                else:
                    continue
                out += [] if known else [name]
    return out


def _is_test(name: str, root: Path) -> bool:
    return has_test(name, root) if "::" in name else (root / name).exists()


def _is_named(name: str, *, in_table: bool, in_heading: bool) -> bool:
    """Whether a name stands for code; elsewhere it may be a setting, such as `search.beta`."""
    return in_table or ("." in name and (in_heading or name.split(".")[0] in TOPS))
