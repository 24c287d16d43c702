"""What the rivals of POETS share: first round, duplicates, history, checkpoints."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np

from poets_core.lm.likelihood import Encoded
from poets_core.search.history import History
from poets_core.search.propose import Draw, Key, Sampler, as_candidate
from poets_core.search.search import UpdateReport
from poets_core.spec import SearchSettings, SearchSpec
from poets_core.types import F8, I8, Candidate, Observation


class Baseline(ABC):
    """A search that is not POETS, under its rules: a first round from the reference, one policy on repeats."""

    settings: SearchSettings
    """A method's class narrows this to its own."""

    def __init__(self, sampler: Sampler, spec: SearchSpec, *, branches: int = 0) -> None:
        """Start without observations.

        Args:
            sampler: over problem and ensemble; spec: the run's settings.
            branches: how many learn from encoded observations, if any do.
        """
        self.sampler, self.spec, self.settings = sampler, spec, spec.search
        self.problem, self.ensemble = sampler.problem, sampler.ensemble
        self.round = 0
        self.facts: dict[str, Any] = {}
        self.history = History(
            self.problem.info.objectives[0].direction,
            spec.search.transform,
            branches,
            spec.seed,
            cache_bytes=spec.backbone.cache_mb * 2**20,
        )

    @property
    def seen(self) -> set[tuple[int, str]]:
        """Designs that are not to be called again."""
        return set() if self.settings.allow_repeats else self.history.seen

    def ask(self, n: int) -> list[Candidate]:
        """Propose up to n candidates; see `Search.ask`."""
        prompt = np.arange(n) % len(self.problem.prompts)
        draws = self.from_reference(prompt) if self.round == 0 else self._propose(prompt)
        if not draws:
            return []
        branch, own, reference = self._log_prob(draws)
        mean, std = self._predicted(draws)
        return [
            as_candidate(self.round, k, draw, int(branch[k]), float(own[k]), float(reference[k]), mean[k], std[k])
            for k, draw in enumerate(draws)
        ]

    def from_reference(self, prompt: I8, key: str = "", besides: AbstractSet[Key] = frozenset()) -> list[Draw]:
        """Draw one unseen design a slot from the backbone as it is, none of `besides`; fewer when there are no more."""
        unique = not self.settings.allow_repeats
        names: tuple[int | str, ...] = ("round", self.round, key) if key else ("round", self.round)
        found = self.sampler.draw_unseen(np.full(len(prompt), -1), prompt, names, self.seen | besides, unique=unique)
        return [d for d in found if d is not None]

    def filled(self, prompt: I8, found: Sequence[Draw | None]) -> list[Draw]:
        """Give slots that stayed empty to the reference, so that a method that has narrowed still spends its calls."""
        empty = np.array([i for i, draw in enumerate(found) if draw is None], dtype=np.int64)
        kept = [d for d in found if d is not None]
        taken = set() if self.settings.allow_repeats else {d.key for d in kept}
        return kept + (self.from_reference(prompt[empty], "refill", taken) if len(empty) else [])

    @abstractmethod
    def _propose(self, prompt: I8) -> list[Draw]:
        """One draw a slot, from the second round on; fewer when the space is exhausted."""

    def _learn(self) -> dict[str, Any]:
        """Fit to the history; return figures for the round's report."""
        return {}

    def _log_prob(self, draws: Sequence[Draw]) -> tuple[I8, F8, F8]:
        """The branches that wrote them (-1: the reference), log-probabilities under these and under the reference."""
        reference = np.array([d.log_prob for d in draws])
        unscored = [d for d in draws if d.source != "reference"]
        if unscored:
            reference[[d.source != "reference" for d in draws]] = self._encode(unscored).reference
        return np.full(len(draws), -1), reference, reference

    def _predicted(self, draws: Sequence[Draw]) -> tuple[list[float], list[float]]:
        """Predicted mean and deviation of each, in standardised reward; NaN where nothing is predicted."""
        return [math.nan] * len(draws), [math.nan] * len(draws)

    def _encode(self, draws: Sequence[Draw] | Sequence[Candidate]) -> Encoded:
        prompt = np.array([d.prompt for d in draws], dtype=np.int64)
        return self.ensemble.encode([d.tokens for d in draws], prompt)

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Take in a round."""
        self.history.add(candidates, observations, self._encode(candidates) if self.history.branches else None)

    def update(self) -> UpdateReport:
        """Learn, then report shares and the reward scale."""
        learned = self._learn()
        self.round += 1
        latest, scale = self.history.latest, self.history.scale()
        return UpdateReport(
            {
                "unique": len({c.design for c in latest if c.design}) / len(latest),
                "valid": float(np.mean(self.history.valid[-len(latest) :])),
                "reward_location": scale.location,
                "reward_scale": scale.scale,
                "reward_log": scale.log,
                **learned,
            }
        )

    def state(self) -> dict[str, np.ndarray]:
        """Return the number of completed rounds and what the method adds."""
        return {"round": np.array(self.round, dtype=np.int64)}

    def restore(
        self,
        tensors: Mapping[str, np.ndarray],
        history: Sequence[tuple[Sequence[Candidate], Sequence[Observation]]],
    ) -> None:
        """Take over a checkpoint; observations are told again round by round."""
        for candidates, observations in history:
            self.tell(candidates, observations)
        self.round = int(tensors["round"])

    def export_adapters(self, folder: Path) -> list[Path]:
        """Nothing is trained here: nothing is written."""
        return []
