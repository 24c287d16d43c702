"""How fast regret grows in a search, and what that is evidence for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.stats import t as student


def cumulative_regret(values: Float64[np.ndarray, " t"], optimum: float) -> Float64[np.ndarray, " t"]:
    """Return sum_t [max r - r(x_t)] after each call.

    Args:
        values: of what was called, to be maximised; NaN (invalid) is not allowed here.
        optimum: the largest possible value.
    """
    return np.cumsum(optimum - values)


def growth_exponent(curves: Float64[np.ndarray, "n t"], *, start: int = 32) -> tuple[float, float, float]:
    """Slope of log cumulative regret over log t, with its 95 % interval over curves: (slope, low, high).

    Each curve is fitted by least squares from call `start` on, at places evenly
    spaced in log t, so that the many late calls do not outweigh the early ones.
    Uniform sampling grows with exponent 1; sqrt(T) is .5. A slope below 1 is no
    proof of a rate: a curve that has found its optimum flattens whatever the method.

    Args:
        curves: cumulative regret, positive from `start` on.
        start: first call that is fitted.
    """
    at = np.unique(np.geomspace(start, curves.shape[1], 40).round().astype(np.int64)) - 1
    slopes = np.array([np.polyfit(np.log(at + 1.0), np.log(c[at]), 1)[0] for c in np.atleast_2d(curves)])
    mean = float(slopes.mean())
    if len(slopes) < 2:
        return mean, float("nan"), float("nan")
    reach = float(student.ppf(0.975, len(slopes) - 1) * slopes.std(ddof=1) / len(slopes) ** 0.5)
    return mean, mean - reach, mean + reach


def expected_growth(gains: Float64[np.ndarray, " t"], *, start: int = 32) -> float:
    """Exponent of sqrt(T gamma_T) over the same calls as `growth_exponent`: what the bound itself grows with."""
    calls = np.arange(1, len(gains) + 1)
    return growth_exponent(np.sqrt(calls * gains)[None], start=start)[0]


def product_information_gain(
    shape: Sequence[int], correlation: float, noise: float, most: int
) -> Float64[np.ndarray, " t"]:
    """Return an upper bound of gamma_1 .. gamma_T on a product space with kernel rho^(positions that differ).

    log det is concave in how often each design is called, and this kernel knows no design from
    another, so equal shares are the best fractional answer: gamma_t <= 1/2 sum_j m_j log(1 + t lambda_j / (S noise))
    with the S eigenvalues lambda_j, products of those of the positions (1 + (n - 1) rho once, 1 - rho n - 1 times).

    Args:
        shape: letters of each position; S is their product.
        correlation: rho in [0, 1) of designs that differ in one position.
        noise: variance of an observation, of a prior variance 1.
        most: T.
    """
    values, counts = np.ones(1), np.ones(1)
    for n in shape:
        pair = np.array([1.0 + (n - 1) * correlation, 1.0 - correlation])
        values = np.multiply.outer(values, pair).ravel()
        counts = np.multiply.outer(counts, np.array([1.0, n - 1.0])).ravel()
    calls = np.arange(1, most + 1)[:, None]
    return np.asarray(0.5 * (counts * np.log1p(calls * values / (float(np.prod(shape)) * noise))).sum(1))


@dataclass(frozen=True)
class Growth:
    """What curves of cumulative regret say about their rate.

    Attributes:
        exponent, low, high: slope of log regret over log t with its 95 % interval.
        bound: the exponent that sqrt(t gamma_t) has over the same calls.
        still: regret per call in the last tenth, over that in the first tenth of the calls fitted.
        verdict: ``"linear"``, ``"slower"``, ``"undecided"``, ``"ended"`` or ``"within"``.
        says: the verdict in a sentence.
    """

    exponent: float
    low: float
    high: float
    bound: float
    still: float
    verdict: str
    says: str


VERDICTS = {
    "linear": "the interval holds exponent 1: no evidence of learning",
    "ended": "most curves have flattened, their optimum found: that says nothing about a rate",
    "slower": "regret grew faster than sqrt(T gamma_T) over these calls: evidence against the rate at this length",
    "within": "regret grew no faster than sqrt(T gamma_T) over these calls: evidence for the rate, at this length only",
    "undecided": "regret grew less than linearly, and the interval holds the exponent of sqrt(T gamma_T): undecided",
}
ENDED = 0.05
"""Share of its first regret per call, below which a search has ended rather than learnt at a rate."""


def judge_growth(curves: Float64[np.ndarray, "n t"], bound: float, *, start: int = 32) -> Growth:
    """Say what curves are evidence for; with no interval (one curve) nothing is decided.

    The interval is that of the mean exponent over curves, so each one-sided claim is wrong in
    at most 2.5 % of repetitions if exponents are about normal over seeds (tests/benchmarks/test_regret.py repeats it).

    Args:
        curves: cumulative regret, repeats allowed.
        bound: exponent of sqrt(t gamma_t), see `expected_growth`.
        start: first call that is fitted.
    """
    curves = np.atleast_2d(curves)
    exponent, low, high = growth_exponent(curves, start=start)
    tenth = max(1, (curves.shape[1] - start) // 10)
    early = (curves[:, start + tenth - 1] - curves[:, start - 1]).mean()
    late = (curves[:, -1] - curves[:, -1 - tenth]).mean()
    still = float(late / early) if early > 0 else 0.0
    if not high < 1.0:
        verdict = "linear"
    elif still < ENDED:
        verdict = "ended"
    elif low > bound:
        verdict = "slower"
    else:
        verdict = "within" if high <= bound else "undecided"
    return Growth(exponent, low, high, bound, still, verdict, VERDICTS[verdict])
