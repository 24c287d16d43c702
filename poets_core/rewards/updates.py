"""How branches learn from answers and rewards: what every method offers, and the update of POETS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from poets_core.fit.bootstrap import bootstrap_weights
from poets_core.fit.metrics import effective_sample_size
from poets_core.fit.replay import Replay
from poets_core.fit.trainer import Trainer
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.rewards.batch import Batch
from poets_core.spec.reward_settings import RewardSettings
from poets_core.types import I8


class Update(Protocol):
    """What a method does with rewards.

    Attributes:
        asks_tokens: whether it needs the log-probabilities of tokens as they were written.
    """

    asks_tokens: bool

    def fit(self, window: Batch, *, round: int) -> dict[str, Any]:
        """Learn from the answers of the window; return figures of the fit.

        Raises:
            Diverged: the branches are no longer finite.
        """
        ...

    def writers(self) -> I8:
        """Return the branches that answer from now on when it is judged how good they are."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Return what must be kept between rounds, as named arrays."""
        ...

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` returned."""
        ...


def minibatches(window: Batch, settings: RewardSettings, *, seed: int, round: int) -> Iterator[I8]:
    """Yield the rows of each step of a round, in the order of the window: whole prompts, some answers to each.

    They depend on the answers and the key alone, not on the method: all methods take equal steps on equal rows.

    Args:
        window: answers; those without a reward are never drawn.
        settings: steps, and the size of each.
        seed, round: key of the draws.
    """
    rng = rng_for(seed, "step", round)
    # Answers without a reward stay in the window, where they are counted, and are never drawn.
    rows = np.flatnonzero(window.known)
    prompts = window.encoded.prompt[rows]
    distinct = np.unique(prompts)
    if not len(rows):
        return
    for _ in range(settings.steps):
        # By prompt: rows drawn one by one would mostly be alone with theirs, and a group of one teaches nothing.
        picked = rng.choice(distinct, min(settings.step_prompts, len(distinct)), replace=False)
        parts = []
        for p in picked.tolist():
            # Of a prompt that was met often, some answers: steps stay of one size however much is replayed.
            own = rows[prompts == p]
            parts.append(rng.choice(own, min(settings.step_group, len(own)), replace=False))
        yield np.sort(np.concatenate(parts))


class MatchingUpdate:
    """POETS: every branch matches its implicit reward to its own bootstrap of the answers, prompt by prompt.

    With one branch, no bootstrap and no prior this is REBEL (arXiv 2404.16767) and GVPO (arXiv 2504.19599). Groups of
    equal rewards are kept: they say that the policies shall not prefer one of their answers to another.
    """

    asks_tokens = False

    def __init__(self, ensemble: BranchEnsemble, settings: RewardSettings, *, seed: int) -> None:
        """Set the optimiser up."""
        self.ensemble, self.settings, self.seed = ensemble, settings, seed
        self.trainer = trainer_of(ensemble, settings)

    def fit(self, window: Batch, *, round: int) -> dict[str, Any]:
        """See `Update`."""
        replay = self.replay(window)
        self.trainer.reset(self.settings.reset_every, seed=self.seed, round=round)
        for index in minibatches(window, self.settings, seed=self.seed, round=round):
            self.trainer.step(replay, index)
        self.trainer.check(round)
        return {"ess": effective_sample_size(replay.weights[:, window.known])}

    def replay(self, window: Batch) -> Replay:
        """Return the window with its weights, as the trainer takes it."""
        s = self.settings
        # The constant of the implicit reward belongs to the prompt, so all its answers may be compared, old and new.
        groups = window.groups if s.centre == "round" else None
        # Unknown rewards get a number here that nobody reads: no minibatch holds them.
        reward = np.nan_to_num(window.reward)
        # E r - beta KL + alpha H = E(r - alpha log pi_ref) - (beta + alpha) KL: the entropy is a price on what the
        # reference finds likely, and a larger KL weight (`kl_weight`). Exact, so no estimate of H is needed.
        if s.entropy:
            reward = reward - s.entropy * window.encoded.reference
        return Replay(window.encoded, reward, self._weights(window), groups)

    def _weights(self, window: Batch) -> I8:
        """Weights of the answers, i8 (M, N): fixed for a run, whatever is replayed how often."""
        m, kind = self.ensemble.branches, self.settings.bootstrap
        if kind == "none":
            return np.ones((m, len(window)), dtype=np.int64)
        if kind == "observation":
            return bootstrap_weights(self.seed, window.ids, m)
        # By prompt: all answers to it count alike, so branches differ in which prompts they have seen.
        distinct, at = np.unique(window.encoded.prompt, return_inverse=True)
        return np.asarray(bootstrap_weights(self.seed, [f"prompt {p}" for p in distinct.tolist()], m)[:, at])

    def writers(self) -> I8:
        """All branches."""
        return np.arange(self.ensemble.branches)

    def state(self) -> dict[str, np.ndarray]:
        """Adapters and optimiser."""
        return self.trainer.state()

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """See `Update`."""
        self.trainer.restore(tensors)


def trainer_of(ensemble: BranchEnsemble, settings: RewardSettings) -> Trainer:
    """Return the optimiser that the settings ask for."""
    return Trainer(
        ensemble,
        beta=kl_weight(settings),
        learning_rate=settings.learning_rate,
        gradient_norm=settings.gradient_norm,
    )


def kl_weight(settings: RewardSettings) -> float:
    """Return what a nat of log pi - log pi_ref is worth in the matching loss: beta, and alpha of the entropy."""
    return settings.beta + settings.entropy
