"""What holds for every test: shapes are checked, no example has to be quick, and pages leave no script behind.

The hook of jaxtyping names `tests.shapes.shapes_checked`: it has to be there before anything of ours is imported.
"""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import shapes  # noqa: F401

# A deadline per example is a race against the machine: 200 ms are over on a loaded one.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Take back the main module after a test: Streamlit puts each script there, and a spawned process would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
