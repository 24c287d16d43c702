"""Compiled functions: loops over single numbers, which NumPy would make a hundred times slower.

Under pytest a hook wraps every function to check the shapes of its arguments. Numba can compile no wrapper: what is
compiled is the function underneath, which says its shapes in words and stays unchecked.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")
_SETTING = Lock()


class Compiler:
    """Compiles the functions of one folder and keeps the result on disk."""

    def __init__(self, folder: Path) -> None:
        """Choose where compiled code is kept.

        Args:
            folder: of the sources; a change in any of them compiles all anew.
        """
        self.kept = _kept(folder)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Compile at the first call, for the types it is called with; other threads go on meanwhile.

        Division by zero gives infinity or NaN, as NumPy's does.
        """
        # Numba reads this setting when it decorates, not when it compiles.
        with _SETTING:
            before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(self.kept)
            try:
                made: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(inspect.unwrap(function))
            finally:
                numba.config.CACHE_DIR = before
        return made


def compiled_anew(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that takes compiled functions: those cannot be kept on disk."""
    made: Callable[P, R] = numba.njit(error_model="numpy")(inspect.unwrap(function))
    return made


def _kept(folder: Path) -> Path:
    """Where compiled code is kept: one folder for each state of the sources.

    Numba looks only at a function's own file; what it calls in others would stay as it was compiled.
    """
    # Every source of the folder counts, so that a change in one recompiles all: a few seconds, and never stale.
    sources = [*sorted(folder.glob("*.py")), Path(__file__)]
    state = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:16]
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    beside = folder / "__pycache__"
    if os.access(folder, os.W_OK):
        beside.mkdir(exist_ok=True)
    # An installed package may lie where its user cannot write.
    where = Path(chosen) if chosen else beside if os.access(beside, os.W_OK) else Path(tempfile.gettempdir())
    return where / f"compiled-{state}"
