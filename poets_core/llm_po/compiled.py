"""Compiled functions: loops over single comparisons, which NumPy would make a hundred times slower."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, for the types it is called with; kept on disk beside the source.

    Division by zero gives infinity or NaN, as NumPy's does.
    """
    made: Callable[P, R] = numba.njit(cache=True, error_model="numpy")(function)
    return made


def compiled_anew(function: Callable[P, R]) -> Callable[P, R]:
    """Like `compiled`, for functions that take compiled functions: those cannot be kept on disk."""
    made: Callable[P, R] = numba.njit(error_model="numpy")(function)
    return made
