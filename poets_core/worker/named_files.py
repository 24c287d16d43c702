"""Which files a spec names: those in the uploads of the store, which its people put there, and any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from poets_core.runs.uploads import files_of
from poets_core.spec import ExperimentSpec, RewardsSpec, RunSpec, SearchSpec


def names_other_files(spec: RunSpec, uploads: Path) -> bool:
    """Return whether a spec names a file or folder outside the folder of uploads; a link out of it is outside."""
    return any(not _inside(text, uploads) for text in _texts(spec))


def _texts(spec: RunSpec) -> Iterator[str]:
    """Yield every text of a spec that may name a file."""
    texts = [*files_of(spec)]
    if isinstance(spec, SearchSpec | RewardsSpec):
        texts.append(spec.backbone.source)
    if isinstance(spec, ExperimentSpec):
        texts.append(spec.experiment.model)
    yield from (text for text in texts if "/" in text)


def _inside(text: str, uploads: Path) -> bool:
    try:
        # A path of a store that can be moved is relative to the store's folder.
        return (uploads.parent / text).resolve().is_relative_to(uploads.resolve())
    except (OSError, ValueError, RuntimeError):  # a name too long, with NUL, a ring of links: no upload of ours
        return False
