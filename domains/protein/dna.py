"""Genes of designs: codons as an organism uses them, without the restriction sites that a cloning needs.

Codon usage is that of the Kazusa database, as the package python-codon-tables has it. The gene is drawn from that usage
(perturb and maximise: usage times Gumbel noise keyed by the seed), and forbidden sites are kept out by dynamic
programming over what has been written of them, on both strands: the best gene without any is found, or it is said that
there is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domains.packages import needed_for
from domains.protein.alphabet import LETTERS
from poets_core.errors import InvalidDesign, InvalidInput, InvalidSpec
from poets_core.intake import shown
from poets_core.keyed import rng_for

INSTALL = "pip install 'poets[dna]'"
ORGANISMS = {
    "E. coli": "e_coli_316407",
    "S. cerevisiae": "s_cerevisiae_4932",
    "B. subtilis": "b_subtilis_1423",
    "H. sapiens": "h_sapiens_9606",
    "M. musculus": "m_musculus_10090",
    "D. melanogaster": "d_melanogaster_7227",
    "C. elegans": "c_elegans_6239",
    "G. gallus": "g_gallus_9031",
}
"""Organisms by name, and what the package calls them."""
RARE = 0.1
"""Codons that an organism uses less often than this for an amino acid are taken only where nothing else will do."""
PENALTY = 20.0
FIELD = "problem.params.avoid_sites"
IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
_PAIR = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")


def codon_usage(organism: str) -> dict[str, dict[str, float]]:
    """Return the share of each codon among those of its amino acid, ``{"M": {"ATG": 1.0}, ...}``; ``"*"`` are stops.

    Raises:
        MissingPackage: python-codon-tables is not installed.
        InvalidSpec: an organism without a table.
    """
    if organism not in ORGANISMS:
        raise InvalidSpec(
            f"Expected an organism among {', '.join(ORGANISMS)}, got {shown(organism)}.",
            field="problem.params.organism",
        )
    with needed_for("genes of designs", INSTALL):
        import python_codon_tables

    found: Mapping[str, Mapping[str, Any]] = python_codon_tables.get_codons_table(ORGANISMS[organism])
    return {a: {codon: float(share) for codon, share in codons.items()} for a, codons in found.items()}


def read_sites_to_avoid(text: str) -> tuple[str, ...]:
    """Read restriction enzymes (``"BsaI, EcoRI"``) and DNA (``"GGTCTC"``, IUPAC letters), as patterns of both strands.

    Raises:
        InvalidSpec: names what is neither.
    """
    out: list[str] = []
    for word in filter(None, re.split(r"[,;\s]+", text)):
        site = _enzymes().get(word.lower()) or word.upper()
        if not 4 <= len(site.strip("N")) <= 30 or not set(site) <= set(IUPAC):
            raise InvalidSpec(
                f"Expected restriction enzymes such as BsaI, or sites of 4 to 30 letters such as GGTCTC, got "
                f"{shown(word)}.",
                field=FIELD,
            )
        out += [site.strip("N"), complement(site.strip("N"))]
    return tuple(dict.fromkeys(out))


@lru_cache(maxsize=1)
def _enzymes() -> dict[str, str]:
    from Bio.Restriction import AllEnzymes

    return {str(enzyme).lower(): str(enzyme.site).upper() for enzyme in AllEnzymes}


def complement(dna: str) -> str:
    """Return the other strand, read in its own direction."""
    return dna.translate(_PAIR)[::-1]


def gene_of(protein: str, usage: Mapping[str, Mapping[str, float]], avoid: Sequence[str] = (), *, seed: int = 0) -> str:
    """Return a gene of a protein, stop included.

    Args:
        protein: residues of one chain.
        usage: see `codon_usage`.
        avoid: patterns that must not stand in the gene, see `read_sites_to_avoid`.
        seed: of the choice among codons; with the protein it determines the gene.

    Raises:
        InvalidInput: no gene is without the patterns.
    """
    rng = rng_for(seed, "gene", protein)
    watch = _Watch.over(avoid)
    states: dict[int, tuple[float, tuple[Any, ...]]] = {0: (0.0, ())}
    known: dict[tuple[int, str], int] = {}
    for at, letter in enumerate(f"{protein}*"):
        codons = sorted(usage[letter].items())
        noise = rng.gumbel(size=len(codons))
        score = [math.log(max(x, 1e-6)) + g - PENALTY * (x < RARE) for (_, x), g in zip(codons, noise, strict=True)]
        after: dict[int, tuple[float, tuple[Any, ...]]] = {}
        for state, (total, path) in states.items():
            for (codon, _), gain in zip(codons, score, strict=True):
                if (state, codon) not in known:
                    known[state, codon] = watch.written(state, codon)
                new = known[state, codon]
                if new >= 0 and (new not in after or after[new][0] < total + gain):
                    after[new] = (total + gain, (path, codon))  # linked, so that no path is copied
        if not after:
            raise InvalidInput(
                f"Expected a gene without the sites to avoid, got none from residue {at + 1} on: every codon of "
                f"{letter} there completes one. Avoid fewer sites.",
                field=FIELD,
            )
        states = after
    _, path = max(states.values(), key=lambda s: s[0])
    out = []
    while path:
        path, codon = path
        out.append(codon)
    return "".join(reversed(out))


@dataclass(frozen=True)
class _Watch:
    """How much of each pattern has been written, one bit for every beginning of one ("shift and").

    Attributes:
        first, last: bits of the first and the last letter of every pattern.
        fits: for each base, the bits of letters that it fits.
    """

    first: int
    last: int
    fits: Mapping[str, int]

    @staticmethod
    def over(patterns: Sequence[str]) -> _Watch:
        first, last, at = 0, 0, 0
        fits = dict.fromkeys("ACGT", 0)
        for pattern in patterns:
            first |= 1 << at
            for letter in pattern:
                for base in IUPAC[letter]:
                    fits[base] |= 1 << at
                at += 1
            last |= 1 << at - 1
        return _Watch(first, last, fits)

    def written(self, state: int, codon: str) -> int:
        """Return the state after a codon, -1 if a pattern is complete."""
        for base in codon:
            state = (state << 1 | self.first) & self.fits[base]
            if state & self.last:
                return -1
        return state


@lru_cache(maxsize=1)
def _standard() -> dict[str, str]:
    from Bio.Data import CodonTable

    table = CodonTable.unambiguous_dna_by_id[1]
    return dict(table.forward_table) | dict.fromkeys(table.stop_codons, "*")


def protein_of(gene: str) -> str:
    """Translate a gene; the stop at its end is left out.

    Raises:
        InvalidDesign: not whole codons, other letters, or a stop before the end.
    """
    dna = "".join(gene.split()).upper()
    protein = "".join(_standard().get(dna[i : i + 3], "?") for i in range(0, len(dna), 3)).removesuffix("*")
    if not protein or not set(protein) <= set(LETTERS):
        raise InvalidDesign(f"Expected a gene of whole codons with one stop at its end, got {shown(gene)}.")
    return protein
