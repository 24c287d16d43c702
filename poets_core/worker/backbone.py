"""The backbone that a run has trained for itself: kept whole, and trained again where it is not.

Problem and spec determine it to the last bit on the same hardware. So a file that was lost or changed costs a minute,
and never the run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poets_core.errors import InvalidSpec, StoreError
from poets_core.protocols import Check, Problem, Search
from poets_core.runs import kept
from poets_core.runs.event_fields import jsonable
from poets_core.runs.events import Prepared
from poets_core.spec import SearchSpec
from poets_core.worker.control import Stopped
from poets_core.worker.facts import changes
from poets_core.worker.patience import Terminated
from poets_core.worker.science import Science

OWN = "library"
"""Source of a backbone that the run trains itself."""


class Place(Protocol):
    """How a folder of files takes its place: `Session.place`, or what does the same where no lease is held."""

    def __call__(self, name: str, write: Callable[[Path], object]) -> dict[str, str]: ...


@dataclass(frozen=True)
class Workshop:
    """Where a search is built.

    Attributes:
        science: how.
        folder: holds the run's own backbone, or will.
        place: puts it there.
        check: see `poets_core.protocols.Check`.
    """

    science: Science
    folder: Path
    place: Place
    check: Check

    def build(
        self, problem: Problem, spec: SearchSpec, began: Prepared | None, run: str
    ) -> tuple[Search, dict[str, str]]:
        """Build a run's search at round 0, on the backbone that it began with.

        Args:
            problem: of the run.
            spec: of the run.
            began: what the run began with, None before it.
            run: its id, for messages.

        Returns:
            the search, and the SHA-256 of each file of its own backbone where that was trained just now.

        Raises:
            InvalidSpec: the backbone is another one, and cannot be made again.
            PoetsError: and whatever building raises.
        """
        # A model of others is read where it lies; what it was is in the facts of `prepared`.
        if spec.backbone.source != OWN:
            search = self.science.build(problem, spec, self.folder, self.check)
            _require_same(began, search, run)
            return search, {}
        folder = self.folder / kept.BACKBONE
        why = "" if began is None else kept.damage(folder, began.files)
        # Before `prepared` nothing says what should be there. Older runs have no checksums; they are looked at below.
        whole = began is not None and folder.is_dir() and not why
        files = {} if whole else self._train(problem, spec, why)
        try:
            search = self.science.build(problem, spec, self.folder, self.check)
            _require_same(began, search, run)
        except (Stopped, Terminated, StoreError):
            raise
        except Exception as error:
            # Files of an older run may be damaged in any way, so that loading them may raise anything.
            if not whole or (began is not None and began.files):
                raise
            files = self._train(problem, spec, str(error))
            search = self.science.build(problem, spec, self.folder, self.check)
            _require_same(began, search, run)
        return search, files

    def _train(self, problem: Problem, spec: SearchSpec, why: str) -> dict[str, str]:
        if why:
            _say(f"the run's own backbone is damaged and is trained again from seed and spec: {why}")
        return self.place(kept.BACKBONE, lambda folder: self.science.train(problem, spec, folder, self.check))


def _require_same(began: Prepared | None, search: Search, run: str) -> None:
    if began is not None and (differ := changes(began.backbone, jsonable(search.facts), but=["device"])):
        raise InvalidSpec(
            f"Expected the backbone that run {run} began with, got another: {differ}. "
            "Put the model back as it was, or start a new run."
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
