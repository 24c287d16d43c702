"""The toy science of the how-to, in a folder of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domains import catalog
from domains.discovery import VARIABLE

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "examples" / "toy_science" / "dna.py"


@contextmanager
def domains_in(folder: Path) -> Iterator[None]:
    """POETS_DOMAINS names a folder; afterwards this process knows nothing of what was in it."""
    before, modules = list(sys.path), set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        catalog.forget()
        yield
    sys.path[:] = before
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]
    catalog.forget()


@contextmanager
def toy_science(folder: Path) -> Iterator[Path]:
    """A copy of the one file in a folder that POETS_DOMAINS names."""
    folder.mkdir(exist_ok=True)
    shutil.copy(SOURCE, folder)
    with domains_in(folder):
        yield folder
