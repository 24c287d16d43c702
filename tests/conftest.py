"""The hook of jaxtyping names `tests.shapes.shapes_checked`: it has to be there before anything of ours is imported."""

from tests import shapes  # noqa: F401
