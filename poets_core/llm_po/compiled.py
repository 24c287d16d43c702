"""Compiled functions: loops over single comparisons, which NumPy would make a hundred times slower.

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
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")
HERE = Path(__file__).parent


def _folder() -> Path:
    """Where compiled code is kept: one folder for each state of these sources.

    Numba looks only at a function's own file; what it calls in others would stay as it was compiled.
    """
    # Every source of this folder counts, so that a change in one recompiles all: a few seconds, and never stale.
    sources = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(HERE.glob("*.py")))).hexdigest()[:16]
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    beside = HERE / "__pycache__"
    if os.access(HERE, os.W_OK):
        beside.mkdir(exist_ok=True)
    # An installed package may lie where its user cannot write.
    where = Path(chosen) if chosen else beside if os.access(beside, os.W_OK) else Path(tempfile.gettempdir())
    return where / f"compiled-{sources}"


numba.config.CACHE_DIR = str(_folder())


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, for the types it is called with; kept on disk.

    Division by zero gives infinity or NaN, as NumPy's does.
    """
    made: Callable[P, R] = numba.njit(cache=True, error_model="numpy")(inspect.unwrap(function))
    return made


def compiled_anew(function: Callable[P, R]) -> Callable[P, R]:
    """Like `compiled`, for functions that take compiled functions: those cannot be kept on disk."""
    made: Callable[P, R] = numba.njit(error_model="numpy")(inspect.unwrap(function))
    return made
