"""How branches are trained: every round all of them learn from all observations (replay)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor

from poets_core.errors import Diverged
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded
from poets_core.search.poets.early_stop import EarlyStop
from poets_core.search.poets.loss import matching_loss
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
LOOKS = 12
"""How often a fit that may stop early is judged."""
FEWEST_APART, APART = 12, 0.85
"""Rows of a minibatch, and share of its padded tokens, from which on short rows are computed apart from long ones."""
ACTIVATION_BYTES = 2**30
"""What a training step may keep for its gradient, on a CPU; rows of a branch that need more are taken in parts, which
are computed twice."""
GPU_SHARE = 8
"""On a GPU: this part of all its memory."""
GROUP_POSITIONS = 2048
"""Positions that branches are computed for at once on a CPU, a group of branches after the other: more leave its
caches (all of 8 branches on 32 rows of 32 tokens: 10 % slower), fewer use its kernels badly."""
GROUP_SHARE = 4
"""A group of several branches keeps no more than this part of what one may: memory is not to grow with M."""


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


class Trainer:
    """Adam on the stacked adapters, with state and gradient clipping per branch."""

    def __init__(self, ensemble: BranchEnsemble, *, beta: float, learning_rate: float, gradient_norm: float) -> None:
        """Args: beta in reward standard deviations; the others as in `SearchSpec`."""
        self.ensemble, self.beta, self.gradient_norm = ensemble, beta, gradient_norm
        self.learning_rate = learning_rate
        self._parameters = ensemble.parameters()
        self.restart()

    def restart(self) -> None:
        """Forget the optimiser's state."""
        self._adam = torch.optim.Adam(self._parameters, lr=self.learning_rate, fused=True)

    def run(
        self,
        replay: Replay,
        *,
        steps: int,
        minibatch: int,
        seed: int,
        round: int,
        best_share: float = 0.0,
        stop_early: bool = False,
    ) -> None:
        """Take Adam steps on minibatches of the whole replay.

        Args:
            replay: all observations so far.
            steps, minibatch: Adam steps, and observations in each (all, while there are no more).
            seed, round: key of the draws.
            best_share: see `chances`.
            stop_early: see `EarlyStop`; the optimiser's state goes on from the last step.

        Raises:
            Diverged: the adapters are no longer finite.
        """
        rng = rng_for(seed, "minibatch", round)
        n = len(replay.encoded)
        p = chances(replay.rewards, best_share) if best_share else None
        stop = None
        if stop_early and steps:
            stop = EarlyStop(self.ensemble, replay.encoded, replay.rewards, replay.weights, beta=self.beta)
            stop.look()
        for step in range(1, steps + 1):
            index = np.sort(rng.choice(n, minibatch, replace=False, p=p)) if n > minibatch else np.arange(n)
            self._step(replay, index)
            if stop is not None and (step % -(-steps // LOOKS) == 0 or step == steps):
                stop.look()
        self.check(round)
        if stop is not None:
            stop.take_best()

    def check(self, round: int) -> None:
        """Refuse adapters that are no longer finite.

        Raises:
            Diverged: they are not.
        """
        norms = torch._foreach_norm(list[Tensor](self._parameters))
        if not bool(torch.isfinite(torch.stack(norms)).all()):
            raise Diverged(
                f"Expected finite adapters after round {round}, got NaN or infinity. Lower search.learning_rate, or "
                "raise search.beta."
            )

    def descend(self, loss: Callable[[], Tensor]) -> None:
        """Take one step against the gradient of any loss of the branches."""
        self._adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss())
        self._move()

    def _step(self, replay: Replay, index: I8) -> None:
        self._adam.zero_grad(set_to_none=True)
        for branches in self._groups(replay.encoded.ends[index]):
            self._add_gradient(replay, index, branches)
        self._move()

    def _move(self) -> None:
        """Go against the gradient that was gathered, clipped branch by branch."""
        self._clip()
        self._adam.step()

    def _groups(self, ends: I8) -> list[slice]:
        """Cut the branches, whose losses know nothing of each other, into even groups that a pass computes well.

        Args:
            ends: i8 (n,) tokens of each row of the minibatch.
        """
        m, positions = self.ensemble.branches, len(ends) * int(ends.max())
        size = self._activation_bytes() // GROUP_SHARE // (positions * self.ensemble.activation_bytes)
        if self.ensemble.backbone.device.type == "cpu":
            size = min(size, GROUP_POSITIONS // positions)
        edges = np.linspace(0, m, -(-m // max(1, size)) + 1).round().astype(int).tolist()
        return [slice(i, j) for i, j in pairwise(edges)]

    def _activation_bytes(self) -> int:
        device = self.ensemble.backbone.device
        if device.type == "cpu":
            return ACTIVATION_BYTES
        return int(torch.cuda.get_device_properties(device).total_memory) // GPU_SHARE

    def _add_gradient(self, replay: Replay, index: I8, branches: slice) -> None:
        """Add the gradient of some branches' losses on a minibatch."""
        device = self.ensemble.backbone.device
        weights = replay.weights[branches, index]
        reference = torch.from_numpy(replay.encoded.reference[index]).to(device)
        chunks, keep = self._row_chunks(replay.encoded.ends[index], len(weights))
        wanted = weights > 0

        def log_p(chunk: I8, *, values: bool = True) -> Tensor:
            return self.ensemble.branch_log_prob(
                replay.encoded, index[chunk], wanted[:, chunk], branches=branches, values=values
            )

        with torch.set_grad_enabled(keep):
            found = torch.cat([log_p(chunk) for chunk in chunks], 1)[:, np.argsort(np.concatenate(chunks))]
        if not keep:  # find the gradient at the log-probabilities first, then pass it on chunk by chunk
            found.requires_grad_()
        losses = matching_loss(
            self.beta * (found - reference),
            torch.from_numpy(replay.rewards[index]).to(device),
            torch.from_numpy(weights.astype(np.float64)).to(device),
            torch.from_numpy(replay.encoded.prompt[index]).to(device),
        )
        torch.autograd.backward(losses.sum())
        if not keep:
            gradient = cast(Tensor, found.grad)
            for chunk in chunks:
                torch.autograd.backward(log_p(chunk, values=False), gradient[:, chunk])

    def _row_chunks(self, ends: I8, branches: int) -> tuple[list[I8], bool]:
        """Cut a minibatch, short sequences apart from long ones, and say whether all of its graph may be kept.

        Args:
            ends: i8 (n,) tokens of each row.
            branches: how many learn from it at once.
        """
        order = np.argsort(ends, kind="stable")
        most = self._activation_bytes()
        a_token = branches * self.ensemble.activation_bytes
        quarters = [q for q in np.array_split(order, 4) if len(q)]
        spent = sum(len(q) * int(ends[q].max()) for q in quarters)
        whole = len(ends) * int(ends.max())
        chunks = quarters if len(ends) >= FEWEST_APART and spent < APART * whole else [order]
        if min(spent, whole) * a_token <= most:
            return chunks, True
        rows = max(1, most // (int(ends.max()) * a_token))
        return [p[k : k + rows] for p in chunks for k in range(0, len(p), rows)], False

    def _clip(self) -> None:
        """Bound each branch's gradient norm by itself, so that no branch slows another."""
        grads: list[Tensor] = [p.grad for p in self._parameters if p.grad is not None]
        norms = torch.stack([torch.linalg.vector_norm(g, dim=(1, 2)) for g in grads])
        factor = (self.gradient_norm / torch.linalg.vector_norm(norms, dim=0).clamp_min(1e-12)).clamp_max(1.0)
        torch._foreach_mul_(grads, [factor[:, None, None]] * len(grads))

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
        names = ("exp_avg", "exp_avg_sq")
        for i, p in enumerate(self._parameters):
            found = tensors[f"adapter.{i}"]
            if found.shape != tuple(p.shape):
                raise ValueError(f"Expected adapter {i} of shape {tuple(p.shape)}, got {found.shape}.")
            with torch.no_grad():
                p.copy_(torch.from_numpy(found.copy()))
            if f"adam.step.{i}" in tensors:
                # Laid out in memory as the parameter is, which the fused step takes for granted.
                moments = {k: torch.empty_like(p) for k in names}
                for k, moment in moments.items():
                    moment.copy_(torch.from_numpy(np.array(tensors[f"adam.{k}.{i}"])))
                step = torch.from_numpy(np.array(tensors[f"adam.step.{i}"])).to(p.device)
                self._adam.state[p] = {"step": step, **moments}
