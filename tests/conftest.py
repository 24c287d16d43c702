"""What holds for every test: shapes are checked, and no example has to be quick.

The hook of jaxtyping names `tests.shapes.shapes_checked`: it has to be there before anything of ours is imported.
"""

from hypothesis import settings

from tests import shapes  # noqa: F401

# A deadline per example is a race against the machine: 200 ms are over on a loaded one.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
