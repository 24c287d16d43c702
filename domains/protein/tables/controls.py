"""Names of rows that are no variants: the wild type, controls of a plate, totals below a table.

W, T and E, M, P, T, Y are residues: WT and EMPTY can be read as sequences. Such a word is taken as a variant only where
one of its spelling is to be expected.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_NUMBERED = r"(?:[ _.-]*(?:ctrl|control|rep|replicate|well)?[ _.-]*[(#]?\d{0,3}\)?)"
_WILD = re.compile(
    rf"_?(?:wt|wild[ _-]?type|parent(?:al)?(?:[ _-](?:sequence|enzyme|protein|variant))?|native){_NUMBERED}"
    r"|(?:p\.)?\(?=\)?|(?:no|without) mutations?|unmutated",
    re.IGNORECASE,
)
WORDS = (
    "empty|sterile|blank|buffer|media|medium|lb|water|h2o|neg|negative|pos|positive|control|ctrl|ctl|nc|pc|ntc|ck|mock|vector|ev"
    "|empty[ _-](?:well|vector)|(?:neg|negative|pos|positive|sterile|sterility|media|blank|vector"
    "|no[ _-]enzyme)[ _.-]*(?:control|ctrl)"
    "|no[ _-](?:enzyme|template|dna|insert|cells)|background|standard|std|sd|s\\.d\\.|stdev"
    "|std\\.?[ _-]?dev\\.?|stddev|std[ _-]?error"
    "|mean|average|avg|median|sum|total|totals|min|max|minimum|maximum|sem|se|s\\.e\\.m\\.|cv|count|na|n/a|nan|nd|n\\.d\\.|none|null"
    "|n\\.a\\.|unknown|failed|fail|mixed|mixture|dead|inactive|dmso|lysate|library|pool|naive|unselected|host|untransformed|reference|n|[-–—.?]"
    "|signal|noise|deviation|variance|var|rsd|z'?|slope|intercept|quality|edge|standard[ _-](?:deviation|error)"
    "|grand[ _-](?:mean|total)"
)
_CONTROL = re.compile(rf"(?:{WORDS}){_NUMBERED}:?", re.IGNORECASE)
_SPELLED = frozenset(word.upper() for word in WORDS.split("|") if word.isalpha())
_AROUND = "#*[]<> "
"""What programs write around such a word: #PARENT#."""
LONGEST = 60
"""Characters of such a cell; no pattern tries a longer one."""
EXPECTED = 0.1
"""Share of all spellings that a table must hold, so that a control's word among them is a variant rather than a
control."""
WILD_EXPECTED = 0.5
"""The same of the wild type's words, which many tables have."""
PLATES = 5000
"""Variants of a table of plates, at most; a larger one is a library, in which any spelling may turn up."""
SHORT = 2
"""Letters of a word that is a variant where variants are as short: NA and ND are, at two sites."""


def is_wild(cell: str) -> bool:
    """Whether a cell names the wild type."""
    return len(cell) <= LONGEST and _WILD.fullmatch(cell.strip(_AROUND)) is not None


def is_control(cell: str) -> bool:
    """Whether a cell names a control, a total or nothing at all, and no variant."""
    return len(cell) <= LONGEST and _CONTROL.fullmatch(cell.strip(_AROUND) or cell) is not None


def not_variants(designs: Collection[str], length: int) -> frozenset[str]:
    """Return the words among distinct designs of one length, upper case, that name a row and no variant.

    Args:
        designs: distinct.
        length: of all of them.
    """
    share = len(designs) / 20.0**length if length < 12 else 0.0
    plates = len(designs) <= PLATES
    wild = {"WT", "PARENT", "PARENTAL", "NATIVE"} if share < WILD_EXPECTED and plates else set()
    controls = _SPELLED if share < EXPECTED and plates and length > SHORT else frozenset()
    return frozenset(word for word in wild | controls if len(word) == length and word in designs)
