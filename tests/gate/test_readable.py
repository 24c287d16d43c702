"""Sizes and habits that keep the sources readable."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

from tests.gate.graph import sources

ROOT = Path(__file__).parents[2]
LINES, FUNCTION_LINES = 400, 60
COMMENTS = 6.0
"""Comment lines in 100 lines of code, at least, where the code is dense."""
DENSE = (
    "poets_core/search",
    "poets_core/fit",
    "poets_core/rewards",
    "poets_core/lm",
    "poets_core/llm_po",
    "poets_core/worker",
)
# `fmt: skip` is for tables and matrices: this number only falls.
SKIPS = 7


def long_functions(source: str, most: int = FUNCTION_LINES) -> dict[str, int]:
    """Functions of more than `most` lines, decorators not counted."""
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return {f.name: n for f in functions if (n := (f.end_lineno or 0) - f.lineno + 1) > most}


def assertions(source: str) -> list[int]:
    """Lines of `assert` statements, which Python drops when it is asked to optimise."""
    return [n.lineno for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Assert)]


def comments_and_code(source: str) -> tuple[int, int]:
    """Count lines that are a comment alone, and lines that hold code; docstrings are neither."""
    strings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    comments, code = set(), set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            comments.add(token.start[0])
        elif token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT):
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(comments), len(code - strings - {len(source.splitlines()) + 1})


def share(folder: Path) -> float:
    """Comment lines in 100 lines of code below a folder."""
    counts = [comments_and_code(p.read_text()) for p in sorted(folder.rglob("*.py"))]
    return 100.0 * sum(c for c, _ in counts) / sum(n for _, n in counts)


def test_files_and_functions_stay_readable():
    files = {str(p.relative_to(ROOT)): p.read_text() for p in sources(ROOT)}
    assert {name: n for name, text in files.items() if (n := len(text.splitlines())) > LINES} == {}
    assert {name: found for name, text in files.items() if (found := long_functions(text))} == {}


def test_nothing_is_asserted_outside_tests():
    found = {str(p.relative_to(ROOT)): lines for p in sources(ROOT) if (lines := assertions(p.read_text()))}
    assert found == {}, "raise an error that says what was expected, what came and what to do"


def test_formatting_is_left_to_the_formatter():
    found = [p for p in sources(ROOT) for line in p.read_text().splitlines() if line.endswith("# fmt: skip")]
    assert len(found) <= SKIPS, f"expected at most {SKIPS} times `fmt: skip`, for tables and matrices alone"


@pytest.mark.parametrize("folder", DENSE)
def test_dense_code_says_why(folder):
    assert share(ROOT / folder) >= COMMENTS


def test_what_is_counted():
    source = '"""Doc\n# no comment."""\n# why\nx = 1  # what\ndef f():\n    """Doc."""\n    return """\n# text\n"""\n'
    assert comments_and_code(source) == (1, 5)  # x, def, and three lines of the string that is returned
    assert long_functions(source, most=4) == {"f": 5}
    assert assertions("def f(x):\n    assert x") == [2]
