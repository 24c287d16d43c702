"""A problem whose designs are strings: grammar, edits and files; the oracle is anybody's."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domains.strings.answer import Answer
from domains.strings.drawing import PER_ROW, svg
from domains.strings.language import Language, StringMask, language, size_in_words
from domains.strings.oracle import Asking, OwnOracle, Patience
from domains.strings.ways import oracle_of
from poets_core.cells import guarded, unguarded
from poets_core.errors import InvalidDesign, InvalidInput, InvalidTable
from poets_core.keyed import rng_for
from poets_core.protocols import Oracle
from poets_core.types import Artifact, Direction, Given, Objective, ProblemInfo, Record, Vocabulary

CROSSOVER, LENGTH = 0.3, 0.2
"""Shares of edits that join two designs, and that take a letter out or put one in; the rest replace one."""
TRIES = 50
"""Edits that are tried before a design is drawn afresh."""
COLUMNS = ["id", "design", "value"]
CHECKED, PATIENCE = 3, Patience(5.0, 12.0)
"""Designs that are measured before a run exists, and how long such a check waits: less than a page does for it."""


class Strings:
    """All strings of a language, measured by an oracle; see `poets_core.protocols.Problem`."""

    def __init__(self, info: ProblemInfo, made: Language, oracle: Oracle) -> None:
        """Join what was made of a form."""
        self.info, self.language, self.oracle = info, made, oracle
        self.prompts: tuple[str, ...] = ("",)
        self.given: tuple[Given, ...] = ()

    def decode(self, text: str) -> str:
        """Return the text itself.

        Raises:
            InvalidDesign: it is no design.
        """
        if why := self.language.why_not(text[: self.language.longest + 1]):
            raise InvalidDesign(f"{why}.")
        return text

    def encode(self, design: str) -> str:
        """Return the design itself."""
        return design

    def mask(self, vocabulary: Vocabulary) -> StringMask | None:
        """Return the grammar; None where a letter is no token of this vocabulary."""
        return self.language.mask(vocabulary)

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n random designs, on which a small backbone learns what one looks like."""
        return self.language.sample(n, rng=rng)

    def edit(self, elites: Sequence[str], n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n designs that are one edit away from elites."""
        return [self._edited(elites, rng) for _ in range(n)]

    def _edited(self, elites: Sequence[str], rng: np.random.Generator) -> str:
        letters = self.language.letters
        for _ in range(TRIES):
            one, other = (elites[int(k)] for k in rng.integers(len(elites), size=2))
            at, letter = int(rng.integers(len(one) + 1)), letters[int(rng.integers(len(letters)))]
            kind = rng.random()
            if kind < CROSSOVER:
                made = one[:at] + other[at:]
            elif kind < CROSSOVER + LENGTH:
                made = one[:at] + letter + one[at:] if rng.random() < 0.5 else one[:at] + one[at + 1 :]
            else:
                made = one[:at] + letter + one[at + 1 :]
            if made not in (one, other) and not self.language.why_not(made):
                return made
        return self.language.sample(1, rng=rng)[0]

    def render(self, design: str, details: Mapping[str, Any]) -> list[Artifact]:
        """Return the design as a drawing."""
        drawn = svg(design, self.language.letters, PER_ROW)
        return [Artifact("string.svg", "image/svg+xml", drawn.encode())]

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records as CSV; a cell that a spreadsheet would take for a formula is guarded."""
        out = io.StringIO(newline="")
        rows = ([guarded(r.id, reversible=True), guarded(r.design, reversible=True), repr(r.value)] for r in records)
        csv.writer(out).writerows([COLUMNS, *rows])
        return out.getvalue().encode()

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote.

        Raises:
            InvalidTable: it is another file.
        """
        try:
            head, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
            if head != COLUMNS:
                raise ValueError(f"the columns {head}")
            return [Record(unguarded(i), self.decode(unguarded(d)), float(value)) for i, d, value in rows]
        except ValueError as error:
            raise InvalidTable(f"Expected a CSV that this problem wrote, got: {error}") from error


def own(
    *,
    alphabet: str,
    letters: str,
    min_length: int,
    max_length: int,
    pattern: str,
    forbidden: str,
    longest_run: int,
    function: str,
    program: str,
    address: str,
    folder: str,
    quantity: str,
    unit: str,
    direction: Direction,
    seconds: float,
    start: float,
    retries: int,
    parallel: int,
    memory: int,
) -> Strings:
    """Return strings with an oracle of one's own; see the form in `domains.strings.entries`. Nothing is run yet.

    Raises:
        InvalidSpec: no language, or no oracle.
    """
    made = language(alphabet, letters, min_length, max_length, pattern, forbidden, longest_run)
    oracle = OwnOracle(oracle_of(function, program, address, folder, memory), Asking(seconds, start, retries, parallel))
    info = ProblemInfo(
        "strings/own",
        "strings",
        "Strings with an oracle of one's own",
        (Objective(quantity, unit, direction),),
        chunk=parallel,
        max_tokens=made.longest,
        facts={"letters": made.letters, "designs": size_in_words(made), "runs": oracle.says},
    )
    return Strings(info, made, oracle)


@dataclass(frozen=True)
class Health:
    """What a few designs measured before a run exists.

    Attributes:
        report: ``"lines"`` for people, ``"facts"``.
    """

    report: Mapping[str, Any] = field(default_factory=dict)


def health(**params: Any) -> Health:
    """Measure a few designs, and say what came.

    Raises:
        InvalidInput: a form that cannot be used, an oracle that is not allowed, or one that answered nothing.
    """
    # All at once and none again: whoever waits for a form waits seconds.
    problem = own(**params | {"retries": 0, "parallel": CHECKED})
    oracle = problem.oracle
    if not isinstance(oracle, OwnOracle):
        raise TypeError(f"Expected an oracle of one's own, got {type(oracle).__name__}.")
    designs = problem.library(CHECKED, rng=rng_for(0, "health", "designs"))
    try:
        found = oracle.answers(designs, rng_for(0, "health"), PATIENCE)
    finally:
        oracle.close()
    if all(a.failed and "no answer within" not in a.reason for a in found):
        raise InvalidInput(
            f"Expected answers of the oracle ({oracle.says}), got none to {len(found)} designs; the first, "
            f"{designs[0][:60]!r}: {found[0].reason}",
            field="problem.params.function",
        )
    lines = [f"{problem.info.facts['designs']} designs; oracle: {oracle.says}"]
    lines += [
        f"{design[:60]}: {_said(a, problem.info.objectives[0])}" for design, a in zip(designs, found, strict=True)
    ]
    rows = [{"design": d, "value": a.value, "reason": a.reason} for d, a in zip(designs, found, strict=True)]
    return Health({"lines": lines, "facts": {"measured": rows}})


def _said(answer: Answer, objective: Objective) -> str:
    if answer.value is None:
        return f"no value: {answer.reason}"
    deviation = f" ± {answer.std:.3g}" if answer.std else ""
    return f"{objective.name} {answer.value:.6g}{deviation}{f' {objective.unit}' if objective.unit else ''}"
