"""Negative Guruprasad instability index, the protein task of ToSFiT, with its exact optimum.

Source: Guruprasad, Reddy and Pandit, Protein Engineering 4:155 (1990), as
Biopython's ProtParam computes it: index = 10 / L * sum of the dipeptide
weights (DIWV) over the L - 1 neighbouring pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from Bio.SeqUtils.ProtParam import ProteinAnalysis
from Bio.SeqUtils.ProtParamData import DIWV

from domains.protein.alphabet import FREQUENCIES, LETTERS, text_of
from domains.protein.export import FORMATS
from domains.protein.sequence import SequenceProblem, exact
from poets_core.types import F8, Design, Evaluation, Objective, ProblemInfo

SHORTEST = 2
"""One residue has no dipeptide, and so no index."""


def dipeptide_weights() -> F8:
    """Return the DIWV table, f8 (20, 20), rows the first residue, in the order of `LETTERS`."""
    return np.array([[DIWV[a][b] for b in LETTERS] for a in LETTERS], dtype=np.float64)


def least_stable_free(weights: F8, shortest: int, longest: int) -> tuple[float, str]:
    """Return the largest value of -10 / L * (sum of weights over neighbours) and a sequence that has it.

    Dynamic programming over the last residue, O(longest * letters^2): the best
    sum of every length follows from the best of the length before, and the
    lengths are then compared.

    Args:
        weights: f8 (letters, letters).
        shortest, longest: inclusive limits of L, shortest >= 1.
    """
    n = len(weights)
    total, back = np.zeros(n), []  # best negative sum of a sequence by its last residue
    best, best_codes = -np.inf, [0]
    for length in range(1, longest + 1):
        if length > 1:
            sums = total[:, None] - weights
            back.append(sums.argmax(0))
            total = sums.max(0)
        if length >= shortest and 10.0 / length * float(total.max()) > best:
            best = 10.0 / length * float(total.max())
            codes = [int(total.argmax())]
            for step in reversed(back):
                codes.append(int(step[codes[-1]]))
            best_codes = codes[::-1]
    return best, text_of(best_codes)


class InstabilityOracle:
    """Biopython's instability index with its sign turned, so that larger is better."""

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Measure n sequences; exact, so `prompts` and `rng` are not used."""
        values = np.array([-ProteinAnalysis(d).instability_index() for d in designs], dtype=np.float64)
        return exact(values, [""] * len(designs))


class Instability(SequenceProblem):
    """Find a sequence of 2 to `length` residues with the smallest instability index.

    Args:
        length: longest sequence, in residues.
    """

    def __init__(self, length: int) -> None:
        optimum, example = least_stable_free(dipeptide_weights(), SHORTEST, length)
        value = Objective(
            "- instability index",
            "index points",
            optimum=optimum,
            optimum_source=f"dynamic programming over dipeptide weights, all lengths from {SHORTEST} to {length}",
        )
        info = ProblemInfo(
            name="protein/instability",
            domain="protein",
            title="Instability index",
            objectives=(value,),
            chunk=64,
            export_formats=FORMATS,
            max_tokens=length,
            facts={"alphabet": LETTERS, "shortest": SHORTEST, "longest": length, "optimal_design": example},
        )
        super().__init__(info, InstabilityOracle(), minimum=SHORTEST, maximum=length)

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n sequences of human residue frequencies, half the limit to the limit long."""
        share = np.array(FREQUENCIES) / sum(FREQUENCIES)
        lengths = rng.integers(max(SHORTEST, self.maximum // 2), self.maximum + 1, n)
        return [text_of(rng.choice(20, size=int(size), p=share)) for size in lengths]


if TYPE_CHECKING:
    from poets_core.protocols import Problem

    _: type[Problem] = Instability
