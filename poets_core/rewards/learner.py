"""The loop: draw prompts, answer each several times, verify, learn; or learn from answers that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from poets_core.errors import InvalidInput, InvalidModel
from poets_core.fit.prior_adapter import calibrate_prior
from poets_core.intake import shown
from poets_core.lm.backbone import Backbone
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded
from poets_core.lm.lora import AdapterShape
from poets_core.rewards.answers import Written, next_prompts, rewards_of, write, writers_of
from poets_core.rewards.batch import GIVEN, Batch, batch_of, joined
from poets_core.rewards.given import RewardedAnswer
from poets_core.rewards.judging import judge
from poets_core.rewards.perturbation import PerturbationUpdate
from poets_core.rewards.policy_gradients import PolicyGradientUpdate
from poets_core.rewards.updates import MatchingUpdate, Update, kl_weight
from poets_core.spec.reward_settings import EVERYTHING, RewardSettings
from poets_core.types import F8, I8, REFERENCE
from poets_core.verifiable import VerifiableTask

PROBE_PROMPTS, PROBE_ANSWERS = 8, 8
"""Prompts, and reference answers to each, by which prior adapters are scaled."""
SCORED = 64
"""Answers whose tokens are scored together."""


def ensemble_for(backbone: Backbone, task: VerifiableTask, settings: RewardSettings, *, seed: int) -> BranchEnsemble:
    """Return branches that read the task's prompts, training items first.

    Args:
        backbone: belongs to the ensemble from now on.
        task, settings: see there.
        seed: key of the adapters.

    Raises:
        InvalidModel: a prompt with an answer is longer than the backbone reads.
    """
    prior = settings.prior_rank if settings.prior_scale > 0 else 0
    shape = AdapterShape(settings.branches, settings.rank, prior)
    prompts = [i.prompt for i in (*task.train, *task.held_out)]
    return BranchEnsemble(backbone, shape, prompts, None, max_tokens=settings.max_tokens, seed=seed)


class Learner:
    """One run: the branches, the answers that are still replayed, and the number of rounds done.

    The same ensemble, task, settings and seed give the same numbers; `state` and `restore` go on from the same place.
    The reference is the backbone without branches, fixed.
    """

    def __init__(self, ensemble: BranchEnsemble, task: VerifiableTask, settings: RewardSettings, *, seed: int) -> None:
        """Begin.

        Args:
            ensemble: of `ensemble_for`, or one that reads the same prompts in another form, a chat template's for
                instance.
            task, settings: see there.
            seed: key of everything that is drawn.

        Raises:
            InvalidInput: no training items, or an ensemble of other prompts or branches.
            Diverged: no prior reaches the spread that the settings ask for.
        """
        items = len(task.train) + len(task.held_out)
        if not len(task.train):
            raise InvalidInput(f"Expected one training item or more in {task.name}, got none. Check its settings.")
        if len(ensemble.prompt_ids) != items or ensemble.branches != settings.branches:
            raise InvalidInput(
                f"Expected an ensemble of {settings.branches} branches that reads {items} prompts, got "
                f"{ensemble.branches} and {len(ensemble.prompt_ids)}. Make it with ensemble_for."
            )
        self.ensemble, self.task, self.settings, self.seed = ensemble, task, settings, seed
        self.round = 0
        self.batches: list[Batch] = []
        self.update: Update = _update(ensemble, settings, seed)
        self.prior_factor = 0.0
        if settings.method == "poets" and settings.prior_scale > 0:
            probe = self._probe()
            self.prior_factor = calibrate_prior(ensemble, probe, beta=kl_weight(settings), target=settings.prior_scale)

    def _probe(self) -> Encoded:
        prompts = min(PROBE_PROMPTS, len(self.task.train))
        # Several answers to each prompt: the spread is that of answers to the same one.
        item = np.repeat(np.arange(prompts), PROBE_ANSWERS)
        keys = [("probe", k) for k in range(len(item))]
        nobody = np.full(len(item), REFERENCE)
        drawn = write(self.ensemble, item, nobody, keys, seed=self.seed, tokens=self.settings.max_tokens)
        return self.ensemble.encode(drawn.tokens, item)

    def tell(self, rows: Sequence[RewardedAnswer]) -> int:
        """Take in answers that were there before the first round; return how many have no reward.

        They count as one round, before all others: with `replay` of R rounds they leave after R more. The policy
        gradients take the reference for their writer.

        Raises:
            InvalidInput: rounds were played already, no row, a prompt that is none of the task's training prompts, or
                an answer that the settings or the backbone do not allow.
        """
        if self.round or self.batches or not rows:
            raise InvalidInput("Expected one answer or more, told before the first round and once. Begin anew.")
        # By text: whoever has a file of answers knows no ids of ours.
        place = {i.prompt: k for k, i in enumerate(self.task.train)}
        item = np.array([place.get(r.prompt, -1) for r in rows], dtype=np.int64)
        if (item < 0).any():
            row = int(np.flatnonzero(item < 0)[0])
            raise InvalidInput(
                f"Expected prompts of the training items of {self.task.name}, got {shown(rows[row].prompt)} in row "
                f"{row + 1}. Add it to the task, or leave the row out."
            )
        tokens = [self._tokens(r.answer, k) for k, r in enumerate(rows, 1)]
        reward = np.array([np.nan if r.reward is None else r.reward for r in rows])
        unknown = np.array([r.reward is None for r in rows])
        if not np.isfinite(reward[~unknown]).all():
            row = int(np.flatnonzero(~np.isfinite(reward) & ~unknown)[0])
            raise InvalidInput(f"Expected finite rewards, got {reward[row]} in row {row + 1}. Leave the row out.")
        self._keep(item, np.full(len(rows), REFERENCE), tokens, reward, GIVEN)
        return int(unknown.sum())

    def _tokens(self, answer: str, row: int) -> list[int]:
        backbone, most = self.ensemble.backbone, self.settings.max_tokens
        tokens = backbone.completion_ids(answer)
        if len(tokens) > most:
            raise InvalidInput(
                f"Expected answers of at most {most} tokens, their end included, got {len(tokens)} in row {row}: "
                f"{shown(answer)}. Raise max_tokens, or leave the row out."
            )
        unknown = backbone.tokenizer.unk_token_id
        if unknown is not None and unknown in tokens:
            raise InvalidModel(
                f"Expected a backbone that knows the words of the answer {shown(answer)} in row {row}, got "
                f"{backbone.source}, which does not. Leave the row out, or choose another backbone."
            )
        return tokens

    def play(self, *, write_answers: bool = True, judged: bool = True) -> dict[str, Any]:
        """Play a round; return its figures as JSON holds them.

        Figures of the round's own answers (None where it wrote none): `prompts`, `answers`, `unknown` (without a
        reward), `reward` (mean before the update), `equal_groups` (share of groups with one reward alone). `replayed`:
        answers that were fitted. The rest: `Update.fit` and, where asked for, `judging.judge`.

        Args:
            write_answers: False learns from what is there, without rollouts.
            judged: whether to judge the branches after the update.

        Raises:
            InvalidInput: nothing to learn from, or a verifier that breaks its protocol.
            Diverged: the branches are no longer finite.
        """
        figures: dict[str, Any] = {"round": self.round, **self._rolled_out(write=write_answers)}
        if not self.batches:
            raise InvalidInput("Expected answers to learn from, got none. Tell them first, or let them be written.")
        # The last round is in the window too, the youngest of those that are replayed.
        window = joined(self.batches)
        figures["replayed"] = int(window.known.sum())
        figures |= self.update.fit(window, round=self.round)
        if judged:
            figures |= judge(self.ensemble, self.task, self.settings, self.update.writers(), seed=self.seed)
        self.round += 1
        return figures

    def _rolled_out(self, *, write: bool) -> dict[str, Any]:
        if not write:
            return dict.fromkeys(("prompts", "answers", "unknown", "reward", "equal_groups"))
        # Before the update: what is learnt from is what the branches wrote as they were.
        written = self._write()
        items = [self.task.train[i] for i in written.item.tolist()]
        reward = rewards_of(self.task, items, written.text)
        batch = self._keep(written.item, written.branch, written.tokens, reward, self.round)
        known = batch.known
        groups = len(np.unique(batch.groups[known]))
        return {
            "prompts": len(np.unique(written.item)),
            "answers": len(batch),
            "unknown": int((~known).sum()),
            "reward": float(reward[known].mean()) if known.any() else None,
            "equal_groups": batch.equal_groups() / groups if groups else None,
        }

    def _write(self) -> Written:
        s = self.settings
        chosen = next_prompts(self.seed, self.round, items=len(self.task.train), prompts=s.prompts)
        item = np.repeat(chosen, s.group)
        branch = writers_of(np.arange(s.branches), len(item), self.seed, self.round)
        keys = [("round", self.round, slot) for slot in range(len(item))]
        return write(self.ensemble, item, branch, keys, seed=self.seed, tokens=s.max_tokens)

    def _keep(self, item: I8, branch: I8, tokens: list[list[int]], reward: F8, round: int) -> Batch:
        encoded = self.ensemble.encode(tokens, item)
        old = reference = np.zeros((len(item), 0))
        if self.update.asks_tokens:
            reference = self._token_scores(encoded, reference=True)
            # What was there before was written by nobody we know; before the first step the policy is the reference.
            old = reference.copy() if round == GIVEN else self._token_scores(encoded, reference=False)
        batch = Batch(encoded, np.full(len(item), round), np.arange(len(item)), branch, reward, old, reference)
        self.batches.append(batch)
        if self.settings.replay != EVERYTHING:
            self.batches = self.batches[-self.settings.replay :]
        return batch

    def _token_scores(self, encoded: Encoded, *, reference: bool) -> F8:
        """Log-probabilities of all tokens under the policy as it is now or the reference, f8 (N, T), 0 beyond ends."""
        # Some at a time: logits of a whole round of long answers would fill the memory.
        out = np.zeros(encoded.tokens.shape)
        for start in range(0, len(encoded), SCORED):
            rows = np.arange(start, min(start + SCORED, len(encoded)))
            with torch.no_grad():
                found = self.ensemble.token_log_prob(encoded, rows, reference=reference).cpu().numpy()
            out[rows, : found.shape[1]] = found
        return out

    def state(self) -> dict[str, np.ndarray]:
        """Return rounds done, answers that are still replayed, adapters and optimiser: arrays for safetensors."""
        out = {"rounds": np.array(self.round), "batches": np.array(len(self.batches))}
        out |= {"prior_factor": np.array(self.prior_factor)}
        for k, batch in enumerate(self.batches):
            out |= batch.arrays(f"batch.{k}")
        return out | self.update.state()

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` returned, in a new run of the same ensemble, task, settings and seed.

        Raises:
            KeyError: an array is missing.
            ValueError: arrays of another ensemble.
        """
        self.round = int(tensors["rounds"])
        self.prior_factor = float(tensors["prior_factor"])
        # As it was found then: another machine may round its own search for it differently.
        self.ensemble.stack.set_prior_factor(self.prior_factor)
        # Round by round as they were written, since a pass is padded by what it holds.
        self.batches = [batch_of(self.ensemble, tensors, f"batch.{k}") for k in range(int(tensors["batches"]))]
        self.update.restore(tensors)


def _update(ensemble: BranchEnsemble, settings: RewardSettings, seed: int) -> Update:
    if settings.method == "poets":
        return MatchingUpdate(ensemble, settings, seed=seed)
    if settings.method == "perturb":
        return PerturbationUpdate(ensemble, settings, seed=seed)
    return PolicyGradientUpdate(ensemble, settings, seed=seed)
