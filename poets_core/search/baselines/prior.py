"""Prior sampling: unseen designs from the reference, nothing learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poets_core.search.propose import Sampler
from poets_core.search.search import UpdateReport
from poets_core.types import Candidate, Observation


class PriorSearch:
    """The baseline every method has to beat; same duplicate policy, same first round as POETS."""

    def __init__(self, sampler: Sampler, *, allow_repeats: bool) -> None:
        """Args: sampler over the reference; whether designs may come again."""
        self.sampler, self.allow_repeats = sampler, allow_repeats
        self.round = 0
        self.facts: dict[str, Any] = {}
        self._seen: set[tuple[int, str]] = set()
        self._latest: list[tuple[Candidate, Observation]] = []

    def ask(self, n: int) -> list[Candidate]:
        """Draw n designs that were not drawn before; see `Search.ask`."""
        prompt = np.arange(n) % len(self.sampler.problem.prompts)
        seen: set[tuple[int, str]] = set() if self.allow_repeats else self._seen
        drawn = self.sampler.draw_unseen(
            np.full(n, -1), prompt, ("round", self.round), seen, unique=not self.allow_repeats
        )
        found = [d for d in drawn if d is not None]
        return [
            Candidate(
                id=f"{self.round}-{slot}",
                round=self.round,
                branch=-1,
                source="reference",
                prompt=d.prompt,
                design=d.design,
                text=d.text,
                reason=d.reason,
                log_prob=d.log_prob,
                reference_log_prob=d.log_prob,
                predicted_mean=0.0,
                predicted_std=0.0,
                tokens=d.tokens,
            )
            for slot, d in enumerate(found)
        ]

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Remember what was drawn."""
        self._latest = list(zip(candidates, observations, strict=True))
        self._seen |= {(c.prompt, c.design) for c in candidates if c.design}

    def update(self) -> UpdateReport:
        """Learn nothing; report shares."""
        self.round += 1
        n = max(1, len(self._latest))
        return UpdateReport(
            {
                "unique": len({c.design for c, _ in self._latest if c.design}) / n,
                "valid": sum(o.valid for _, o in self._latest) / n,
            }
        )

    def state(self) -> dict[str, np.ndarray]:
        """Return the number of completed rounds."""
        return {"round": np.array(self.round, dtype=np.int64)}

    def restore(
        self,
        tensors: Mapping[str, np.ndarray],
        history: Sequence[tuple[Sequence[Candidate], Sequence[Observation]]],
    ) -> None:
        """Take over the designs of the completed rounds."""
        for candidates, observations in history:
            self.tell(candidates, observations)
        self.round = int(tensors["round"])

    def export_adapters(self, folder: Path) -> list[Path]:
        """There are no branches: nothing is written."""
        return []
