"""How branches become draws from the posterior: the exact fit of the head's adapters to all observations."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded
from poets_core.lm.tangent import HeadTangent
from poets_core.search.history import History
from poets_core.search.poets.block_evidence import block_evidence
from poets_core.search.poets.posterior import Regression, draw_weights, regress
from poets_core.types import F8, I8

INVALID = 3.0
"""How much worse an invalid design is told to be than what is predicted of it, in reward deviations."""
FEWEST = 20
"""Valid observations before blocks get amplitudes of their own; until then all have the same."""
CORRECTIONS = 6
"""Corrections of the linear solution at most, until the policies themselves say what they should of observations."""


class ExactFit:
    """Sets the head's adapters of all branches from the observations; holds no state but what the seed decides.

    Values are learnt from valid designs alone, and validity beside them: a design that cannot be is no bad value, and
    taken for one it would hide what is known of the others. Both are linear in the same weights, so that one density
    holds both.
    """

    def __init__(self, ensemble: BranchEnsemble, samples: Encoded, *, beta: float, scale: float, seed: int) -> None:
        """Whiten the head's tangent space.

        Args:
            ensemble: adapters on its head alone.
            samples: designs that spread over the space.
            beta: KL weight, in reward deviations.
            scale: factor on the prior's deviation, 0 for branches that are all the posterior's mean.
            seed: key of the draws.
        """
        self.ensemble, self.beta, self.scale, self.seed = ensemble, beta, scale, seed
        self.tangent = HeadTangent(ensemble, samples)
        # None while fewer than two values are known: branches are the reference then, and all designs are alike.
        self.noise: float | None = None
        # Logarithms of the blocks' amplitudes and of the noise, where the search for them goes on next round.
        self.amplitudes: F8 | None = None
        self._prior: Float32[np.ndarray, "M P"] | None = None

    def draw_anew(self, seed: int) -> None:
        """Take other draws of prior and noise from the next fit on.

        Args:
            seed: their key.
        """
        self.seed, self._prior = seed, None

    def run(self, history: History) -> dict[str, Any]:
        """Fit all branches; return amplitude, noise, what linearity leaves over, and the blocks' amplitudes.

        Args:
            history: all observations.
        """
        encoded, prompt = history.encoded, history.encoded.prompt
        rewards, known = history.rewards(), history.known
        good = np.flatnonzero(known & history.valid)
        if len(self.tangent.blocks) > 1 and len(good) >= FEWEST:
            self._weigh(encoded, good, rewards, prompt)
        features = self.tangent.features(encoded)
        weights = np.zeros((self.ensemble.branches, features.shape[1]), dtype=np.float32)
        if len(good) < 2:
            self.noise = None
            self.tangent.install(weights)
            return {}
        weights += self._validity(features[known], ~history.valid[known], prompt[known])
        regression = regress(features[good], rewards[good], prompt[good])
        self.noise = regression.noise
        ids = [history.candidates[i].id for i in good.tolist()]
        left = self._solve(history, good, features[good], rewards[good], regression, self._perturbed(ids), weights)
        found: dict[str, Any] = {"amplitude": regression.amplitude, "noise": regression.noise, "linear_error": left}
        if self.amplitudes is not None:
            found["block_amplitudes"] = dict(
                zip(self.tangent.blocks, np.exp(self.amplitudes[:-1]).tolist(), strict=True)
            )
        return found

    def _weigh(self, encoded: Encoded, good: I8, rewards: F8, prompt: I8) -> None:
        """Choose the blocks' amplitudes by evidence."""
        self.tangent.weigh(np.ones(len(self.tangent.blocks)))
        parts = self.tangent.by_block(self.tangent.features(encoded)[good])
        kernels = [(x @ x.T).astype(np.float64) for x in parts]
        self.amplitudes = block_evidence(
            kernels, rewards[good], prompt[good], self.amplitudes, check=self.ensemble.check
        )
        self.tangent.weigh(np.exp(self.amplitudes[:-1]))

    def _validity(
        self, features: Float32[np.ndarray, "N P"], invalid: np.ndarray, prompt: I8
    ) -> Float32[np.ndarray, " P"] | float:
        """Return weights that take `INVALID` off what cannot be, 0 where everything was valid."""
        if not invalid.any():
            return 0.0
        # The mean alone, the same for all branches: a draw would send slots to designs that cannot be.
        target = -INVALID * invalid.astype(np.float64)
        found = regress(features, target, prompt)
        nothing = np.zeros((1, features.shape[1]), dtype=np.float32)
        mean: Float32[np.ndarray, " P"] = draw_weights(found, features, target, nothing, np.zeros((1, len(target))))[0]
        return mean

    def _perturbed(self, ids: list[str]) -> Float64[np.ndarray, "M N"]:
        """Return each branch's own error of each observation, standard normal: drawn once, the same in every round."""
        m = self.ensemble.branches
        columns = [rng_for(self.seed, "perturbation", name).standard_normal(m) for name in ids]
        return self.scale * np.array(columns).reshape(len(ids), m).T

    def prior(self) -> Float32[np.ndarray, "M P"]:
        """Return each branch's draw of the prior, standard normal."""
        if self._prior is None:
            # A stream per branch: a branch starts alike whatever M is.
            size = self.tangent.size[0] * self.tangent.size[1]
            rows = [rng_for(self.seed, "prior", k).standard_normal(size) for k in range(self.ensemble.branches)]
            self._prior = (self.scale * np.stack(rows)).astype(np.float32)
        return self._prior

    def _solve(
        self,
        history: History,
        good: I8,
        features: Float32[np.ndarray, "N P"],
        rewards: Float64[np.ndarray, " N"],
        regression: Regression,
        perturbation: Float64[np.ndarray, "M N"],
        beside: Float32[np.ndarray, "M P"],
    ) -> float:
        """Install the posterior's draws; return the root mean square, in reward deviations, of what linearity leaves.

        The linear solution is exact to first order. A policy is no linear function of its weights, so its implicit
        rewards are measured, and what they lack is solved for again with the same factors (a chord method).
        """
        a, n = regression.amplitude, regression.noise
        start = self.prior() * np.float32(np.sqrt(a))
        target = rewards[None] + np.sqrt(n) * perturbation
        alpha = regression.solve((target - (start @ features.T).astype(np.float64)).T).T
        # What validity adds to designs that are valid is no part of their value.
        extra = (beside @ features.T).astype(np.float64)

        def install(alpha: Float64[np.ndarray, "M N"]) -> None:
            weights = start + np.float32(a) * (alpha.astype(np.float32) @ features) + beside
            self.tangent.install(weights / np.float32(self.beta))

        best, kept = np.inf, alpha
        for step in range(CORRECTIONS + 1):
            install(alpha)
            p = self.ensemble.log_prob(history.encoded)
            # At the solution the residual of a linear model is n alpha; what is missing of that is curvature.
            said = self.beta * (p.branches - p.reference)[:, good]
            lacking = regression.project(target + extra - said) - n * alpha
            error = float(np.sqrt((lacking**2).mean()))
            if error < best:
                best, kept = error, alpha
            # Where beta is small the factors at the reference may lead astray: what came nearest is kept.
            if error < 1e-2 or step == CORRECTIONS or error > 2.0 * best:
                break
            alpha = alpha + regression.solve(lacking.T).T
        if kept is not alpha:
            install(kept)
        return best
