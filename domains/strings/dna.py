"""DNA as a worked example: primers of a wanted melting temperature, by the nearest-neighbour model.

T = 1000 dH / (dS + R ln(c / 2)) - 273.15 degrees Celsius for two different strands at c mol/l each; c for a strand that
is its own complement. dH and dS are sums over neighbours and ends; dS gains 0.368 (n - 1) ln[Na+] cal/(mol K) for salt
(SantaLucia, PNAS 95:1460, 1998, table 2 and equations 3 and 5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from domains.strings.language import language, size_in_words
from domains.strings.strings import Strings
from poets_core.types import Evaluation, Objective, ProblemInfo

GAS = 1.987
"""Gas constant, cal/(mol K)."""
STACKS = {
    "AA": (-7.9, -22.2),
    "AT": (-7.2, -20.4),
    "TA": (-7.2, -21.3),
    "CA": (-8.5, -22.7),
    "GT": (-8.4, -22.4),
    "CT": (-7.8, -21.0),
    "GA": (-8.2, -22.2),
    "CG": (-10.6, -27.2),
    "GC": (-9.8, -24.4),
    "GG": (-8.0, -19.9),
}
"""dH (kcal/mol) and dS (cal/(mol K)) of two neighbours, 5' to 3'; others are their complements."""
ENDS = {"A": (2.3, 4.1), "T": (2.3, 4.1), "C": (0.1, -2.8), "G": (0.1, -2.8)}
SYMMETRY = -1.4
_OTHER = str.maketrans("ACGT", "TGCA")


def complement(strand: str) -> str:
    """Return the strand that pairs with one, 5' to 3'."""
    return strand.translate(_OTHER)[::-1]


def melting_point(strand: str, micromolar: float, sodium: float) -> float:
    """Return the melting temperature of a strand with its complement, degrees Celsius.

    Args:
        strand: of A, C, G and T, two or more.
        micromolar: concentration of each strand, µmol/l.
        sodium: concentration of Na+, mol/l.
    """
    heat, entropy = (ENDS[strand[0]][k] + ENDS[strand[-1]][k] for k in (0, 1))
    for at in range(len(strand) - 1):
        pair = strand[at : at + 2]
        stack = STACKS[pair] if pair in STACKS else STACKS[complement(pair)]
        heat, entropy = heat + stack[0], entropy + stack[1]
    alone = strand == complement(strand)
    entropy += 0.368 * (len(strand) - 1) * math.log(sodium) + SYMMETRY * alone
    # Two different strands at one concentration: c_total / 4 is c / 2.
    effective = micromolar * 1e-6 / (1 if alone else 2)
    return 1000 * heat / (entropy + GAS * math.log(effective)) - 273.15


class PrimerOracle:
    """Distance of the melting temperature to the wanted one; exact, so `prompts` and `rng` are not used."""

    def __init__(self, target: float, micromolar: float, sodium: float) -> None:
        self._target, self._micromolar, self._sodium = target, micromolar, sodium

    def evaluate(self, designs: Sequence[str], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Measure n designs."""
        found = [melting_point(design, self._micromolar, self._sodium) for design in designs]
        n = len(designs)
        details = tuple(
            {"melting_point": t, "gc": sum(c in "GC" for c in d) / len(d)} for t, d in zip(found, designs, strict=True)
        )
        values = np.array([abs(t - self._target) for t in found], dtype=np.float64).reshape(n, 1)
        return Evaluation(values, np.zeros((n, 1)), np.ones(n, dtype=np.bool_), ("",) * n, details)


def primer(
    *,
    min_length: int,
    max_length: int,
    target: float,
    pattern: str,
    forbidden: str,
    longest_run: int,
    micromolar: float,
    sodium: float,
) -> Strings:
    """Return the problem of a primer; see the form in `domains.strings.entries`.

    Raises:
        InvalidSpec: no strand fits.
    """
    made = language("dna", "", min_length, max_length, pattern, forbidden, longest_run)
    info = ProblemInfo(
        "strings/primer",
        "strings",
        "DNA primer",
        (Objective("distance to the wanted melting point", "°C", "minimise"),),
        max_tokens=made.longest,
        facts={"letters": made.letters, "designs": size_in_words(made), "target": target},
    )
    return Strings(info, made, PrimerOracle(target, micromolar, sodium))
