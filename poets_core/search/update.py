"""The replay fit: every round all branches learn from all observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poets_core.errors import Diverged
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded
from poets_core.search.loss import matching_loss
from poets_core.types import F8, I8


@dataclass(frozen=True)
class Replay:
    """All observations so far, ready to be fitted.

    Attributes:
        encoded: N completions with cached trunk and reference.
        rewards: f8 (N,) standardised rewards, fixed within a fit.
        weights: i8 (M, N) bootstrap weights.
    """

    encoded: Encoded
    rewards: F8
    weights: I8


BEST = 0.25
"""What counts as the best of the replay: this share, and at least `FEWEST`."""
FEWEST = 4


def chances(rewards: F8, best_share: float) -> F8:
    """Return each observation's chance to be drawn next, f8 (N,), summing to 1.

    With probability `best_share` one of the best quarter, else any. Matching has
    the same optimum under every distribution of full support, so no importance
    ratio is owed; the model's capacity goes to the designs that will be compared.

    Args:
        rewards: f8 (N,); earlier observations win ties.
        best_share: in [0, 1).
    """
    n = len(rewards)
    best = np.argsort(-rewards, kind="stable")[: max(FEWEST, int(n * BEST))]
    p = np.full(n, (1.0 - best_share) / n)
    p[best] += best_share / len(best)
    return p


class Fit:
    """Adam on the stacked adapters, with state and clipping per branch."""

    def __init__(self, ensemble: BranchEnsemble, *, beta: float, learning_rate: float, gradient_norm: float) -> None:
        """Args: beta in reward standard deviations; the others as in `SearchSpec`."""
        self.ensemble, self.beta, self.gradient_norm = ensemble, beta, gradient_norm
        self.learning_rate = learning_rate
        self._parameters = ensemble.parameters()
        self.restart()

    def restart(self) -> None:
        """Forget the optimiser's state."""
        self._adam = torch.optim.Adam(self._parameters, lr=self.learning_rate, foreach=True)

    def run(
        self, replay: Replay, *, steps: int, minibatch: int, seed: int, round: int, best_share: float = 0.0
    ) -> None:
        """Take Adam steps on minibatches of the whole replay.

        Args:
            replay: all observations so far.
            steps, minibatch: Adam steps, and observations in each (all, while there are no more).
            seed, round: key of the draws.
            best_share: see `chances`.

        Raises:
            Diverged: the adapters are no longer finite.
        """
        rng = rng_for(seed, "minibatch", round)
        n = len(replay.encoded)
        p = chances(replay.rewards, best_share) if best_share else None
        for _ in range(steps):
            index = np.sort(rng.choice(n, minibatch, replace=False, p=p)) if n > minibatch else np.arange(n)
            self._step(replay, index)
        if not all(bool(torch.isfinite(p).all()) for p in self._parameters):
            raise Diverged(
                f"Expected finite adapters after round {round}, got NaN or infinity. Lower search.learning_rate, or "
                "raise search.beta."
            )

    def _step(self, replay: Replay, index: I8) -> None:
        device = self.ensemble.backbone.device
        rows = replay.encoded.take(index)
        log_p = self.ensemble.branch_log_prob(rows)
        delta = self.beta * (log_p - torch.from_numpy(rows.reference).to(device))
        losses = matching_loss(
            delta,
            torch.from_numpy(replay.rewards[index]).to(device),
            torch.from_numpy(replay.weights[:, index].astype(np.float64)).to(device),
            torch.from_numpy(rows.prompt).to(device),
        )
        self._adam.zero_grad(set_to_none=True)
        torch.autograd.backward(losses.sum())
        self._clip()
        self._adam.step()

    def _clip(self) -> None:
        """Bound each branch's gradient norm by itself, so that no branch slows another."""
        grads: list[Tensor] = [p.grad for p in self._parameters if p.grad is not None]
        squares = torch.stack([(g.flatten(1) ** 2).sum(1) for g in grads]).sum(0)
        factor = (self.gradient_norm / squares.sqrt().clamp_min(1e-12)).clamp_max(1.0)
        for g in grads:
            g.mul_(factor.view(-1, *[1] * (g.dim() - 1)))

    def state(self) -> dict[str, np.ndarray]:
        """Return adapters and optimiser state as arrays, exactly."""
        out: dict[str, np.ndarray] = {}
        for i, p in enumerate(self._parameters):
            out[f"adapter.{i}"] = p.detach().cpu().numpy().copy()
            for name, value in self._adam.state.get(p, {}).items():
                out[f"adam.{name}.{i}"] = value.detach().cpu().numpy().copy()
        return out

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError, ValueError: tensors of another ensemble.
        """
        names: Sequence[str] = ("step", "exp_avg", "exp_avg_sq")
        for i, p in enumerate(self._parameters):
            found = tensors[f"adapter.{i}"]
            if found.shape != tuple(p.shape):
                raise ValueError(f"Expected adapter {i} of shape {tuple(p.shape)}, got {found.shape}.")
            with torch.no_grad():
                p.copy_(torch.from_numpy(found.copy()))
            if f"adam.step.{i}" in tensors:
                saved = {k: torch.from_numpy(np.array(tensors[f"adam.{k}.{i}"])) for k in names}
                self._adam.state[p] = {k: v if k == "step" else v.to(p.device) for k, v in saved.items()}
