"""POETS: KL-regularised Thompson sampling by an ensemble of policies (arXiv 2605.07775).

The state of a search is its ensemble, the optimiser and the observations. Everything random is keyed, so `ask` is a
pure function of that state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from poets_core.errors import InvalidSpec
from poets_core.fit.prior_adapter import calibrate_prior
from poets_core.fit.replay import Replay
from poets_core.fit.trainer import Trainer
from poets_core.keyed import rng_for
from poets_core.lm.adapters import export_adapter
from poets_core.protocols import Round
from poets_core.search.method import Method, Proposals
from poets_core.search.poets.calibration import JUDGED, Calibration
from poets_core.search.poets.climb import Climb, ScoredPool, climbed
from poets_core.search.poets.exact_fit import ExactFit
from poets_core.search.poets.exact_regret import ExactRegret
from poets_core.search.poets.measure import measure
from poets_core.search.poets.pool import Pool, fill_pool
from poets_core.search.poets.prediction import Prediction, predict
from poets_core.search.poets.price import priced
from poets_core.search.poets.whole_space import WholeSpace, whole_space
from poets_core.search.sampler import Sampler, of_space
from poets_core.search.selection import select
from poets_core.spec import PoetsSettings, SearchSpec
from poets_core.types import F8, I8, Candidate, Observation

WARM_SAMPLES, WARM = 1024, 3.0
"""Designs that say how large the features of the space are, and the temperature that spreads them."""
PROBE = 64
"""Fixed reference samples on which disagreement is followed from round to round."""


class PoetsSearch(Method):
    """POETS on one problem with one ensemble; see `poets_core.protocols.Search`."""

    settings: PoetsSettings

    def __init__(self, sampler: Sampler, spec: SearchSpec) -> None:
        """Draw the probe set and scale the prior adapters by it.

        Raises:
            Diverged: the branches cannot disagree as much as `prior_scale` asks for.
            InvalidSpec: settings of another method, or `exact_regret` on a space that cannot be enumerated.
        """
        s = spec.search
        if not isinstance(s, PoetsSettings):
            got = s.method
            raise InvalidSpec(f"Expected the settings of method 'poets', got those of {got!r}.", field="search.method")
        super().__init__(
            sampler, spec, branches=sampler.ensemble.branches, bootstrap=s.bootstrap and s.fit == "gradient"
        )
        ensemble = self.ensemble
        self.trainer = Trainer(ensemble, beta=s.beta, learning_rate=s.learning_rate, gradient_norm=s.gradient_norm)
        prompts = np.arange(PROBE) % len(self.problem.prompts)
        probe = sampler.draw(np.full(PROBE, -1), prompts, ("probe",), np.ones(PROBE))
        self.probe = ensemble.encode([d.tokens for d in probe], prompts)
        self.beta = s.exact_beta if s.fit == "exact" else s.beta
        self.exact = self._exact_fit() if s.fit == "exact" else None
        factor = 0.0 if self.exact else calibrate_prior(ensemble, self.probe, beta=s.beta, target=s.prior_scale)
        self.facts["prior_factor"] = factor
        self.whole = whole_space(ensemble, len(self.problem.prompts)) if s.whole_space else None
        if s.whole_space:
            self.facts["whole_space"] = self.whole is not None
        self.calibration = Calibration()
        self._exact = ExactRegret(self.problem, ensemble, beta=self.beta) if s.exact_regret else None
        self._judged: dict[str, float | None] = {}
        self._prediction: Prediction | None = None

    def _exact_fit(self) -> ExactFit:
        # Warm samples: the prior's size and shape are owed to the space, not to what the reference prefers.
        prompts = np.arange(WARM_SAMPLES) % len(self.problem.prompts)
        drawn = self.sampler.draw(np.full(WARM_SAMPLES, -1), prompts, ("warm",), np.full(WARM_SAMPLES, WARM))
        samples = self.ensemble.encode([d.tokens for d in drawn], prompts)
        s = self.settings
        # The evidence says how far branches lie apart; without a prior all are the posterior's mean.
        return ExactFit(self.ensemble, samples, beta=self.beta, scale=float(s.prior_scale > 0), seed=self.spec.seed)

    # -- ask -------------------------------------------------------------

    def _first(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        # Nothing is learned yet: every design is expected to be average, which is 0 in standardised rewards.
        draws = self.from_reference(prompt)
        return self._scored(draws, np.zeros(len(draws)), np.zeros(len(draws)))

    def _propose(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        """Give each slot a branch, and a share of the slots to the reference."""
        if self.exact is not None and self.exact.noise is None:
            return self._first(prompt)  # nothing was learnt yet, and the best of equals is the first of an alphabet
        # The share's fraction is drawn, so that it holds over many rounds of one design too.
        left = len(prompt) * self.settings.reference_share
        free = int(left + rng_for(self.spec.seed, "unguided", self.round).random()) if left else 0
        guided = self._by_branches(prompt[: len(prompt) - free]) if free < len(prompt) else self._scored([])
        if not free:
            return guided
        draws = self.from_reference(prompt[len(prompt) - free :], "unguided", {d.key for d in guided.draws})
        if not draws:
            return guided
        pool = self._score(Pool(draws, []))
        unguided = self._proposals(pool, np.arange(len(draws)), np.full(len(draws), -1))
        return guided.joined(replace(unguided, log_prob=unguided.reference))

    def _by_branches(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        """Give each slot a branch, drawn uniformly; it takes the best design of the round's pool."""
        s = self.settings
        branch = rng_for(self.spec.seed, "branch", self.round).integers(0, self.ensemble.branches, len(prompt))
        if self.whole is not None:
            return self._from_space(self.whole, branch)
        found = fill_pool(self.sampler, self.history, s, round=self.round, branch=branch, prompt=prompt, seen=self.seen)
        if not found.draws:
            return self._scored([])
        # Every design is scored once under all branches, whoever wrote it: a slot judges the pool of all slots by its
        # own branch, which is the Thompson sample, and edits are judged by the same density as samples.
        pool = self._score(found)
        for step in range(s.climb):
            higher = climbed(self.sampler, pool, s, Climb(branch, prompt, self.seen, self.round, step))
            pool = pool.joined(self._score(higher))
        # An edit may lie outside what the backbone can write. It has no density there, so it cannot be compared.
        spelled = np.isfinite(pool.log_p.reference)
        selected = select(
            [[i for i in slot if spelled[i]] for slot in pool.slots],
            [d.key for d in pool.draws],
            prompt,
            branch,
            pool.wanted,
            s.tempering,
            repeats=s.allow_repeats,
        )
        slots = np.array([k for k, i in enumerate(selected) if i >= 0], dtype=np.int64)
        index = np.array([i for i in selected if i >= 0], dtype=np.int64)
        return self._proposals(pool, index, branch[slots])

    def _score(self, pool: Pool) -> ScoredPool:
        owner = np.array([d.prompt for d in pool.draws], dtype=np.int64)
        log_p = self.ensemble.log_prob(self.ensemble.encode([d.tokens for d in pool.draws], owner))
        predicted = self.prediction().rewards(log_p, owner)
        s = self.settings
        trust = s.reference_weight
        wanted = predicted + trust * log_p.reference if trust else predicted
        if s.length_price:
            lengths = np.array([len(d.tokens) for d in pool.draws]) / self.sampler.max_tokens
            wanted = wanted - priced(s.length_price, lengths, len(wanted), s.tempering)
        return ScoredPool(pool.draws, pool.slots, log_p, predicted, wanted)

    def _from_space(self, whole: WholeSpace, branch: Int64[np.ndarray, " slots"]) -> Proposals:
        """Give each slot the best unseen design of the whole space under its branch."""
        # Texts that are no designs too: their answer would be the same again.
        seen = [] if self.settings.allow_repeats else [c.tokens for c in self.history.candidates]
        chosen = whole.choose(self.settings, self.beta, self.prediction().baseline[:, 0], branch, seen)
        pool = self._score(Pool(of_space(self.problem, self.ensemble, whole.space.tokens(chosen)), []))
        return self._proposals(pool, np.arange(len(chosen)), branch[: len(chosen)])

    def _proposals(self, pool: ScoredPool, index: I8, branch: Int64[np.ndarray, " n"]) -> Proposals:
        """Return designs of a pool with what is said of them, each chosen by a branch."""
        predicted = pool.predicted[:, index]
        return Proposals(
            [pool.draws[i] for i in index.tolist()],
            branch,
            pool.log_p.branches[branch, index],
            pool.log_p.reference[index],
            np.array([x.mean() for x in predicted.T]),
            np.array([self._deviation(x) for x in predicted.T]),
        )

    def _deviation(self, x: F8) -> float:
        """Deviation of an observation: over branches, and of what the exact fit takes for noise."""
        noise = self.exact.noise if self.exact is not None and self.exact.noise is not None else 0.0
        return float(np.sqrt(_deviation(x) ** 2 + noise))

    def prediction(self) -> Prediction:
        """Return what the branches predict, from their last fit and all observations; computed once a round.

        Raises:
            ValueError: nothing was told yet.
        """
        if self._prediction is None:
            # What was invalid has no value that a baseline could be taken from; by gradient it is learnt as a bad one.
            weights = self.history.weights * (self.history.valid if self.exact is not None else 1)
            self._prediction = predict(
                self.ensemble, self.history, weights, beta=self.beta, prompts=len(self.problem.prompts)
            )
        return self._prediction

    # -- tell and update ---------------------------------------------------

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Take in a round, a contest, given data or corrections; see `Search.tell`."""
        # Judged before anything is learned from the round, and by the reward scale that made its predictions: the
        # scale moves with every round. One branch alone predicts no interval, and of a contest nothing is predicted.
        if len(self.history) and self.ensemble.branches > 1 and not self.history.between(candidates):
            self._judged = self.calibration.judge(candidates, observations, self.history.scale())
        super().tell(candidates, observations)
        self._prediction = None

    def _learn(self) -> dict[str, Any]:
        """Fit all branches to all observations, then measure them."""
        s, judged = self.settings, self._judged
        self._judged = {}
        # Against what a long search can no longer unlearn.
        self.trainer.reset(s.reset_every, seed=self.spec.seed, round=self.round)
        learnt: dict[str, Any] = {}
        if self.exact is not None:
            learnt = self.exact.run(self.history)
        else:
            self._train()
        self._prediction = None  # the branches have moved
        metrics = measure(self.sampler, self.history, self.probe, self.prediction(), round=self.round)
        metrics |= {name: judged.get(name) for name in JUDGED} | learnt
        if self._exact is not None:
            metrics["soft_regret"] = self._exact.regret(self.history.scale())
        return metrics

    def _train(self) -> None:
        s = self.settings
        self.trainer.run(
            Replay(self.history.encoded, self.history.rewards(), self.history.weights),
            steps=s.steps,
            minibatch=s.minibatch,
            seed=self.spec.seed,
            round=self.round,
            best_share=s.best_share,
            stop_early=s.stop_early,
        )

    # -- checkpoint --------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Return adapters, optimiser state, prior scale and the number of completed rounds."""
        factor = np.array(self.facts["prior_factor"], dtype=np.float64)
        noise = {}
        if self.exact is not None and self.exact.noise is not None:
            noise = {"noise": np.array(self.exact.noise, dtype=np.float64)}
        if self.exact is not None and self.exact.amplitudes is not None:
            noise |= {"amplitudes": self.exact.amplitudes.copy()}
        return super().state() | {"prior_factor": factor, **noise, **self.trainer.state()}

    def restore(self, tensors: Mapping[str, np.ndarray], history: Sequence[Round]) -> None:
        """Take over a checkpoint; see `Search.restore`."""
        self.trainer.restore(tensors)
        # The factor is taken as it was found then: another machine may round its own search for it differently.
        self.ensemble.stack.set_prior_factor(float(tensors["prior_factor"]))
        if self.exact is not None and "noise" in tensors:
            self.exact.noise = float(tensors["noise"])
        if self.exact is not None and "amplitudes" in tensors:
            self.exact.amplitudes = np.array(tensors["amplitudes"])
        super().restore(tensors, history)
        self._judged, self._prediction = {}, None

    def redraw(self, seed: int) -> None:
        """Draw the branches of an exact fit once more from the posterior of all observations.

        Args:
            seed: key of the draws.

        Raises:
            InvalidSpec: branches learn by gradient, or nothing was told yet.
        """
        if self.exact is None or not len(self.history):
            raise InvalidSpec(
                "Expected branches that learn exactly, and observations, got "
                f"{'none yet' if self.exact else 'branches that learn by gradient'}.",
                field="search.fit",
            )
        self.exact.draw_anew(seed)
        self.exact.run(self.history)
        self._prediction = None

    @property
    def noise(self) -> float | None:
        """Variance of an observation that the exact fit found, in squared reward deviations; None by gradient."""
        return None if self.exact is None else self.exact.noise

    def export_adapters(self, folder: Path) -> list[Path]:
        """Write every branch as a PEFT adapter, prior and trained part in one."""
        return [export_adapter(self.ensemble, k, folder / f"branch-{k}") for k in range(self.ensemble.branches)]


def _deviation(x: F8) -> float:
    return float(x.std(ddof=1)) if len(x) > 1 else 0.0
