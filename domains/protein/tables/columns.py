"""Which column holds the variants, which the values, which way is better, and why.

Known names come first; a row number or a count is never a value; where more than one column is left, a person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domains.protein.alphabet import LETTERS
from domains.protein.tables.direction import Way, direction_of
from domains.protein.tables.found import refused
from domains.protein.tables.letters import Content, content
from poets_core.intake import listed, shown
from poets_core.intake.layout import numeric
from poets_core.intake.numbers import MISSING
from poets_core.intake.sheet import UNNAMED, Sheet


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SEQUENCES = _list(
    "mutatedsequence aaseq aasequence aminoacidsequence proteinsequence mutantsequence variantsequence combo combos"
    " combination aas aa aminoacids residues sequence sequences seq protein variant variants mutant mutants"
)
LISTS = _list(
    "mutations mutation aasubstitutions substitutions aamutations aachanges aachange aminoacidsubstitutions hgvspro"
    " hgvsp genotype substitution aasubstitution change changes name id"
)
"""Names of columns of variants, without blanks and marks; the first one found counts."""
VALUES = _set(
    "fitness score dmsscore activity yield value values measurement target kcat kcatkm kcatoverkm enrichment "
    "logenrichment"
    " brightness fluorescence rfu intensity signal titer titre conversion selectivity ee enantioselectivity "
    "ec50 ic50 kd ki km"
    " ddg dg deltadeltag tm meltingtemperature stability affinity expression abundance log10fitness logfitness "
    "objective y"
    " label response growth growthrate specificactivity turnover ton tof rate potency mic absorbance relativeactivity"
)
_WORDS = frozenset(w for w in VALUES if len(w) > 1) - {"value", "values", "label", "signal", "rate", "target"}
_ASIDE = _set(
    "count counts reads read nreads n num number barcode barcodes coverage depth replicate replicates rep plate "
    "well wells row rows"
    " col column columns position positions pos site sites round batch day cycle generation seed length len "
    "charge mw mass year date"
    " distance hd nmut nmuts nmutations mutations hamming od od600 od595 sd std stdev stddev stderr se sem "
    "error err ci lower upper"
    " low high variance var cv pvalue p padj q rank bin binned set fold split validation train test cluster "
    "index idx id order"
    " fdr pval qval qvalue adj"
    " quality weight time temperature ph concentration volume replicate1 lane pool sample experiment"
)
"""Words of columns beside a measurement."""
_COUNTS = _set(
    "count counts reads read nreads n num number barcode barcodes coverage depth index idx id rank order row"
)
SURE = 4
"""Rows from which on 1, 2, 3, ... numbers them."""
_SPLIT = re.compile(r"[^a-z0-9µμΔδ]+|(?<=[a-z])(?=\d+$)")
_UNIT = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*")


@dataclass(frozen=True)
class Chosen:
    """Columns and direction.

    Attributes:
        variant, value: names; why_variant, why_value: in words.
        direction: which way is better; why_direction: in words.
    """

    variant: str
    value: str
    direction: Way
    why_variant: str
    why_value: str
    why_direction: str


def choose(head: Sheet, variant: str = "", value: str = "", direction: str = "auto") -> Chosen:
    """Choose columns by names and by what stands in them.

    Args:
        head: the beginning of a table.
        variant, value: names that a person chose, "" for none; direction: "auto", "maximise" or "minimise".

    Raises:
        InvalidTable: no such column, none that fits, or more than one.
    """
    names = list(head.columns)
    for wanted, field in ((variant, "variant_column"), (value, "value_column")):
        if wanted and wanted not in names:
            raise refused(f"Expected a column {shown(wanted)}, got {listed(names)}. Choose one of these.", field)
    if len(names) > 1 and all(map(numeric, names)):
        raise refused(
            f"Expected a header row in {head.name[:80]}, got numbers in the first line. Put names above the columns."
        )
    chosen_variant, why_variant = (variant, "chosen by you") if variant else _variant(head, value)
    chosen_value, why_value = (value, "chosen by you") if value else _value(head, chosen_variant)
    if not variant and not value:
        _check_header(head, chosen_variant, chosen_value)
    way, why = _direction(chosen_value, direction)
    return Chosen(chosen_variant, chosen_value, way, why_variant, why_value, why)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _base(name: str) -> str:
    """Return a name without what stands in brackets: ``"Yield"`` of ``"Yield (%)"``."""
    return _UNIT.sub(" ", name).strip() or name


def words(name: str) -> list[str]:
    """Return the words of a column's name, in lower case."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", _base(name))
    return [w for w in _SPLIT.split(spaced.lower()) if w]


def _variant(head: Sheet, value: str) -> tuple[str, str]:
    kinds: dict[str, tuple[Content, float]] = {}
    for name, cells in head.columns.items():
        if name != value:
            kinds[name] = content(cells[:5000])
    fit = {n: k for n, (k, share) in kinds.items() if k and share > 0.5}
    proteins = {n: k for n, k in fit.items() if k != "dna"}
    for usual, kind in ((SEQUENCES, "sequences"), ((*SEQUENCES, *LISTS), "")):
        for wanted in usual:
            for name in proteins:
                if wanted in (_plain(name), _plain(_base(name))) and (not kind or proteins[name] in (kind, "three")):
                    return name, f"its name is a usual one, and it holds {_of(proteins[name])}"
    # A word such as "test" is spelled with residues: only what differs from row to row names variants.
    several = {n: k for n, k in proteins.items() if _varies(head.columns[n]) and not _aside(n)}
    if len(several) == 1 or (not several and len(proteins) == 1):
        name = next(iter(several or proteins))
        return name, f"the only column that holds {_of(proteins[name])}"
    if several:
        raise refused(
            f"Expected one column of variants in {head.name[:80]}, got {len(several)} that may be it: "
            f"{_quoted(several)}. {_instead(head, several)}",
            "variant_column",
        )
    if any(k == "dna" for k in fit.values()):
        name = next(n for n, k in fit.items() if k == "dna")
        return name, "the only column of sequences"
    # A usual name with cells that are none: the reader says which row is wrong.
    for name in kinds:
        if _plain(name) in (*SEQUENCES, *LISTS[:-2]) and not _numbers(head.columns[name]):
            return name, "its name is a usual one"
    text = [n for n in kinds if any(head.columns[n]) and not _numbers(head.columns[n])]
    if len(text) == 1:
        return text[0], "the only column of text"
    beside = f" beside {shown(value)}" if value else ""
    raise refused(
        f"Expected a text column of variants{beside}, got {listed(list(head.columns))}. Name it.", "variant_column"
    )


def _instead(head: Sheet, names: Collection[str]) -> str:
    """Say what to do with several columns that may hold variants."""
    if all(len(c) < 2 for n in names for c in head.columns[n][:2000]):
        return "Each holds one residue: join them in one column, such as VDGV."
    return "Choose one as the variant column; join chains in one, such as EVQL:DIQM."


def _of(kind: Content) -> str:
    return {"mutations": "mutations", "three": "sequences", "sequences": "sequences"}.get(kind, "sequences")


def _varies(cells: Sequence[str]) -> bool:
    some = [c for c in cells[:5000] if c]
    return len(set(some)) > 1 and len(set(some)) * 3 >= min(len(some), 60)


def _numbers(cells: Sequence[str]) -> bool:
    some = [c for c in cells if c.lower() not in MISSING][:2000]
    return bool(some) and sum(numeric(c.removeprefix("'")) for c in some) * 2 > len(some)


def _aside(name: str) -> bool:
    return bool(_ASIDE.intersection(words(name))) or name.startswith((UNNAMED, "__index"))


def _index(name: str, cells: Sequence[str]) -> bool:
    """Whether a column numbers the rows."""
    if name.startswith((UNNAMED, "__index")) or _plain(name) in (
        "index",
        "id",
        "idx",
        "row",
        "no",
        "nr",
        "number",
        "unnamed",
        "",
    ):
        return True
    some = cells[:2000]
    if len(some) < 2 or not all(c.isdecimal() and len(c) < 8 for c in some):
        return False
    first = int(some[0])
    return first in (0, 1) and all(int(c) == first + i for i, c in enumerate(some))


def _value(head: Sheet, variant: str) -> tuple[str, str]:
    others = [n for n in head.columns if n != variant]
    numbers = [n for n in others if _numbers(head.columns[n])]
    usual = [n for n in others if _plain(n) in VALUES or _plain(_base(n)) in VALUES]
    if len(usual) == 1:
        return usual[0], "its name is a usual one"
    if usual:
        # Of several usual names, those whose cells are numbers; "score" and "fitness" are for a person to choose.
        usual = [n for n in usual if n in numbers] or usual
        if len(usual) == 1:
            return usual[0], "its name is a usual one"
        raise _ask(head, usual)
    free = [n for n in numbers if not _index(n, head.columns[n])]
    # Of two or three rows, 1, 2, 3 may be values as well.
    if not free and len(head.rows) < SURE:
        free = [n for n in numbers if not _index(n, ())]
    named = [n for n in free if _WORDS.intersection(words(n)) and not _aside(n)]
    plain = [n for n in free if not _aside(n)]
    weak = [n for n in free if not _COUNTS.intersection(words(n))]
    for found, why in (
        (named, "its name says what was measured"),
        (plain, f"the only column of numbers beside {shown(variant)}"),
        (weak, "the only column of numbers that is no count and no row number"),
    ):
        if len(found) == 1:
            told = len(numbers) > 1 and found is plain
            return found[0], "the only column of numbers that is no count, plate or row number" if told else why
        if found:
            raise _ask(head, found)
    if not numbers and len(others) == 1:
        return others[0], "the only other column"
    got = listed(list(head.columns)) + (", of which row numbers and counts are no values" if numbers else "")
    raise refused(
        f"Expected a numeric column of values beside {shown(variant)}, got {got}. Name it as the value column.",
        "value_column",
    )


def _ask(head: Sheet, names: Sequence[str]) -> Exception:
    if len(names) > 2 and (all(n.isdecimal() for n in names) or all(n in (*LETTERS, "*") for n in names)):
        grid = "wells of a plate" if names[0].isdecimal() else "residues"
        return refused(
            f"Expected a variant and its value in every row of {head.name[:80]}, got a grid whose columns are {grid}: "
            f"{_quoted(names)}. Write one row for each variant."
        )
    return refused(
        f"Expected one column of values in {head.name[:80]}, got {len(names)} that may be it: {_quoted(names)}. "
        f"Choose one as "
        "the value column.",
        "value_column",
    )


def _quoted(names: Collection[str]) -> str:
    return ", ".join(shown(n) for n in list(names)[:6]) + (" and more" if len(names) > 6 else "")


def _check_header(head: Sheet, variant: str, value: str) -> None:
    """Refuse a table without a header: its first line is a variant and a number."""
    if numeric(value) and content([variant])[0]:
        raise refused(
            f"Expected a header row in {head.name[:80]}, got a variant and a number in the first line. Put "
            f"names above the columns."
        )


def _direction(value: str, direction: str) -> tuple[Way, str]:
    if direction == "minimise":
        return "minimise", "chosen by you"
    if direction == "maximise":
        return "maximise", "chosen by you"
    return direction_of(value, _base(value))
