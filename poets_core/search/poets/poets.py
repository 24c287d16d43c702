"""POETS: KL-regularised Thompson sampling by an ensemble of policies (arXiv 2605.07775).

A round is ask, tell, update. The state is the ensemble, the optimiser and the
observations; everything random is keyed, so `ask` is a pure function of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.lm.adapters import export_adapter
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.protocols import Problem
from poets_core.search.history import History
from poets_core.search.poets.calibration import JUDGED, Calibration
from poets_core.search.poets.edit_share import edits_of
from poets_core.search.poets.exact_regret import ExactRegret
from poets_core.search.poets.measure import measure
from poets_core.search.poets.prior_adapter import calibrate_prior
from poets_core.search.poets.trainer import Fit, Replay
from poets_core.search.propose import Draw, Key, Sampler, as_candidate, choose, edits
from poets_core.search.search import UpdateReport
from poets_core.spec import PoetsSettings, SearchSpec
from poets_core.types import F8, I8, Candidate, Observation

PROBE = 64
"""Fixed reference samples on which disagreement is followed from round to round."""


class PoetsSearch:
    """The search over one problem with one ensemble."""

    def __init__(self, problem: Problem, ensemble: BranchEnsemble, spec: SearchSpec, *, max_tokens: int) -> None:
        """Calibrate the prior adapters and draw the probe set."""
        if not isinstance(spec.search, PoetsSettings):
            got = spec.search.method
            raise InvalidSpec(f"Expected the settings of method 'poets', got those of {got!r}.", field="search.method")
        self.problem, self.ensemble, self.spec, self.settings = problem, ensemble, spec, spec.search
        self.round = 0
        self.sampler = Sampler(problem, ensemble, spec.seed, max_tokens)
        self.history = History(
            problem.info.objectives[0].direction,
            spec.search.transform,
            ensemble.branches,
            spec.seed,
            cache_bytes=spec.backbone.cache_mb * 2**20,
            bootstrap=spec.search.bootstrap,
        )
        self.fit = Fit(
            ensemble,
            beta=self.settings.beta,
            learning_rate=self.settings.learning_rate,
            gradient_norm=self.settings.gradient_norm,
        )
        prompts = np.arange(PROBE) % len(problem.prompts)
        probe = self.sampler.draw(np.full(PROBE, -1), prompts, ("probe",), np.ones(PROBE))
        self.probe = ensemble.encode([d.tokens for d in probe], prompts)
        factor = calibrate_prior(ensemble, self.probe, beta=self.settings.beta, target=self.settings.prior_scale)
        self.facts: dict[str, Any] = {"prior_factor": factor}
        self.calibration = Calibration()
        if self.settings.exact_regret:
            self._exact = ExactRegret(problem, ensemble, beta=self.settings.beta)
        self._pending: dict[str, Any] = {}

    # -- ask -------------------------------------------------------------

    def ask(self, n: int) -> list[Candidate]:
        """Propose up to n candidates; see `Search.ask`.

        The first round is drawn from the reference, later ones by the branches:
        each slot's branch, drawn uniformly, takes the best of what all slots drew.
        """
        prompt = np.arange(n) % len(self.problem.prompts)
        if self.round == 0:
            return self._candidates(np.full(n, -1), self._first(prompt))
        branch = rng_for(self.spec.seed, "branch", self.round).integers(0, self.ensemble.branches, n)
        draws, pools = self._pool(branch, prompt)
        if not draws:
            return []
        owner = np.array([d.prompt for d in draws])
        encoded = self.ensemble.encode([d.tokens for d in draws], owner)
        log_p = self.ensemble.log_prob(encoded)
        spelled = np.isfinite(log_p.reference)  # an edit may lie outside what the backbone can write
        predicted = self._predict(log_p.branches, log_p.reference, owner)
        chosen = choose(
            [[i for i in pool if spelled[i]] for pool in pools],
            [d.key for d in draws],
            prompt,
            branch,
            predicted,
            self.settings.tempering,
            repeats=self.settings.allow_repeats,
        )
        pairs = [(slot, i) for slot, i in enumerate(chosen) if i >= 0]
        slots, index = (np.array(x, dtype=np.int64) for x in zip(*pairs, strict=True)) if pairs else (branch[:0],) * 2
        return self._candidates(
            branch[slots],
            [draws[i] for i in index],
            log_p.branches[branch[slots], index],
            log_p.reference[index],
            predicted[:, index],
        )

    def _seen(self) -> set[tuple[int, str]]:
        return set() if self.settings.allow_repeats else self.history.seen

    def _first(self, prompt: I8) -> list[Draw]:
        unique = not self.settings.allow_repeats
        found = self.sampler.draw_unseen(np.full(len(prompt), -1), prompt, ("round", 0), set(), unique=unique)
        return [d for d in found if d is not None]

    def _pool(self, branch: I8, prompt: I8) -> tuple[list[Draw], list[list[int]]]:
        """The distinct unseen designs of the round, and for each slot those it may choose.

        Branches draw some, edits of the elites join them. Slots share all designs, or keep to their own.
        """
        n, m = len(branch), self.settings.pool
        s, h = self.settings, self.history
        n_edits = edits_of(m, s.edit_share, h.candidates, h.rewards()) if s.adapt_edits else round(m * s.edit_share)
        elites = self.history.elites(self.settings.elites)
        n_edits = n_edits if elites else 0
        seen = self._seen()
        draws: dict[tuple[int, tuple[int, ...]], Draw] = {}
        slots: dict[tuple[int, tuple[int, ...]], set[int]] = {}

        def add(rows: I8, drawn: Sequence[Draw | None]) -> None:
            for slot, draw in zip(rows.tolist(), drawn, strict=True):
                if draw is not None:
                    key = (draw.prompt, draw.tokens)
                    draws[key] = draw
                    slots.setdefault(key, set()).add(slot)

        def sample(copies: int, *key: int | str, of: I8 = branch, besides: AbstractSet[Key] = frozenset()) -> None:
            rows, name = np.repeat(np.arange(n), copies), ("round", self.round, *key)
            add(rows, self.sampler.draw_unseen(of[rows], prompt[rows], name, seen | besides, unique=bool(besides)))

        if n_edits < m:
            sample(m - n_edits)
        if n_edits:
            rows = np.repeat(np.arange(n), n_edits)
            rng = rng_for(self.spec.seed, "edit", self.round)
            add(rows, edits(self.problem, self.ensemble, elites, prompt[rows], seen, rng=rng))
            if len({d.key for d in draws.values()}) < n:  # most edits were seen: the branches still have more to offer
                sample(m, "refill")
        if len(known := {d.key for d in draws.values()}) < n:  # branches that have narrowed still spend their calls
            sample(1, "reference", of=np.full(n, -1), besides=known)
        if self.settings.shared_pool:
            return list(draws.values()), [list(range(len(draws)))] * n
        return list(draws.values()), [[i for i, key in enumerate(draws) if s in slots[key]] for s in range(n)]

    def _predict(self, branches: F8, reference: F8, prompt: I8) -> F8:
        """Rewards each branch predicts, f8 (M, n): implicit reward plus its exactly solved baseline."""
        with np.errstate(invalid="ignore"):  # outside the grammar both are -inf
            return self.settings.beta * (branches - reference) + self.baseline()[:, prompt]

    def baseline(self) -> F8:
        """Weighted mean of reward minus implicit reward, per branch and prompt, f8 (M, P).

        A prompt without weight takes its branch's mean over all prompts.
        """
        prompts = np.eye(len(self.problem.prompts))[self.history.encoded.prompt]
        w = self.history.weights.astype(np.float64)
        e = self.history.rewards()[None] - self.replay_delta()
        whole = (w * e).sum(1, keepdims=True) / np.maximum(w.sum(1, keepdims=True), 1.0)
        return np.where(w @ prompts > 0, (w * e) @ prompts / np.maximum(w @ prompts, 1.0), whole)

    def replay_delta(self) -> F8:
        """Implicit rewards of all observations, f8 (M, N), computed once a round."""
        if "replay_delta" not in self._pending:
            p = self.ensemble.log_prob(self.history.encoded)
            self._pending["replay_delta"] = self.settings.beta * (p.branches - p.reference)
        return np.asarray(self._pending["replay_delta"])

    def _candidates(
        self,
        branch: I8,
        draws: Sequence[Draw],
        own: F8 | None = None,
        reference: F8 | None = None,
        predicted: F8 | None = None,
    ) -> list[Candidate]:
        return [
            as_candidate(
                self.round,
                slot,
                draw,
                int(branch[slot]),
                draw.log_prob if own is None else float(own[slot]),
                draw.log_prob if reference is None else float(reference[slot]),
                0.0 if predicted is None else float(predicted[:, slot].mean()),
                0.0 if predicted is None else _deviation(predicted[:, slot]),
            )
            for slot, draw in enumerate(draws)
        ]

    # -- tell and update ---------------------------------------------------

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Take in a round; its predictions are judged by the reward scale that made them."""
        self._add(candidates, observations)

    def _add(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        if len(self.history) and self.ensemble.branches > 1:  # one branch predicts no interval
            self._pending |= self.calibration.judge(candidates, observations, self.history.scale())
        prompt = np.array([c.prompt for c in candidates], dtype=np.int64)
        self.history.add(candidates, observations, self.ensemble.encode([c.tokens for c in candidates], prompt))

    def update(self) -> UpdateReport:
        """Replay everything, then measure."""
        s, told = self.settings, self._pending
        self._pending = {}
        if s.reset_every and self.round and self.round % s.reset_every == 0:
            for layer in self.ensemble.stack.layers.values():
                layer.restart(self.spec.seed, self.round)
            self.fit.restart()
        replay = Replay(self.history.encoded, self.history.rewards(), self.history.weights)
        self.fit.run(
            replay,
            steps=s.steps,
            minibatch=s.minibatch,
            seed=self.spec.seed,
            round=self.round,
            best_share=s.best_share,
            stop_early=s.stop_early,
        )
        metrics = measure(self) | {k: told.get(k) for k in JUDGED}
        if s.exact_regret:
            metrics["soft_regret"] = self._exact.regret(self.history.scale())
        self.round += 1
        return UpdateReport(metrics)

    # -- checkpoint --------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Return adapters, optimiser state, prior scale and the number of completed rounds."""
        scale = np.array(self.facts["prior_factor"], dtype=np.float64)
        return {"round": np.array(self.round, dtype=np.int64), "prior_factor": scale, **self.fit.state()}

    def restore(
        self,
        tensors: Mapping[str, np.ndarray],
        history: Sequence[tuple[Sequence[Candidate], Sequence[Observation]]],
    ) -> None:
        """Take over a checkpoint; observations are encoded again round by round, as they were."""
        self.fit.restore(tensors)
        self.ensemble.stack.set_prior_factor(float(tensors["prior_factor"]))
        for candidates, observations in history:
            self._add(candidates, observations)
        self.round = int(tensors["round"])
        self._pending = {}

    def export_adapters(self, folder: Path) -> list[Path]:
        """Write every branch as a PEFT adapter, prior and trained part in one."""
        return [export_adapter(self.ensemble, k, folder / f"branch-{k}") for k in range(self.ensemble.branches)]


def _deviation(x: F8) -> float:
    return float(x.std(ddof=1)) if len(x) > 1 else 0.0
