"""What a table was found to be, as facts for programs and as sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from poets_core.intake import shown


@dataclass(frozen=True)
class LeftOut:
    """Rows of one kind that were not taken.

    Attributes:
        what: in words, after a count: ``"with a stop codon"``.
        count: rows; row: number of the first one; column: where it is wrong; first: its cell, quoted.
    """

    what: str
    count: int
    row: int
    column: str
    first: str

    def __str__(self) -> str:
        return f"{self.count:,} {self.what} (row {self.row}, column {shown(self.column)}, got {self.first})"


@dataclass(frozen=True)
class TableReport:
    """What was read of a table.

    Attributes:
        file: its name; notes: how it is written.
        variant_column, value_column, direction: chosen, with why_variant, why_value, why_direction.
        notation: how variants are written. rows: of the file; taken: of them.
        left_out: rows that are wrong; controls: rows that name a control.
        wild_rows: rows that name the wild type; wild_value: their mean, None where there are none.
        measured: distinct variants; replicated: of them, how many have several rows; noise: standard deviation of a row
            about the mean of its variant, None where nothing was repeated.
        labels: numbers of the sites; parent: letters there, "" unknown; constant: residues that do not vary.
        least, most: of the values.
    """

    file: str
    notes: tuple[str, ...]
    variant_column: str
    value_column: str
    direction: str
    why_variant: str
    why_value: str
    why_direction: str
    notation: str
    rows: int
    taken: int
    left_out: tuple[LeftOut, ...]
    controls: LeftOut | None
    wild_rows: LeftOut | None
    wild_value: float | None
    measured: int
    replicated: int
    noise: float | None
    labels: tuple[str, ...]
    parent: str
    constant: int
    least: float
    most: float
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def space(self) -> int:
        """Variants that there can be at the sites."""
        return int(20 ** len(self.labels))

    def facts(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        shut = len(self.labels) > 12
        return {
            "file": self.file,
            "notes": list(self.notes),
            "variant_column": self.variant_column,
            "why_variant": self.why_variant,
            "value_column": self.value_column,
            "why_value": self.why_value,
            "direction": self.direction,
            "why_direction": self.why_direction,
            "notation": self.notation,
            "rows": self.rows,
            "taken": self.taken,
            "left_out": [vars(one) for one in self.left_out],
            "controls": vars(self.controls) if self.controls else None,
            "wild_type_rows": vars(self.wild_rows) if self.wild_rows else None,
            "wild_type_value": self.wild_value,
            "measured": self.measured,
            "replicated": self.replicated,
            "noise": self.noise,
            "positions": list(self.labels),
            "wild_type": self.parent,
            "constant": self.constant,
            "space": f"20^{len(self.labels)}" if shut else self.space,
            "least": self.least,
            "most": self.most,
            **self.more,
        }

    def lines(self) -> list[str]:
        """Return the report as sentences, the most important first."""
        best = "less is better" if self.direction == "minimise" else "more is better"
        out = [
            f"Variants: column {shown(self.variant_column)} ({self.notation}), {self.why_variant}.",
            f"Values: column {shown(self.value_column)}, {self.why_value}; from {self.least:.6g} to {self.most:.6g}.",
            f"Direction: {self.direction} ({best}), because {self.why_direction}."
            if self.why_direction != "chosen by you"
            else f"Direction: {self.direction} ({best}), chosen by you.",
            self._coverage(),
            f"{self.taken:,} of {self.rows:,} rows were taken.",
        ]
        if self.left_out:
            out.append(f"Left out: {'; '.join(map(str, self.left_out))}.")
        if self.controls:
            out.append(f"Controls and totals, left out: {self.controls}.")
        out += self._wild()
        if self.replicated:
            noise = "" if self.noise is None else f"; one row differs from the mean by {self.noise:.3g} (s.d.)"
            out.append(
                f"{self.replicated:,} variant{'s' * (self.replicated > 1)} measured more than once, averaged{noise}."
            )
        out.append(self._sites())
        out += [f"{note[:1].upper()}{note[1:]}." for note in self.notes]
        return out

    def _coverage(self) -> str:
        n, sites = self.measured, len(self.labels)
        space = f"{self.space:,}" if sites <= 12 else f"20^{sites}"
        share = ""
        if sites <= 12 and n < self.space:
            share = f" ({100 * n / self.space:.2g} %)" if n / self.space < 0.995 else ""
        return f"Your table holds {n:,} of {space} possible variants{share}."

    def _wild(self) -> list[str]:
        out = []
        if self.wild_rows:
            value = "" if self.wild_value is None else f", value {self.wild_value:.6g}"
            own = "" if self.parent else "; its letters are not known: fill in the wild type to use it"
            out.append(f"Wild type: {self.wild_rows}{value}{own}.")
        elif self.wild_value is not None:
            out.append(f"Wild type {shown(self.parent)}: value {self.wild_value:.6g}.")
        elif self.parent:
            out.append("The wild type itself is not in the table.")
        return out

    def _sites(self) -> str:
        labels = list(self.labels)
        many = len(labels)
        named = ", ".join(labels[:20]) + (f" and {many - 20} more" if many > 20 else "")
        fixed = f"; {self.constant:,} other residues do not vary and stay as they are" if self.constant else ""
        return f"{many} variable position{'s' * (many != 1)}: {named}{fixed}."


def counted(
    kinds: Mapping[int, str], words: Mapping[str, str], rows: Sequence[int], column: str, quote: Callable[[int], str]
) -> list[LeftOut]:
    """Group rows that are wrong by kind; the first of each is quoted.

    Args:
        kinds: index -> kind; words: kind -> in words; rows: number of each.
        column: its name; quote: index -> its cell as a message repeats it.
    """
    first: dict[str, int] = {}
    for at, kind in kinds.items():
        first.setdefault(kind, at)
    count = Counter(kinds.values())
    return [LeftOut(words[k], count[k], rows[at], column, quote(at)) for k, at in first.items()]
