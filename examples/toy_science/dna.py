"""DNA strings that look like a bacterial promoter: a whole science in one file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domains.entry import CSV, Drawing, Entry, Parameter, Science
from domains.palette import BLUE, GREEN, ON_WHITE, ORANGE, VERMILLION, Colours, ink_on
from poets_core.errors import InvalidDesign, InvalidSpec, InvalidTable
from poets_core.types import I8, Artifact, Bool, Evaluation, Objective, ProblemInfo, Record, Vocabulary

BASES = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": VERMILLION}
COLUMNS = ["id", "design", "value"]


class PromoterOracle:
    """Share of the motif that is present at its best place, less the distance to the wanted GC content."""

    def __init__(self, motif: str, gc: float) -> None:
        self.motif, self.gc = motif, gc

    def evaluate(self, designs: Sequence[str], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Measure n designs; exact, so `prompts` and `rng` are not used."""
        n = len(designs)
        details = [{"motif": self._motif(d), "gc": _gc(d)} for d in designs]
        values = np.array([[d["motif"] - abs(d["gc"] - self.gc)] for d in details]).reshape(n, 1)
        return Evaluation(values, np.zeros((n, 1)), np.ones(n, bool), ("",) * n, tuple(details))

    def _motif(self, design: str) -> float:
        size = len(self.motif)
        windows = (design[i : i + size] for i in range(len(design) - size + 1))
        return max(sum(a == b for a, b in zip(w, self.motif, strict=True)) for w in windows) / size


def _gc(design: str) -> float:
    return sum(base in "GC" for base in design) / len(design)


class LengthMask:
    """Exactly `length` bases, then the end. State: bases written so far; `length` + 1 is dead."""

    def __init__(self, vocabulary: Vocabulary, length: int) -> None:
        self.max_tokens, self._dead = length + 1, length + 1
        self._table = np.zeros((length + 2, len(vocabulary.tokens)), bool)
        self._table[:length, [t in BASES for t in vocabulary.tokens]] = True
        self._table[length, vocabulary.eos] = True

    def start(self, n: int) -> I8:
        """Return the state of n empty strings."""
        return np.zeros(n, np.int64)

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, (n, V)."""
        return self._table[state]

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each; a token that is not allowed leads to the dead state."""
        return np.where(self._table[state, token], np.minimum(state + 1, self._dead), self._dead)


class Promoter:
    """A string of `length` bases with a motif and a GC content."""

    def __init__(self, length: int, motif: str, gc: float) -> None:
        motif = motif.upper()
        if not motif or not set(motif) <= set(BASES) or len(motif) > length:
            raise InvalidSpec(f"Expected a motif of 1 to {length} letters among {''.join(BASES)}, got {motif!r}.")
        self.length = length
        self.prompts = ("",)
        self.given = ()
        self.oracle = PromoterOracle(motif, gc)
        # A changed letter of the motif costs at least as much as it can bring in GC content, so the best design
        # has the whole motif, and only the other bases are free.
        fixed = sum(base in "GC" for base in motif)
        reachable = [count / length for count in range(fixed, length - len(motif) + fixed + 1)]
        best = 1 - min(abs(share - gc) for share in reachable)
        self.info = ProblemInfo(
            name="dna/promoter",
            domain="dna",
            title="Promoter",
            objectives=(Objective("promoter score", "", optimum=best, optimum_source="the motif and the nearest GC"),),
            max_tokens=length,
            facts={"motif": motif, "gc": gc},
        )

    def decode(self, text: str) -> str:
        """Return the canonical design: upper case, no white space."""
        design = "".join(text.split()).upper()
        if len(design) != self.length or not set(design) <= set(BASES):
            raise InvalidDesign(f"Expected {self.length} letters among {''.join(BASES)}, got {design[:60]!r}.")
        return design

    def encode(self, design: str) -> str:
        """Return what a backbone writes for a design."""
        return design

    def mask(self, vocabulary: Vocabulary) -> LengthMask | None:
        """Return the grammar, None if a base is not a token of this vocabulary."""
        return LengthMask(vocabulary, self.length) if set(BASES) <= set(vocabulary.tokens) else None

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n random strings, on which a small backbone learns what a design looks like."""
        return ["".join(row) for row in rng.choice(list(BASES), size=(n, self.length))]

    def edit(self, elites: Sequence[str], n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n designs: one base of an elite replaced, or two elites joined."""
        edits = []
        for _ in range(n):
            first, second = (elites[k] for k in rng.integers(len(elites), size=2))
            at = int(rng.integers(self.length))
            joined = first[:at] + second[at:]
            replaced = first[:at] + str(rng.choice(list(BASES))) + first[at + 1 :]
            edits.append(joined if rng.random() < 0.3 else replaced)
        return edits

    def render(self, design: str, details: Mapping[str, Any]) -> list[Artifact]:
        """Return the drawing as a file."""
        return [Artifact("dna.svg", "image/svg+xml", dna_svg(design, ON_WHITE, 40).encode())]

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records as CSV."""
        out = io.StringIO()
        csv.writer(out).writerows([COLUMNS, *([r.id, r.design, repr(r.value)] for r in records)])
        return out.getvalue().encode()

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote."""
        try:
            header, *rows = csv.reader(io.StringIO(data.decode()))
            if header != COLUMNS:
                raise ValueError(f"the columns {header}")
            return [Record(id, self.decode(design), float(value)) for id, design, value in rows]
        except ValueError as error:
            raise InvalidTable(f"Expected a CSV that this problem wrote, got: {error}") from error


def draw(
    design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any], colours: Colours, narrow: bool
) -> Drawing | None:
    """Draw a design; None if the text is none."""
    if not design or not set(design) <= set(BASES):
        return None
    return Drawing(dna_svg(design, colours, 20 if narrow else 40), f"DNA {design}", f"GC content {_gc(design):.0%}")


def dna_svg(design: str, colours: Colours, per_row: int) -> str:
    """Draw bases as coloured boxes, `per_row` of them side by side."""
    boxes = []
    for i, base in enumerate(design):
        x, y = 22 * (i % per_row), 26 * (i // per_row)
        boxes.append(
            f'<rect x="{x}" y="{y}" width="20" height="22" rx="3" fill="{BASES[base]}"/>'
            f'<text x="{x + 10}" y="{y + 16}" text-anchor="middle" fill="{ink_on(BASES[base])}">{base}</text>'
        )
    width, height = 22 * min(per_row, len(design)), 26 * -(-len(design) // per_row)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="monospace" font-size="14">{"".join(boxes)}</svg>'
    )


SCIENCE = Science(
    name="dna",
    title="DNA",
    design="string",
    problems=(
        Entry(
            name="dna/promoter",
            loader=f"{__name__}:Promoter",
            title="Promoter",
            summary="A short string of DNA that holds a motif, at a wanted share of G and C.",
            objective="promoter score",
            unit="1 at best",
            seconds=1e-5,
            tokens=lambda params: int(params["length"]),
            parameters=(
                Parameter("length", "int", 12, "Bases in every string.", 6, 200),
                Parameter("motif", "text", "TATAAT", "Bases that have to stand together.", 1, 200),
                Parameter("gc", "float", 0.5, "Wanted share of G and C.", 0.0, 1.0),
            ),
            settings={"search": {"branches": 4, "pool": 4}, "budget": {"rounds": 8, "batch": 16}},
            reads="A toy: real promoters depend on much more than one motif.",
        ),
    ),
    exports=(CSV,),
    drawing=f"{__name__}:draw",
)
