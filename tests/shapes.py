"""What checks array shapes under pytest: the hook of jaxtyping calls it for every function (see pyproject.toml).

Shapes are checked and nothing else: types are mypy's work, and tests put simple things in the place of large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from beartype import beartype
from jaxtyping import AbstractArray

F = TypeVar("F", bound=Callable[..., Any])


def shapes_checked(function: F) -> F:
    """Check the arguments and the result of a function that are annotated with a shape."""
    shapes = {name: hint for name, hint in function.__annotations__.items() if _has_shape(hint)}
    function.__annotations__ = {name: shapes.get(name, Any) for name in function.__annotations__}
    return beartype(function) if shapes else function


def _has_shape(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(_has_shape(part) for part in get_args(hint))
