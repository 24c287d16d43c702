"""What every design has to hold: alphabets of sites, most mutations, letters never introduced, motifs, net charge.

`Constraints` says it in the terms of a protein engineer and names what a design breaks; `automaton` turns it into the
machine that a search writes with. Both are about the whole protein, whose constant part is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from domains.protein.alphabet import LETTERS, codes_of, upper
from domains.protein.automaton import Automaton, Clause, Rules, TooLarge, build
from domains.protein.motifs import Form, Motif, letters_of, read_motifs
from domains.protein.parent import UNKNOWN_LETTER, Scaffold
from domains.protein.sites import read_sites
from poets_core.errors import InvalidSpec
from poets_core.intake import shown
from poets_core.types import Design

PARAMS = "problem.params"
CHARGE = {"K": 1, "R": 1, "D": -1, "E": -1}
"""Net charge counts these residues alone: histidine as neutral, no ends."""
_CHARGES = np.array([CHARGE.get(a, 0) for a in LETTERS], dtype=np.int64)
_ENTRY = re.compile(r"\s*([^=]+?)\s*[:=]\s*(\{[A-Za-z]+\}|\[\^?[A-Za-z]+\]|[!^]?[A-Za-z]+|\*)\s*")

Place = tuple[Motif, int, Form]
"""A motif, the index in the joined sequence where it stands, and in which form."""


@dataclass(frozen=True)
class Constraints:
    """Hard constraints on the designs of a scaffold.

    Attributes:
        scaffold: parent and sites.
        alphabets: letters of each site, (sites,).
        max_mutations: most substitutions against the parent; None for any number.
        never: letters that no mutation may introduce; where the parent has one it may stay.
        forbidden: motifs that must not stand in the protein, unless it is in its constant part.
        kept: motifs that must stay wherever the parent has them.
        charge: lowest and highest net charge of the protein, None for no limit.
    """

    scaffold: Scaffold
    alphabets: tuple[str, ...]
    max_mutations: int | None = None
    never: str = ""
    forbidden: tuple[Motif, ...] = ()
    kept: tuple[Motif, ...] = ()
    charge: tuple[int | None, int | None] = (None, None)

    @cached_property
    def _own(self) -> tuple[str, ...]:
        """The parent's letter at each site, `"X"` where it is not known."""
        return tuple(self.scaffold.parent[i] for i in self.scaffold.sites)

    @cached_property
    def keeping(self) -> tuple[Place, ...]:
        """Where the kept motifs stand in the parent, in every form."""
        return tuple(self._standing(self.kept, self.scaffold.parent))

    @cached_property
    def _net(self) -> int:
        """Net charge of the constant part."""
        constant = set(range(len(self.scaffold.parent))) - set(self.scaffold.sites)
        return sum(CHARGE.get(self.scaffold.parent[i], 0) for i in constant)

    def _standing(self, motifs: Sequence[Motif], full: str) -> list[Place]:
        out = []
        for chain, (_, residues) in zip(self.scaffold.chains, self.scaffold.split(full), strict=True):
            out += [(m, chain.start + at, form) for m in motifs for at, form in m.places(residues)]
        return out

    def _varies(self, at: int, form: Form) -> bool:
        return any(at <= i < at + len(form) for i in self.scaffold.sites)

    def broken(self, design: Design) -> str:
        """Return what a design breaks, as a sentence, ``""`` if it holds everything.

        Args:
            design: the letters at the sites, as many as there are sites.
        """
        full, changes = self.scaffold.full(design), 0
        for letter, own, label, letters in zip(design, self._own, self.scaffold.labels, self.alphabets, strict=True):
            changes += letter != own
            if letter not in letters:
                return f"Expected one of {letters} at site {label}, got {letter}."
            if letter in self.never and letter != own:
                return f"Expected no mutation to {letter}, got {letter} at site {label}."
        if self.max_mutations is not None and changes > self.max_mutations:
            names = " ".join(self.scaffold.mutations(design))
            return f"Expected at most {self.max_mutations} mutations against the parent, got {changes}: {names}."
        for motif, at, form in self._standing(self.forbidden, full):
            if self._varies(at, form):
                return f"Expected no motif {motif.name}, got {full[at : at + len(form)]} at residue {self._number(at)}."
        for motif, at, form in self.keeping:
            if not stands(form, full[at : at + len(form)]):
                got = full[at : at + len(form)]
                return f"Expected the motif {motif.name} to stay at residue {self._number(at)}, got {got}."
        net, (low, high) = sum(CHARGE.get(a, 0) for a in full), self.charge
        if (low is not None and net < low) or (high is not None and net > high):
            return f"Expected a net charge {_range(low, high)}, got {net:+d}."
        return ""

    def _number(self, at: int) -> str:
        """How a residue is counted in its chain, from 1."""
        chain = next(c for c in self.scaffold.chains if c.start <= at < c.start + c.length)
        number = str(at - chain.start + 1)
        return f"{number} of chain {chain.name}" if len(self.scaffold.chains) > 1 else number

    def notes(self) -> list[str]:
        """Return what should be said about the constraints before a run: what they cannot change."""
        out = []
        for motif, at, form in self._standing(self.forbidden, self.scaffold.parent):
            if not self._varies(at, form):
                out.append(
                    f"The forbidden motif {motif.name} stands at residue {self._number(at)} of the parent, where no "
                    "site varies: it is left there."
                )
        if self.scaffold.wild_type and (wrong := self.broken(self.scaffold.wild_type)):
            out.append(f"The parent itself does not hold the constraints. {wrong}")
        return out

    def rules(self) -> Rules:
        """Return the same constraints in terms of the sites alone."""
        allowed = np.array([[a in letters for a in LETTERS] for letters in self.alphabets], dtype=np.bool_)
        for k, own in enumerate(self._own):
            allowed[k] &= [a not in self.never or a == own for a in LETTERS]
        place = {i: k for k, i in enumerate(self.scaffold.sites)}
        for _, at, form in self.keeping:
            for j, bits in enumerate(form):
                if at + j in place:
                    allowed[place[at + j]] &= letters_of(bits)
        low, high = self.charge
        far = len(allowed) + 1
        return Rules(
            allowed=allowed,
            mutated=np.array([[a != own for a in LETTERS] for own in self._own], dtype=np.bool_),
            most=len(allowed) if self.max_mutations is None else min(self.max_mutations, len(allowed)),
            charge=_CHARGES,
            lowest=-far if low is None else low - self._net,
            highest=far if high is None else high - self._net,
            clauses=tuple(self._clauses(place)),
        )

    def _clauses(self, place: Mapping[int, int]) -> Iterator[Clause]:
        """Yield what must not stand together: each window of a forbidden motif that holds a site."""
        parent = self.scaffold.parent
        for chain in self.scaffold.chains:
            inside = [i - chain.start for i in place if chain.start <= i < chain.start + chain.length]
            for motif in self.forbidden:
                for form in motif.forms:
                    # Windows around the sites alone: the constant part costs nothing, however long it is.
                    where = motif.starts(len(form), chain.length)
                    for at in sorted({i - k for i in inside for k in range(len(form))} & set(where)):
                        found = [(chain.start + at + k, bits) for k, bits in enumerate(form)]
                        if all(i in place or stands((bits,), parent[i]) for i, bits in found):
                            sites = [(place[i], letters_of(bits)) for i, bits in found if i in place]
                            yield Clause(tuple(k for k, _ in sites), np.array([x for _, x in sites]))

    def automaton(self) -> Automaton:
        """Return the machine that accepts exactly the designs of which `broken` says nothing.

        Raises:
            InvalidSpec: no design holds everything, or too many things have to be remembered; names the field.
        """
        try:
            found = build(self.rules())
        except TooLarge as error:
            raise InvalidSpec(
                f"Expected constraints that can be followed together, got {error}. Limit the mutations, the charge or "
                "the motifs less, or let fewer sites vary.",
                field=f"{PARAMS}.{'forbid_motifs' if self.forbidden else 'max_mutations'}",
            ) from error
        if found is None:
            field, what = self._culprit()
            raise InvalidSpec(
                f"Expected constraints that some design holds, got none left once {what} counts. Allow more.",
                field=f"{PARAMS}.{field}",
            )
        return found

    def _culprit(self) -> tuple[str, str]:
        """Return field and name of the first constraint that leaves nothing, taken in after those before it."""
        some = Constraints(self.scaffold, self.alphabets)
        steps: list[tuple[str, str, Mapping[str, Any]]] = [
            ("alphabets", "the alphabets", {}),
            ("never", f"no mutation to {self.never}", {"never": self.never}),
            ("keep_motifs", "the motifs that must stay", {"kept": self.kept}),
            ("max_mutations", "the most mutations", {"max_mutations": self.max_mutations}),
            ("forbid_motifs", "the forbidden motifs", {"forbidden": self.forbidden}),
            ("charge_min", "the net charge", {"charge": self.charge}),
        ]
        for field, what, more in steps:
            some = replace(some, **more)
            if build(some.rules()) is None:
                return field, what
        return "sites", "everything"


def stands(form: Form, letters: str) -> bool:
    """Whether some letters, as many as a form has, are of it."""
    return all(c < 20 and bits >> int(c) & 1 for bits, c in zip(form, codes_of(letters), strict=True))


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return f"of at most {high:+d}"
    return f"of at least {low:+d}" if high is None else f"from {low:+d} to {high:+d}"


def read_constraints(
    scaffold: Scaffold,
    *,
    alphabets: str = "",
    max_mutations: int = 0,
    never: str = "",
    forbid_motifs: str = "",
    keep_motifs: str = "",
    charge_min: str = "",
    charge_max: str = "",
) -> Constraints:
    """Read constraints as the form has them.

    Args:
        scaffold: parent and sites.
        alphabets: ``"39: AVLI; 54: {CP}; all: *"``, see `read_alphabets`.
        max_mutations: 0 for any number.
        never: letters, such as ``"C"``.
        forbid_motifs, keep_motifs: see `domains.protein.motifs`.
        charge_min, charge_max: whole numbers, ``""`` for no limit.

    Raises:
        InvalidSpec: what cannot be read, or needs a parent that is not known; with its field.
    """
    letters = upper("".join(never.replace(",", " ").split()))
    if not set(letters) <= set(LETTERS):
        raise InvalidSpec(
            f"Expected letters that no mutation may introduce, such as C, got {shown(never)}.", field=f"{PARAMS}.never"
        )
    found = Constraints(
        scaffold,
        read_alphabets(alphabets, scaffold),
        max_mutations or None,
        letters,
        read_motifs(forbid_motifs, f"{PARAMS}.forbid_motifs"),
        read_motifs(keep_motifs, f"{PARAMS}.keep_motifs"),
        (_whole(charge_min, "charge_min"), _whole(charge_max, "charge_max")),
    )
    bare = set(scaffold.parent) == {UNKNOWN_LETTER}
    limits = found.charge != (None, None)
    for wanted, missing, field in (
        (max_mutations, not scaffold.wild_type, "max_mutations"),
        (found.forbidden, bare, "forbid_motifs"),
        (found.kept, bare or not scaffold.wild_type, "keep_motifs"),
        (limits, bare, "charge_min"),
    ):
        if wanted and missing:
            raise InvalidSpec(
                "Expected a parent where mutations, motifs or charge are limited, got none. Paste its sequence.",
                field=f"{PARAMS}.{field}",
            )
    for motif in found.kept:
        if not any(m is motif for m, _, _ in found.keeping):
            raise InvalidSpec(
                f"Expected a motif that stands in the parent, got {shown(motif.name)}, which does not. Correct it.",
                field=f"{PARAMS}.keep_motifs",
            )
    return found


def read_alphabets(text: str, scaffold: Scaffold) -> tuple[str, ...]:
    """Read the letters of sites: ``site: letters``, entries separated by semicolons or lines.

    ``{CP}`` and ``!CP`` are all letters but these, ``*`` is all 20, one letter fixes a site. ``39-41`` names several
    sites, ``all`` those that are named nowhere else, whose letters are otherwise all 20.

    Raises:
        InvalidSpec: an entry that cannot be read, or a site that does not vary.
    """
    field = f"{PARAMS}.alphabets"
    named: dict[str, str] = {}
    for entry in filter(str.strip, re.split(r"[;\n]|,(?=\s*\w+\s*[:=])", text)):
        found = _ENTRY.fullmatch(entry)
        letters = _letters(found[2]) if found else ""
        if not found or not letters:
            raise InvalidSpec(
                f"Expected letters of sites such as '39: AVLI; 54: {{CP}}', got {shown(entry)}. Use the letters "
                f"{LETTERS}.",
                field=field,
            )
        key = found[1].strip()
        sites = (
            ("all",)
            if key.lower() == "all"
            else (key,)
            if key in scaffold.labels
            else read_sites(key, None, field).labels
        )
        for label in sites:
            if label != "all" and label not in scaffold.labels:
                raise InvalidSpec(
                    f"Expected a site among {', '.join(scaffold.labels[:40])}, got {label}. Add it to the sites first.",
                    field=field,
                )
            if label in named:
                raise InvalidSpec(f"Expected one alphabet for each site, got two for {label}.", field=field)
            named[label] = letters
    return tuple(named.get(label, named.get("all", LETTERS)) for label in scaffold.labels)


def _letters(text: str) -> str:
    """Return the letters of an entry in the order of `LETTERS`, ``""`` where one is unknown."""
    inside = set(upper(text).strip("[]{}!^"))
    if inside == {"*"}:
        return LETTERS
    if not inside or not inside <= set(LETTERS):
        return ""
    without = text[0] in "{!^" or text.startswith("[^")
    return "".join(a for a in LETTERS if (a in inside) != without)


def _whole(text: str, name: str) -> int | None:
    plain = text.strip().replace("\u2212", "-")
    if not plain:
        return None
    if not re.fullmatch(r"[+-]?\d{1,4}", plain):
        raise InvalidSpec(
            f"Expected a whole number as net charge, such as -2, or nothing, got {shown(text)}.",
            field=f"{PARAMS}.{name}",
        )
    return int(plain)
