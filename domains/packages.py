"""How a missing package becomes a message that says what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from poets_core.errors import MissingPackage


@contextmanager
def needed_for(what: str, install: str) -> Iterator[None]:
    """Imports inside this block need packages that may be missing.

    Args:
        what: who needs them, for the message.
        install: command that installs them.

    Raises:
        MissingPackage: one is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        remedy = f"Run: {install}" if install else "Install it into this Python environment."
        raise MissingPackage(f"Expected the package {error.name!r} for {what}, got none installed. {remedy}") from error
