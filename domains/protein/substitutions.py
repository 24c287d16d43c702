"""Names of mutations: the old letter, the number as people write it, the new letter. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LABEL = re.compile(r"([A-Za-z]*)(-?\d+[a-z]?)")


def substitutions(design: str, wild_type: str, labels: Sequence[str]) -> list[str]:
    """Return substitutions by label, in order; none where the lengths differ or no wild type is known."""
    if len(wild_type) != len(design) or len(labels) != len(design):
        return []
    out = []
    for old, new, label in zip(wild_type, design, labels, strict=True):
        if old == new:
            continue
        known = _LABEL.fullmatch(label)
        chain, number = (known[1], known[2]) if known else ("", label)
        out.append(f"{chain}:{old}{number}{new}" if chain else f"{old}{number}{new}")
    return out
