"""Ehrlich functions: closed-form epistatic landscapes with infeasible sequences and a known optimum.

Source: Stanton et al., "Closed-Form Test Functions for Biophysical Sequence
Design Benchmarking" (arXiv 2407.00236), as pytorch-holo 0.0.5 computes them;
own implementation. A sequence is feasible if every pair of neighbours is a
possible transition of a random ergodic Markov chain. Its value is the product
over motifs of the largest fraction of the motif's elements present at any
offset, rounded down to `quantization` levels. Left out: the epistasis factor
of later versions (0 there by default) and noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domains.protein.alphabet import LETTERS, codes_of, text_of
from domains.protein.export import FORMATS
from domains.protein.sequence import SequenceProblem, exact
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.types import F8, I8, Bool, Design, Evaluation, Objective, ProblemInfo

STATES = len(LETTERS)
BAND = int(0.4 * STATES)
"""Possible transitions lie in a shuffled band of 2 BAND + 1 states, as in holo."""
TEMPERATURE = 0.5


@dataclass(frozen=True)
class EhrlichFunction:
    """One function, ready to be evaluated.

    Attributes:
        transition: f8 (states, states), rows sum to 1; 0 marks an impossible transition.
        motifs: i8 (c, k), elements of each motif.
        offsets: i8 (c, k), where the elements stand relative to the first, which has 0.
        quantization: levels of credit asked for, 1 <= quantization <= k; see `step`.
    """

    transition: F8
    motifs: I8
    offsets: I8
    quantization: int

    @property
    def step(self) -> int:
        """Elements that together earn one level of credit: ceil(k / quantization)."""
        return -(-int(self.motifs.shape[1]) // self.quantization)

    def quality(self, codes: I8) -> F8:
        """Return the quantised quality of every motif, f8 (n, c).

        Args:
            codes: i8 (n, length), all of one length.
        """
        n, length = codes.shape
        columns = []
        for motif, offsets in zip(self.motifs, self.offsets, strict=True):
            at = np.arange(length - int(offsets[-1]))[:, None] + offsets
            present = (codes[:, at] == motif).sum(-1)  # (n, offsets, k) -> (n, offsets)
            columns.append((present // self.step / (len(motif) / self.step)).max(1))
        return np.stack(columns, axis=1) if n else np.zeros((0, len(self.motifs)))

    def impossible(self, codes: I8) -> Bool:
        """Return which transitions cannot happen, bool (n, length - 1)."""
        return np.asarray(self.transition[codes[:, :-1], codes[:, 1:]] == 0)

    def solution(self, length: int) -> I8:
        """Return a feasible sequence that satisfies every motif, i8 (length,).

        Motif follows motif, each gap is filled by repeating the element before
        it; repeats are always possible, and so is every step of the chain the
        motifs were cut from.
        """
        codes = [
            int(motif[np.searchsorted(offsets, at, side="right") - 1])
            for motif, offsets in zip(self.motifs, self.offsets, strict=True)
            for at in range(int(offsets[-1]) + 1)
        ]
        return np.array(codes + codes[-1:] * (length - len(codes)), dtype=np.int64)


def stationary(transition: F8) -> F8:
    """Return the stationary distribution of an ergodic chain, f8 (states,)."""
    n = len(transition)
    equations = np.vstack([np.eye(n) - transition.T, np.ones(n)])
    solved = np.linalg.lstsq(equations, np.r_[np.zeros(n), 1.0], rcond=None)[0].clip(0)
    share: F8 = solved / solved.sum()
    return share


def walks(transition: F8, first: F8, n: int, length: int, rng: np.random.Generator) -> I8:
    """Return n walks of a Markov chain, i8 (n, length); `first` is the distribution of the start."""
    codes = np.empty((n, length), dtype=np.int64)
    uniform = rng.random((n, length))
    rows = np.cumsum(first)[None, :].repeat(n, 0)
    table = np.cumsum(transition, axis=1)
    for t in range(length):
        # the last positive state catches a uniform that rounding left above the sum
        drawn = (uniform[:, t, None] >= rows).sum(1)
        last = (rows < rows[:, -1:]).sum(1)
        codes[:, t] = np.minimum(drawn, last)
        rows = table[codes[:, t]]
    return codes


def random_transition(rng: np.random.Generator) -> F8:
    """Return a random ergodic transition matrix with impossible steps, f8 (20, 20); repeats are possible."""
    while True:
        logits = rng.standard_normal((STATES, STATES)) / TEMPERATURE
        distance = (np.arange(STATES)[None, :] - rng.permutation(STATES)[:, None]) % STATES
        possible = (np.minimum(distance, STATES - distance) <= BAND) | np.eye(STATES, dtype=np.bool_)
        weights = np.where(possible, np.exp(logits), 0.0)
        transition: F8 = weights / weights.sum(1, keepdims=True)
        # Perron-Frobenius: with a positive diagonal, ergodic = every state reaches every other
        if (np.linalg.matrix_power(possible.astype(np.float64), STATES) > 0).all():
            return transition


def random_function(length: int, motifs: int, motif_length: int, quantization: int, instance: int) -> EhrlichFunction:
    """Generate an instance; the same arguments give the same function on every machine."""
    transition = random_transition(rng_for(instance, "ehrlich transition"))
    start = stationary(transition)
    # one walk cut into motifs, so that a feasible sequence with all of them exists
    chain = walks(transition, start, 1, motifs * motif_length, rng_for(instance, "ehrlich motifs"))
    rng = rng_for(instance, "ehrlich spacings")
    slack = (length - motifs * motif_length) // motifs
    offsets = np.zeros((motifs, motif_length), dtype=np.int64)
    for row in offsets:
        weights = rng.random(motif_length - 1)
        row[1:] = np.cumsum(1 + np.floor(slack * weights / weights.sum()).astype(np.int64))
    return EhrlichFunction(transition, chain.reshape(motifs, motif_length), offsets, quantization)


class EhrlichOracle:
    """Evaluates an `EhrlichFunction`; infeasible sequences are invalid, with the reason."""

    def __init__(self, function: EhrlichFunction) -> None:
        self.function = function

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Measure n sequences of one length; exact, so `prompts` and `rng` are not used."""
        if not designs:
            return exact(np.zeros(0), [])
        codes = np.stack([codes_of(d) for d in designs]).astype(np.int64)
        quality = self.function.quality(codes)
        wrong = self.function.impossible(codes)
        reason = []
        for design, row in zip(designs, wrong, strict=True):
            at = int(np.argmax(row))
            pair = f"infeasible: {design[at]} cannot be followed by {design[at + 1]} (positions {at + 1} and {at + 2})"
            reason.append(pair if row.any() else "")
        return exact(quality.prod(1), reason, [{"motif_quality": q.tolist()} for q in quality])


class Ehrlich(SequenceProblem):
    """An Ehrlich function over amino acids, for sequences of a fixed length.

    Args:
        length: residues in every sequence.
        motifs: number of motifs that must be present.
        motif_length: residues in each.
        quantization: levels of credit asked for, at most `motif_length`. As in
            holo, credit comes in steps of ceil(motif_length / quantization)
            elements, so there may be fewer levels: 3 for motifs of 4 gives 2
            (`info.facts["levels"]`). Refused where a whole motif would earn
            less than 1, which holo accepts.
        instance: seed of the landscape.

    Raises:
        InvalidSpec: the motifs do not fit, or a step of the quantization does not divide them.
    """

    def __init__(self, length: int, motifs: int, motif_length: int, quantization: int, instance: int) -> None:
        if motifs * motif_length > length:
            raise InvalidSpec(
                f"Expected motifs x motif_length <= length, got {motifs} x {motif_length} > {length}. "
                "Lengthen the sequence or ask for fewer or shorter motifs.",
                field="problem.params.motifs",
            )
        fitting = [q for q in range(1, motif_length + 1) if motif_length % -(-motif_length // q) == 0]
        if quantization not in fitting:
            raise InvalidSpec(
                f"Expected a quantization among {fitting} for motifs of {motif_length} residues, got {quantization}: "
                "with another one, a complete motif would not reach the value 1.",
                field="problem.params.quantization",
            )
        self.function = random_function(length, motifs, motif_length, quantization, instance)
        self._start = stationary(self.function.transition)
        best = self.optimal_solution(length)
        reached = float(self.function.quality(codes_of(best).astype(np.int64)[None]).prod())
        value = Objective(
            "motif quality",
            "fraction of motifs satisfied",
            optimum=reached,
            optimum_source="value of a constructed feasible sequence that holds every motif; no value exceeds 1",
        )
        info = ProblemInfo(
            name="protein/ehrlich",
            domain="protein",
            title="Ehrlich function",
            objectives=(value,),
            chunk=64,
            export_formats=FORMATS,
            max_tokens=length,
            facts={
                "alphabet": LETTERS,
                "length": length,
                "motifs": [text_of(m) for m in self.function.motifs],
                "offsets": self.function.offsets.tolist(),
                "quantization": quantization,
                "levels": motif_length // self.function.step,
                "invalid_value": 0.0,
                "impossible_pairs": int((self.function.transition == 0).sum()),
                "optimal_design": best,
            },
        )
        super().__init__(info, EhrlichOracle(self.function), minimum=length, maximum=length)

    def optimal_solution(self, length: int) -> Design:
        """Return a feasible sequence that satisfies every motif."""
        return text_of(self.function.solution(length))

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n walks of the chain from its stationary distribution, as holo's initial solutions: all feasible."""
        return [text_of(w) for w in walks(self.function.transition, self._start, n, self.maximum, rng)]


if TYPE_CHECKING:
    from poets_core.protocols import Problem

    _: type[Problem] = Ehrlich
