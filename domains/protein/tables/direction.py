"""Which way is better, by the name of what was measured: less of Kd, IC50, ddG, koff, and of their logarithms."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

from poets_core.intake import shown

Way = Literal["maximise", "minimise"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LESS = _set(
    "kd km ki ic50 ec50 ic90 cc50 mic kdapp kmapp kiapp kdnm kdm ddg deltadeltag koff rmsd loss error toxicity "
    "haemolysis hemolysis aggregation ddgs lc50 ld50 gi50 ki50"
)
"""Words of quantities of which less is better."""
_PHRASES = re.compile(r"\b(?:off[ _-]?rate|(?:dissociation|michaelis|inhibition|inhibitory)[ _-]constant)\b")
_LOG = r"(?:log(?:2|10|e)?|ln|lg)"
_TURNED = re.compile(
    rf"\s*(?:[-−–]|(?:neg|negative|minus)(?![a-z])|neg{_LOG}|{_LOG}?\s*[(\[]?\s*1\s*/|inverse\b|reciprocal\b"
    r"|p(?=K|IC|EC))|.*\b(?:wt|wild[ _-]?type|parent)\W{0,3}/|.*[a-z0-9](?:⁻¹|\^-1)",
    re.IGNORECASE,
)
"""What turns such a quantity round: -log10(Kd), 1/Kd, pIC50, Kd(WT)/Kd(mutant)."""
_RATIOS = frozenset(("kcat", "improvement", "fold", "change"))
LONGEST = 200
"""Characters of a name that is looked at."""


def direction_of(name: str, base: str) -> tuple[Way, str]:
    """Return which way is better, and why.

    Args:
        name: of the column of values; base: the same without what stands in brackets, its unit.
    """
    name, base = (text[:LONGEST].replace("ΔΔG", "ddG").replace("∆∆G", "ddG") for text in (name, base))
    # What stands behind "log" is what was measured, and no unit: log10(Kd).
    if re.fullmatch(rf"\s*{_LOG}\s*", base, re.IGNORECASE):
        base = re.sub(r"[()\[\]]", " ", name)
    found = _words(base)
    if (LESS & found or _PHRASES.search(base.lower())) and not _RATIOS & found and not _TURNED.match(name):
        return "minimise", f"{shown(name)} is better when it is less"
    return "maximise", "nothing in the name of the column says that less is better"


def _words(base: str) -> set[str]:
    """Return the words of a name, with and without a logarithm before them or what was bound behind them."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", base).lower()
    plain = [w for w in re.split(r"[^a-z0-9]+", spaced) if w]
    plain.append("".join(plain))  # K_D, IC 50
    bare = [re.sub(rf"^{_LOG}(?=[a-z])", "", w) for w in plain]
    return {*plain, *bare, *("ddg" for w in bare if w.startswith("ddg")), *_parts(plain)}


def _parts(plain: list[str]) -> set[str]:
    """Return pairs of words that are one: mean k_off, log10 IC 50."""
    return {a + b for a, b in pairwise(plain)}
