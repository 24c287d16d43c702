"""What every search method offers: ask, tell, update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from poets_core.search.propose import Sampler
from poets_core.types import Candidate, Observation


@dataclass(frozen=True)
class UpdateReport:
    """What a fit says: JSON-able figures, see docs/architecture.md for their names."""

    metrics: dict[str, Any] = field(default_factory=dict)


class Search(Protocol):
    """What every method offers, POETS and baselines alike."""

    round: int
    facts: dict[str, Any]
    sampler: Sampler

    def ask(self, n: int) -> list[Candidate]:
        """Propose up to n candidates for the coming round; none when the space is exhausted."""
        ...

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Take in the whole round, observations in the order of the candidates."""
        ...

    def update(self) -> UpdateReport:
        """Fit to everything told so far and complete the round."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Return what cannot be recomputed from the history, as arrays."""
        ...

    def restore(
        self,
        tensors: Mapping[str, np.ndarray],
        history: Sequence[tuple[Sequence[Candidate], Sequence[Observation]]],
    ) -> None:
        """Take over a state after the completed rounds of `history`."""
        ...

    def export_adapters(self, folder: Path) -> list[Path]:
        """Write one PEFT adapter per branch; methods without branches write none."""
        ...
