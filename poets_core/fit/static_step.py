"""A training step whose shapes do not depend on the rows that are drawn, so that a GPU replays it as one graph.

Every branch is asked about every row of the minibatch, those without weight too: on a GPU launches cost more than
these rows do where models are small. The same loss and the same gradient as the trainer's own step, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from poets_core.fit.loss import matching_loss
from poets_core.fit.replay import Replay
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kernels import Replays, upload
from poets_core.lm.likelihood import Encoded
from poets_core.types import I8


class StaticStep:
    """Adam steps of all branches at once, on tensors that stay where they are."""

    def __init__(self, ensemble: BranchEnsemble, beta: float, replayed: Replays) -> None:
        """Reserve nothing yet.

        Args:
            ensemble: its trainable blocks are trained.
            beta: KL weight, in reward standard deviations.
            replayed: runs the steps.
        """
        self.ensemble, self.beta, self.replayed = ensemble, beta, replayed
        self._held: dict[tuple[int, int, int], dict[str, Tensor]] = {}

    def able(self, encoded: Encoded, index: I8, most: float) -> bool:
        """Whether a minibatch can be taken: prompts of one length, and all branches within `most` bytes."""
        if not (encoded.position == encoded.position[0]).all():
            return False
        # As long as the longest completion so far, whichever rows are drawn, so that the shape recurs.
        span = int(encoded.position[0]) + encoded.tokens.shape[1]
        a_position = self.ensemble.activation_bytes + self.ensemble.attention_bytes(span)
        # Attention to a window is laid out by transformers, which looks at positions, and so waits.
        if not self.ensemble.backbone.sees(span):
            return False
        return bool(self.ensemble.branches * len(index) * span * a_position <= most)

    def take(
        self,
        replay: Replay,
        index: I8,
        changed: Sequence[Tensor],
        move: Callable[[], None],
    ) -> None:
        """Take one step.

        Args:
            replay: all observations.
            index: i8 (n,) the minibatch.
            changed: trainable blocks and the optimiser's state.
            move: goes against the gradients of the trainable blocks.
        """
        ensemble, device, encoded = self.ensemble, self.ensemble.backbone.device, replay.encoded
        groups = replay.centred_with[index]
        position, prompts = int(encoded.position[0]), int(groups.max()) + 1
        n, t = len(index), encoded.tokens.shape[1]
        fresh = {
            "hidden": encoded.states.take(index, position + t),
            "tokens": upload(encoded.tokens[index], device),
            "rows": upload(encoded.rows[index], device),
            "inside": upload(np.arange(t) < encoded.length[index, None], device),
            "reference": upload(encoded.reference[index], device),
            "rewards": upload(replay.rewards[index], device),
            "weights": upload(replay.weights[:, index].astype(np.float64), device),
            "prompt": upload(groups, device),
        }
        held = self._held.setdefault((n, t, position), {k: x.clone() for k, x in fresh.items()})
        # Copied into the same tensors every time: a recording reads these and no others.
        for name, x in fresh.items():
            held[name].copy_(x)
        # The table of the grammar grows with the states that were met, and then lies elsewhere.
        allowed, parameters = ensemble.table.table(), ensemble.parameters()
        key = (n, t, position, prompts, allowed.data_ptr(), len(allowed), ensemble.stack.prior_factor)

        def step() -> None:
            how: dict[str, Any] = {k: held[k] for k in ("hidden", "tokens", "rows", "inside")}
            log_p = ensemble.every_log_prob(**how, position=position, allowed=allowed)
            # What a branch's bootstrap left out weighs nothing, and gets the gradient 0.
            losses = matching_loss(
                self.beta * (log_p - held["reference"]), held["rewards"], held["weights"], held["prompt"], prompts
            )
            for p, gradient in zip(parameters, torch.autograd.grad(losses.sum(), parameters), strict=True):
                p.grad = gradient
            move()

        self.replayed.run(key, step, changed)

    def clear(self) -> None:
        """Forget all recordings: the optimiser's state lies elsewhere now."""
        self._held.clear()
        self.replayed.clear()
