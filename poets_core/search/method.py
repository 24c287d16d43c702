"""What all search methods share: first round, duplicates, history, report and checkpoint."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.lm.likelihood import Encoded
from poets_core.protocols import Round, UpdateReport
from poets_core.search.history import History
from poets_core.search.sampler import Draw, Key, Sampler, spelled
from poets_core.search.selection import far_apart
from poets_core.spec import SearchSettings, SearchSpec
from poets_core.types import BEFORE, F8, I8, Candidate, Observation, given_candidate, of_given

SPREAD = 8
"""Designs that are drawn for each one of a batch that is spread."""
PART = 512
"""Given designs that are scored at a time: their states at once would fill the memory."""


@dataclass(frozen=True)
class Proposals:
    """The draws of a round in slot order, with what is said of each before it is measured.

    Attributes:
        draws: n draws.
        branch: who chose each, -1 for the reference.
        log_prob: log-probability of each under its branch, nats.
        reference: the same under the reference.
        mean: predicted reward, standardised; NaN where nothing is predicted.
        std: its deviation.
    """

    draws: Sequence[Draw]
    branch: Int64[np.ndarray, " n"]
    log_prob: Float64[np.ndarray, " n"]
    reference: Float64[np.ndarray, " n"]
    mean: Float64[np.ndarray, " n"]
    std: Float64[np.ndarray, " n"]

    def joined(self, more: Proposals) -> Proposals:
        """Return these and more."""
        arrays = ("branch", "log_prob", "reference", "mean", "std")
        both = {name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in arrays}
        return Proposals([*self.draws, *more.draws], **both)

    def candidates(self, round: int) -> list[Candidate]:
        """Return them as candidates of a round."""
        return self._named(round, [f"{round}-{slot}" for slot in range(len(self.draws))])

    def given(self, numbers: Sequence[int]) -> list[Candidate]:
        """Return them as candidates that were measured before the run, by their places in `Problem.given`."""
        return self._named(BEFORE, list(map(given_candidate, numbers)))

    def _named(self, round: int, ids: Sequence[str]) -> list[Candidate]:
        return [
            Candidate(
                id=ids[slot],
                round=round,
                branch=int(self.branch[slot]),
                source=draw.source,
                prompt=draw.prompt,
                design=draw.design,
                text=draw.text,
                reason=draw.reason,
                log_prob=float(self.log_prob[slot]),
                reference_log_prob=float(self.reference[slot]),
                predicted_mean=_one_nan(self.mean[slot]),
                predicted_std=_one_nan(self.std[slot]),
                tokens=draw.tokens,
            )
            for slot, draw in enumerate(self.draws)
        ]


class Method(ABC):
    """A search method; see `poets_core.protocols.Search` for what it offers.

    Every method obeys the same rules, so that they can be compared: a first round from the reference, the same designs
    for one seed, and no design twice unless the spec allows repeats. A method says how it proposes (`_propose`) and
    how it learns (`_learn`).
    """

    settings: SearchSettings
    """A method's class narrows this to its own."""

    def __init__(self, sampler: Sampler, spec: SearchSpec, *, branches: int = 0, bootstrap: bool = True) -> None:
        """Start at round 0 without observations.

        Args:
            sampler: draws from the ensemble of the problem.
            spec: the run's settings.
            branches: how many branches learn from encoded observations; 0 where none does.
            bootstrap: whether each of these branches has bootstrap weights of its own.
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
            cache_bytes=float(spec.backbone.cache_mb * 2**20),
            bootstrap=bootstrap,
        )

    @property
    def seen(self) -> set[Key]:
        """Designs that are not to be measured again."""
        return set() if self.settings.allow_repeats else self.history.seen

    def ask(self, n: int, *, spread: bool = False) -> list[Candidate]:
        """Propose up to n candidates; see `Search.ask`."""
        prompt = np.arange(n) % len(self.problem.prompts)
        if spread:
            drawn = self.from_reference(np.resize(prompt, SPREAD * n), "spread")
            known = [c.tokens for c in self.history.candidates]
            chosen = [drawn[i] for i in far_apart([d.tokens for d in drawn], n, known)]
            return self._scored(chosen).candidates(self.round)
        # The first round is the same for every method: what they reach afterwards is then their own merit. With given
        # data it is the data, and every method proposes by what it has learnt of them.
        proposals = self._propose(prompt) if len(self.history) else self._first(prompt)
        return proposals.candidates(self.round)

    @abstractmethod
    def _propose(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        """Propose one design per slot, from the second round on; fewer when the space is exhausted."""

    def _learn(self) -> dict[str, Any]:
        """Fit to the history; return figures for the round's report, JSON values."""
        return {}

    def _first(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        """Propose the first round."""
        return self._scored(self.from_reference(prompt))

    def from_reference(
        self, prompt: Int64[np.ndarray, " n"], key: str = "", besides: AbstractSet[Key] = frozenset()
    ) -> list[Draw]:
        """Draw one unseen design per slot from the reference; fewer when there are no more.

        Args:
            prompt: prompt of each slot.
            key: tells this use apart from the round's own draws.
            besides: further designs that are not wanted.
        """
        unique = not self.settings.allow_repeats
        names: tuple[int | str, ...] = ("round", self.round, key) if key else ("round", self.round)
        found = self.sampler.draw_unseen(np.full(len(prompt), -1), prompt, names, self.seen | besides, unique=unique)
        return [d for d in found if d is not None]

    def filled(self, prompt: Int64[np.ndarray, " n"], found: Sequence[Draw | None]) -> list[Draw]:
        """Give empty slots to the reference, so that a method that has narrowed still spends its calls.

        Args:
            prompt: prompt of each slot.
            found: (n,) what the method found for each slot.
        """
        empty = np.array([i for i, draw in enumerate(found) if draw is None], dtype=np.int64)
        kept = [d for d in found if d is not None]
        taken = set() if self.settings.allow_repeats else {d.key for d in kept}
        return kept + (self.from_reference(prompt[empty], "refill", taken) if len(empty) else [])

    def _scored(self, draws: Sequence[Draw], mean: F8 | None = None, std: F8 | None = None) -> Proposals:
        """Score draws; a prediction (n,) that is not given is NaN."""
        unknown = np.full(len(draws), np.nan)
        if not draws:
            return Proposals(draws, np.zeros(0, dtype=np.int64), unknown, unknown, unknown, unknown)
        branch, own, reference = self._log_prob(draws)
        return Proposals(
            draws, branch, own, reference, unknown if mean is None else mean, unknown if std is None else std
        )

    def _log_prob(self, draws: Sequence[Draw]) -> tuple[I8, F8, F8]:
        """The branches that wrote n draws (-1: the reference), log-probabilities under these and the reference."""
        reference = np.array([d.log_prob for d in draws], dtype=np.float64)
        # What the reference wrote was scored while it was drawn; edits and designs of the space were not.
        unscored = [d for d in draws if d.source != "reference"]
        if unscored:
            reference[[d.source != "reference" for d in draws]] = self._encode(unscored).reference
        return np.full(len(draws), -1), reference, reference

    def _encode(self, draws: Sequence[Draw] | Sequence[Candidate]) -> Encoded:
        prompt = np.array([d.prompt for d in draws], dtype=np.int64)
        return self.ensemble.encode([d.tokens for d in draws], prompt)

    def given(self) -> list[Candidate]:
        """Return what the problem gives as candidates; see `Search.given`."""
        drawn = [spelled(self.problem, self.ensemble, g.design, 0, "given") for g in self.problem.given]
        known = [(number, draw) for number, draw in enumerate(drawn) if draw is not None]
        found: list[Candidate] = []
        for start in range(0, len(known), PART):
            part = known[start : start + PART]
            scored = self._scored([draw for _, draw in part]).given([number for number, _ in part])
            # Outside the grammar nothing has a density, so that no branch can learn it.
            found += [c for c in scored if math.isfinite(c.reference_log_prob)]
        return found

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Take in a round, a contest, given data or corrections; see `Search.tell`."""
        if self.history.holds(candidates):
            self.history.correct(observations)
            return
        if of_given(candidates):
            self.round = BEFORE  # the update that follows completes it, and the first round is still to come
        self.history.add(candidates, observations, self._encode(candidates) if self.history.branches else None)

    def update(self) -> UpdateReport:
        """Learn, then report the round's shares, the reward scale and what was learned."""
        if not len(self.history):
            # A first round of which nothing is known, every well of it failed: there is nothing to learn yet.
            self.round += 1
            return UpdateReport({})
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
        """Return the number of completed rounds; methods add what they trained."""
        return {"round": np.array(self.round, dtype=np.int64)}

    def restore(self, tensors: Mapping[str, np.ndarray], history: Sequence[Round]) -> None:
        """Take over a checkpoint; see `Search.restore`."""
        # Round by round, as it was: encodings in other batches would differ in their last bits.
        for candidates, observations in history:
            self.tell(candidates, observations)
        self.round = int(tensors["round"])

    def export_adapters(self, folder: Path) -> list[Path]:
        """Write nothing: a method without branches trains none."""
        return []


def _one_nan(x: np.float64) -> float:
    # Candidates are compared to see whether a resumed run proposes the same; NaN equals NaN as the same object only.
    return math.nan if np.isnan(x) else float(x)
