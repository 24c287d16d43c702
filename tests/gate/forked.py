"""Run tests of a tree again and again, each time in a child of a process that has imported the large libraries.

    python tests/gate/forked.py    # reads a line of JSON [tree, test], writes a line of JSON [exit code, output]

Most of the time of a single test is the import of torch and its like, which no planted fault changes; more so where the
hook of jaxtyping is at work meanwhile, which compiles what it meets. What is ours is imported in the child alone, as it
stands in the tree. Started by its path: the package `tests` must not be loaded yet.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from importlib import import_module

LIBRARIES = (
    "torch", "torch.distributed.tensor", "transformers.modeling_utils", "transformers.models.auto.modeling_auto",
    "sklearn.gaussian_process", "sympy", "scipy.stats", "pandas", "pydantic", "sqlalchemy", "hypothesis", "pytest",
)  # fmt: skip
WORDS = ("-q", "-x", "-p", "no:cacheprovider")
BROKEN = 70
"""Exit code of a child in which not even pytest could be run."""


def run(tree: str, test: str) -> int:
    """Run a test of a tree in this process; returns the exit code of pytest."""
    import pytest

    os.chdir(tree)
    sys.path.insert(0, tree)
    return int(pytest.main([*WORDS, test]))


def child(tree: str, test: str) -> tuple[int, str]:
    """Run a test in a child; returns its exit code and what it wrote."""
    with tempfile.TemporaryFile() as out:
        pid = os.fork()
        if pid == 0:
            code = BROKEN
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                code = run(tree, test)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)  # nothing of the parent is ended or flushed twice
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        return os.waitstatus_to_exitcode(status), out.read().decode(errors="replace")


def main() -> None:
    """Answer until there is nothing more to read."""
    sys.path.pop(0)  # the folder of this file
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(child(*json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
