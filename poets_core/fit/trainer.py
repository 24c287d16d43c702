"""How branches are trained: every round all of them learn from all observations (replay)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from poets_core.errors import Diverged
from poets_core.fit.early_stop import EarlyStop
from poets_core.fit.loss import matching_loss
from poets_core.fit.replay import Replay
from poets_core.fit.static_step import StaticStep
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kernels import replays, upload
from poets_core.types import I8, round_number

BEST = 0.25
"""Share of the replay that counts as its best, but at least `FEWEST` observations."""
FEWEST = 4
LOOKS = 12
"""How often a fit that may stop early is judged."""
FEWEST_APART, APART = 12, 0.85
"""Short rows are computed apart from long ones in minibatches of at least this many rows, where that leaves less than
this share of the padded tokens."""
ACTIVATION_BYTES = 2**30
"""Bytes that a training step may keep for its gradient on a CPU. Rows of a branch that need more are taken in chunks,
and these are computed twice."""
GPU_SHARE = 8
"""Fraction 1/8 of GPU memory that one training step may use for activations."""
GROUP_POSITIONS = 2048
"""Positions (rows times tokens) of one group of branches on a CPU. More leave its caches (all of 8 branches on 32 rows
of 32 tokens: 10 % slower), fewer use its kernels badly."""
GROUP_SHARE = 4
"""A group of several branches may keep 1/4 of what one branch may, so that memory does not grow with M."""


def chances(rewards: Float64[np.ndarray, " N"], best_share: float) -> Float64[np.ndarray, " N"]:
    """Return each observation's chance to be drawn next; they sum to 1.

    With probability `best_share` one of the best quarter, else any. Matching has
    the same optimum under every distribution of full support, so no importance
    ratio is owed; the model's capacity goes to the designs that will be compared.

    Args:
        rewards: standardised rewards; earlier observations win ties.
        best_share: in [0, 1).
    """
    n = len(rewards)
    best = np.argsort(-rewards, kind="stable")[: max(FEWEST, int(n * BEST))]
    p = np.full(n, (1.0 - best_share) / n)
    p[best] += best_share / len(best)
    return p


MOMENTS = ("exp_avg", "exp_avg_sq")
"""What Adam keeps of each block."""


class Trainer:
    """Adam on the stacked adapters, with state and gradient clipping per branch."""

    def __init__(self, ensemble: BranchEnsemble, *, beta: float, learning_rate: float, gradient_norm: float) -> None:
        """Start an optimiser.

        Args:
            ensemble: its trainable blocks are trained.
            beta: KL weight, in reward standard deviations.
            learning_rate: of Adam.
            gradient_norm: largest norm of a branch's gradient; larger ones are scaled down to it.
        """
        self.ensemble, self.beta, self.gradient_norm = ensemble, beta, gradient_norm
        self.learning_rate = learning_rate
        self._parameters = ensemble.parameters()
        # None on a CPU, where launches cost nothing and rows without weight would cost time.
        self.static: StaticStep | None = None
        if ensemble.backbone.device.type == "cuda":
            self.static = StaticStep(ensemble, beta, replays(ensemble.backbone.device))
        self.restart()

    def restart(self) -> None:
        """Forget the optimiser's state."""
        graphs = self.ensemble.backbone.device.type == "cuda"
        self._adam = torch.optim.Adam(self._parameters, lr=self.learning_rate, fused=True, capturable=graphs)
        self._forget()

    def reset(self, every: int, *, seed: int, round: int) -> None:
        """Start all trained blocks anew every so many rounds; the priors stay.

        Args:
            every: rounds; 0 for never.
            seed, round: key of the new blocks; nothing was learnt before round 0.
        """
        if not every or not round or round % every:
            return
        for layer in self.ensemble.stack.layers.values():
            layer.restart(seed, round)
        # Adam's moments belong to the old blocks: kept, they would push the new ones where those were going.
        self.restart()

    def _forget(self) -> None:
        if self.static is not None:
            self.static.clear()

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
        # One stream for all steps of the round: a resumed fit draws the minibatches that the first one drew.
        rng = rng_for(seed, "minibatch", round)
        n = len(replay.encoded)
        p = chances(replay.rewards, best_share) if best_share else None
        stop = None
        if stop_early and steps:
            stop = EarlyStop(self.ensemble, replay.encoded, replay.rewards, replay.weights, beta=self.beta)
            stop.look()  # no step at all may be the best for a branch
        for step in range(1, steps + 1):
            # In the order of the replay: sums then run over equal minibatches in equal order, to the same bits.
            index = np.sort(rng.choice(n, minibatch, replace=False, p=p)) if n > minibatch else np.arange(n)
            self.step(replay, index)
            if stop is not None and (step % -(-steps // LOOKS) == 0 or step == steps):
                stop.look()
        # Before the best step is taken back: early stopping would hide that training has left the finite numbers.
        self.check(round)
        if stop is not None:
            stop.take_best()

    def check(self, round: int) -> None:
        """Refuse adapters that are no longer finite.

        Raises:
            Diverged: they are not.
        """
        # A norm is NaN or infinite as soon as one of its numbers is, and one copy from the device tells all.
        norms = torch._foreach_norm(list[Tensor](self._parameters))
        if not bool(torch.isfinite(torch.stack(norms)).all()):
            raise Diverged(
                f"Expected finite adapters after round {round_number(round)}, got NaN or infinity. Lower "
                "search.learning_rate, or raise search.beta."
            )

    def descend(self, loss: Callable[[], Tensor]) -> None:
        """Take one step against the gradient of a loss, given as a function that computes it."""
        # Before the step, not after it: what ends here has moved nothing.
        self.ensemble.check()
        self._adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss())
        self._move()

    def step(self, replay: Replay, index: I8) -> None:
        """Take one Adam step of all branches on the matching loss of some observations.

        Args:
            replay: all observations.
            index: i8 (n,) the minibatch, in the order of the replay.
        """
        most = self._activation_bytes() / GROUP_SHARE
        if self.static is not None and self.static.able(replay.encoded, index, most):
            self.ensemble.check()
            state = self._begun()
            self.static.take(replay, index, [*self._parameters, *state], self._move)
            return
        self._adam.zero_grad(set_to_none=True)
        # Losses of branches are summed, not averaged, and share no trainable number. So the gradient of all of them is
        # gathered group by group, and a group's activations are gone before the next one is computed.
        for branches in self._groups(replay.encoded.ends[index]):
            self.ensemble.check()
            self._add_gradient(replay, index, branches)
        self._move()

    def _begun(self) -> list[Tensor]:
        """The optimiser's state, at its start where there is none yet: a recording must not contain that."""
        for p in self._parameters:
            if not self._adam.state.get(p):
                step = torch.zeros((), dtype=torch.float32, device=p.device)
                self._adam.state[p] = {"step": step, **{k: torch.zeros_like(p) for k in MOMENTS}}
        return [x for p in self._parameters for x in self._adam.state[p].values()]

    def _move(self) -> None:
        """Go against the gradient that was gathered, clipped branch by branch."""
        self._clip()
        self._adam.step()

    def _groups(self, ends: I8) -> list[slice]:
        """Cut the branches into groups that one pass computes well.

        Args:
            ends: i8 (n,) tokens of each row of the minibatch.
        """
        # Every row counts as the longest does, because a pass is padded to it.
        m, positions = self.ensemble.branches, len(ends) * int(ends.max())
        a_position = self.ensemble.activation_bytes + self.ensemble.attention_bytes(int(ends.max()))
        size = self._activation_bytes() // GROUP_SHARE // (positions * a_position)
        if self.ensemble.backbone.device.type == "cpu":
            size = min(size, GROUP_POSITIONS // positions)
        # Even groups: with 8 branches and room for 5, two groups of 4 beat 5 and 3.
        edges = np.linspace(0, m, -(-m // max(1, size)) + 1).round().astype(int).tolist()
        return [slice(i, j) for i, j in pairwise(edges)]

    def _activation_bytes(self) -> int:
        device = self.ensemble.backbone.device
        if device.type == "cpu":
            return ACTIVATION_BYTES
        return int(torch.cuda.get_device_properties(device).total_memory) // GPU_SHARE

    def _add_gradient(self, replay: Replay, index: I8, branches: slice) -> None:
        """Add the gradient of some branches' losses on a minibatch.

        Args:
            replay: all observations.
            index: i8 (n,) the minibatch.
            branches: m branches.
        """
        device = self.ensemble.backbone.device
        weights = replay.weights[branches, index]
        reference = upload(replay.encoded.reference[index], device)
        chunks, keep = self._row_chunks(replay.encoded.ends[index], len(weights))
        # A bootstrap leaves out more than a third of all observations; they add nothing to a loss and are not computed.
        wanted = weights > 0

        def log_p(chunk: I8, *, values: bool = True) -> Tensor:
            return self.ensemble.branch_log_prob(
                replay.encoded, index[chunk], wanted[:, chunk], branches=branches, values=values
            )

        # Chunks are in the order of their lengths; the loss needs the order of the minibatch, as weights and rewards
        # are.
        with torch.set_grad_enabled(keep):
            back = upload(np.argsort(np.concatenate(chunks)), device)
            found = torch.cat([log_p(chunk) for chunk in chunks], 1)[:, back]
        # Where the graph of all rows is too large to keep, log-probabilities were found without one. The loss centres
        # over the whole minibatch and couples its rows, but only through these numbers: its gradient at them is found
        # first, then each chunk is computed again, with a graph, and given its share.
        if not keep:
            found.requires_grad_()
        losses = matching_loss(
            self.beta * (found - reference),
            upload(replay.rewards[index], device),
            upload(weights.astype(np.float64), device),
            upload(replay.centred_with[index], device),
            int(replay.centred_with[index].max()) + 1,
        )
        torch.autograd.backward(losses.sum())
        if not keep:
            gradient = cast(Tensor, found.grad)
            for chunk in chunks:
                torch.autograd.backward(log_p(chunk, values=False), gradient[:, upload(chunk, device)])

    def _row_chunks(self, ends: I8, branches: int) -> tuple[list[I8], bool]:
        """Cut a minibatch into chunks of rows, short ones apart from long ones.

        Args:
            ends: i8 (n,) tokens of each row.
            branches: how many branches learn from it at once.

        Returns:
            Rows of each chunk, and whether the graphs of all chunks may be kept at once.
        """
        order = np.argsort(ends, kind="stable")
        most = self._activation_bytes()
        a_token = branches * (self.ensemble.activation_bytes + self.ensemble.attention_bytes(int(ends.max())))
        quarters = [q for q in np.array_split(order, 4) if len(q)]
        spent = sum(len(q) * int(ends[q].max()) for q in quarters)
        whole = len(ends) * int(ends.max())
        # Four passes cost more than one of the same size, so padding must shrink by more than that.
        chunks = quarters if len(ends) >= FEWEST_APART and spent < APART * whole else [order]
        if min(spent, whole) * a_token <= most:
            return chunks, True
        rows = max(1, most // (int(ends.max()) * a_token))
        return [p[k : k + rows] for p in chunks for k in range(0, len(p), rows)], False

    def _clip(self) -> None:
        """Bound each branch's gradient norm by itself, so that no branch slows another."""
        grads: list[Tensor] = [p.grad for p in self._parameters if p.grad is not None]
        # Blocks are stacked (M, ., .): a norm over the last two axes is one block of one branch, and the norm over
        # blocks is that branch's whole gradient.
        norms = torch.stack([torch.linalg.vector_norm(g, dim=(1, 2)) for g in grads])
        factor = (self.gradient_norm / torch.linalg.vector_norm(norms, dim=0).clamp_min(1e-12)).clamp_max(1.0)
        torch._foreach_mul_(grads, [factor[:, None, None]] * len(grads))

    def state(self) -> dict[str, np.ndarray]:
        """Return adapters and optimiser state as named arrays, exactly."""
        out: dict[str, np.ndarray] = {}
        for i, p in enumerate(self._parameters):
            out[f"adapter.{i}"] = p.detach().cpu().numpy().copy()
            for name, value in self._adam.state.get(p, {}).items():
                out[f"adam.{name}.{i}"] = value.detach().cpu().numpy().copy()
        return out

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError: a tensor is missing.
            ValueError: tensors of another ensemble.
        """
        for i, p in enumerate(self._parameters):
            found = tensors[f"adapter.{i}"]
            if found.shape != tuple(p.shape):
                raise ValueError(f"Expected adapter {i} of shape {tuple(p.shape)}, got {found.shape}.")
            with torch.no_grad():
                p.copy_(torch.from_numpy(found.copy()))
            if f"adam.step.{i}" in tensors:
                # Laid out in memory as the parameter is, which the fused step takes for granted.
                moments = {k: torch.empty_like(p) for k in MOMENTS}
                for k, moment in moments.items():
                    moment.copy_(torch.from_numpy(np.array(tensors[f"adam.{k}.{i}"])))
                step = torch.from_numpy(np.array(tensors[f"adam.step.{i}"])).to(p.device)
                self._adam.state[p] = {"step": step, **moments}
        self._forget()
