"""Policy gradients with the adapters of POETS, one policy: GRPO, and REINFORCE with the leave-one-out baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from poets_core.fit.policy_loss import group_advantages, grpo_loss, reinforce_loss
from poets_core.fit.trainer import Trainer
from poets_core.keyed import rng_for
from poets_core.lm.adapters import export_adapter
from poets_core.search.method import Method, Proposals
from poets_core.search.sampler import Draw, Sampler
from poets_core.spec import GRPOSettings, PPOSettings, RLOOSettings, SearchSpec, ToSFiTSettings
from poets_core.types import F8, I8, Candidate, Observation


class PolicyGradientSearch(Method):
    """One branch without prior adapter, drawn from and trained by policy gradients.

    `grpo` learns from minibatches of the round (of all rounds with `replay`), by the clipped ratio to the policy that
    drew them. `rloo` takes its steps on the round's own draws without a ratio, the KL penalty inside the reward; the
    more steps it takes, the less on-policy it is.
    """

    settings: GRPOSettings | RLOOSettings | ToSFiTSettings | PPOSettings

    def __init__(self, sampler: Sampler, spec: SearchSpec) -> None:
        """Set the optimiser up; the ensemble has one branch."""
        super().__init__(sampler, spec, branches=1)
        s = self.settings
        self.trainer = Trainer(self.ensemble, beta=s.beta, learning_rate=s.learning_rate, gradient_norm=s.gradient_norm)
        # Of every observation, log-probabilities of its tokens under the policy that drew it. That policy is gone after
        # the update, so they cannot be recomputed and belong to the state.
        self._old: list[F8] = []

    def _propose(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        unique = not self.settings.allow_repeats
        drawn = self.sampler.draw_unseen(
            np.zeros(len(prompt), dtype=np.int64), prompt, ("round", self.round), self.seen, unique=unique
        )
        return self._scored(self.filled(prompt, drawn))

    def _log_prob(self, draws: Sequence[Draw]) -> tuple[I8, F8, F8]:
        own = np.array([d.log_prob for d in draws])
        branch = np.array([0 if d.source == "branch" else -1 for d in draws], dtype=np.int64)
        # Before anything is learned the policy is the reference.
        drawn = self.round == 0 and not np.isnan(own).any()
        return branch, own, own if drawn else self._encode(draws).reference

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Take in a round, with the log-probabilities of its tokens: the policy is still the one that drew it."""
        told = len(self.history)
        super().tell(candidates, observations)
        self._old += self._scores(np.arange(told, len(self.history)))

    def _scores(self, index: I8) -> list[F8]:
        """Log-probabilities of the tokens of some observations under the policy, computed a minibatch at a time."""
        out: list[F8] = []
        for start in range(0, len(index), self.settings.minibatch):
            part = index[start : start + self.settings.minibatch]
            with torch.no_grad():
                found = self.ensemble.token_log_prob(self.history.encoded, part).cpu().numpy()
            lengths = self.history.encoded.length[part].tolist()
            out += [row[:n].copy() for row, n in zip(found, lengths, strict=True)]
        return out

    def _learn(self) -> dict[str, Any]:
        s, encoded = self.settings, self.history.encoded
        rounds = np.array([c.round for c in self.history.candidates])
        # What filled slots that stayed empty is not the policy's own: its ratio and its mean would be another's.
        own = self.history.known & [c.round == 0 or c.source == "branch" for c in self.history.candidates]
        replay = isinstance(s, GRPOSettings | RLOOSettings) and s.replay
        rows = np.flatnonzero(own if replay else own & (rounds == self.round))
        # Rounds are groups: the policy that drew them, and how good designs are by then, differ between rounds.
        group = rounds * len(self.problem.prompts) + encoded.prompt
        if not len(rows):
            return {}
        advantages = self._advantages(np.flatnonzero(own), rows, group)
        rng = rng_for(self.spec.seed, "minibatch", self.round)
        for _ in range(s.steps):
            index = np.sort(rng.choice(rows, min(s.minibatch, len(rows)), replace=False))
            self.trainer.descend(lambda index=index: self._loss(index, advantages))  # type: ignore[misc]
        self.trainer.check(self.round)
        latest = np.flatnonzero(rounds == self.round)
        now = np.array([x.sum() for x in self._scores(latest)])
        return {"kl": [float((now - encoded.reference[latest]).mean())], "entropy": float(-now.mean())}

    def _advantages(self, own: I8, rows: I8, group: I8) -> F8:
        """Return the advantage of every observation, f8 (N,).

        Args:
            own: what the policies of this search wrote.
            rows: those among them that are learnt from now.
            group: of every observation, the round and prompt that it was drawn for, i8 (N,).
        """
        advantages = np.zeros(len(group))
        scaled = isinstance(self.settings, GRPOSettings)
        advantages[own] = group_advantages(self.history.rewards()[own], group[own], scaled=scaled)
        return advantages

    def _drawn(self, index: I8, width: int) -> F8:
        """Log-probabilities of tokens under the policies that drew them, f8 (n, width), 0 beyond their ends."""
        old = np.zeros((len(index), width))
        for row, i in enumerate(index.tolist()):
            old[row, : len(self._old[i])] = self._old[i]
        return old

    def _loss(self, index: I8, advantages: F8) -> Tensor:
        s, encoded, device = self.settings, self.history.encoded, self.ensemble.backbone.device
        log_p = self.ensemble.token_log_prob(encoded, index)
        reference = self.ensemble.token_log_prob(encoded, index, reference=True)
        inside = torch.from_numpy(np.arange(log_p.shape[1]) < encoded.length[index][:, None]).to(device)
        a = torch.from_numpy(advantages[index]).to(device)
        if isinstance(s, GRPOSettings):
            old = torch.from_numpy(self._drawn(index, log_p.shape[1])).to(device)
            return grpo_loss(log_p, old, reference, inside, a, clip=s.clip, beta=s.beta)
        # REINFORCE has no KL term of its own. Inside the reward, its gradient is the same; it is detached because the
        # score function already multiplies it.
        penalty = s.beta * (log_p.detach() - reference).sum(1)
        return reinforce_loss(log_p, inside, a - (penalty - penalty.mean()))

    def state(self) -> dict[str, np.ndarray]:
        """Rounds, adapter, optimiser and what past policies said."""
        width = max((len(x) for x in self._old), default=0)
        old = np.zeros((len(self._old), width))
        for row, x in enumerate(self._old):
            old[row, : len(x)] = x
        return super().state() | {"old": old} | self.trainer.state()

    def restore(
        self,
        tensors: Mapping[str, np.ndarray],
        history: Sequence[tuple[Sequence[Candidate], Sequence[Observation]]],
    ) -> None:
        """Take over a checkpoint."""
        self.trainer.restore(tensors)
        super().restore(tensors, history)
        lengths = self.history.encoded.length.tolist() if history else []
        self._old = [np.array(row[:n]) for row, n in zip(tensors["old"], lengths, strict=True)]

    def export_adapters(self, folder: Path) -> list[Path]:
        """Write the policy as a PEFT adapter."""
        return [export_adapter(self.ensemble, 0, folder / "branch-0")]
