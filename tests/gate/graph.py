"""The import graph of the project, read from its sources, and the circles in it.

Every import counts: at the top of a file, inside a function, and for type checkers alone. An import that is hidden in
a function or behind TYPE_CHECKING runs, but two modules that need each other still cannot be read, moved or tested
one without the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

TOPS = ("app.py", "pages", "poets_core", "domains", "benchmarks", "scripts")
Graph = Mapping[str, set[str]]


def sources(root: Path, tops: Iterable[str] = TOPS) -> list[Path]:
    """Return every Python file below the given files and folders, in a fixed order."""
    starts = [root / top for top in tops]
    return [p for s in starts for p in ([s] if s.is_file() else sorted(s.rglob("*.py")))]


def module_of(path: Path, root: Path) -> str:
    """Return the dotted name of a file; a package is named by its folder."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(root: Path) -> Graph:
    """Return, for every module of the project, the modules of the project it imports.

    `from package import name` counts as the submodule of that name where there is one, else as the package. A module
    imported from another package loads that package first, so it counts too; a module's own packages count only where
    it asks for a name of theirs.
    """
    files = {module_of(p, root): p for p in sources(root)}
    return {module: _imported(module, path, files.keys()) for module, path in files.items()}


def _imported(module: str, path: Path, known: Iterable[str]) -> set[str]:
    modules = set(known)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    own = {module, *_packages(module)}
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            asked = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            names = {f"{base}.{alias.name}" for alias in node.names}
            asked = {name if name in modules else base for name in names}
        else:
            continue
        found |= asked & modules
        found |= {p for name in asked for p in _packages(name) if p in modules and p not in own}
    return found - {module}


def _base(node: ast.ImportFrom, package: str) -> str:
    """Return the module that `from ... import` names, dots in front resolved."""
    if not node.level:
        return node.module or ""
    start = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*start, *([node.module] if node.module else [])])


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def circles(graph: Graph) -> set[frozenset[str]]:
    """Return the sets of modules that import each other, directly or by way of others (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    out: set[frozenset[str]] = set()

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            at = stack.index(module)
            component = frozenset(stack[at:])
            del stack[at:]
            if len(component) > 1:
                out.add(component)

    for module in graph:
        if module not in index:
            visit(module)
    return out
