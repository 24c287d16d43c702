"""A protein engineer's own campaign: a parent, sites, constraints, what was measured, and a laboratory that answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domains.protein.alphabet import codes_of
from domains.protein.automaton import Automaton
from domains.protein.constraints import Constraints, read_constraints
from domains.protein.dna import read_sites_to_avoid
from domains.protein.given import PARAMS, Measured, Sited, read_measured, scaffold_of, sited
from domains.protein.landscape import LandscapeOracle, checksum
from domains.protein.parent import Parent, Scaffold, read_parent
from domains.protein.prior import KEEP, MUTATIONS, TEMPERATURE, kept, site_weights
from domains.protein.sequence import exact
from domains.protein.sited import SitedProblem, facts_of
from domains.protein.sites import Sites, read_sites
from domains.protein.tables.read import Replicates, Rows, TableSettings, Wanted
from domains.protein.variants_file import FORMATS, VariantsFile
from poets_core.errors import InvalidInput, InvalidSpec, InvalidTable
from poets_core.intake import shown
from poets_core.intake.numbers import Decimal
from poets_core.protocols import Oracle
from poets_core.types import Bool, Design, Direction, Evaluation, Given, Objective, ProblemInfo

UNITLESS = "units of the table"
_UNIT = re.compile(
    r"(?P<name>(?!(?:log(?:2|10)?|ln)\s*[(\[])[^()\[\]]*[^()\[\]\s])\s*[(\[](?P<unit>[^()\[\]]{1,30})[)\]]",
    re.IGNORECASE,
)
READ = {"wild_type": "parent", "positions": "sites"}
"""Parameters of a campaign by the names that the reader of tables has for them."""
MOST_EXACT = 2.0**53
"""Designs that a space may have to be counted exactly."""
FEWEST = 2
"""Designs that a space needs for anything to be searched."""
Accepts = Callable[[NDArray[np.uint8]], Bool]
"""Codes (n, sites) -> which designs hold the constraints."""


class LaboratoryOracle:
    """Stands where people answer: nothing here can measure a design."""

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Answer for no designs.

        Raises:
            InvalidInput: any design; results are brought by people.
        """
        if designs:
            raise InvalidInput(
                f"Expected results from the laboratory for {len(designs)} designs, got a question to the program. Hand "
                "in the results, or choose the oracle 'table'.",
                field=f"{PARAMS}.oracle",
            )
        return exact(np.zeros(0), [])


@dataclass(frozen=True)
class Data:
    """What a campaign is built on.

    Attributes:
        given: measured before, None where nothing was; answers: looked up during the run.
        first, second: the same tables as they were read.
    """

    scaffold: Scaffold
    given: Sited | None
    answers: Sited | None
    first: Measured | None
    second: Measured | None

    @property
    def oracle(self) -> Oracle:
        """Who answers: the table of answers, of which nothing is known beyond it, or people."""
        return LandscapeOracle(self.answers.values, "missing") if self.answers else LaboratoryOracle()


class Campaign(SitedProblem):
    """Find variants of a parent by measuring plate after plate.

    Args:
        parent: sequence, see `domains.protein.parent.read_parent`; ``""`` if the data are all that is known.
        sites: variable sites, see `domains.protein.sites`; ``""`` takes the positions that vary in the data, or all.
        alphabets, max_mutations, never, forbid_motifs, keep_motifs, charge_min, charge_max: hard constraints, see
            `domains.protein.constraints.read_constraints`.
        data: table of what was measured before, ``""`` for nothing.
        variant_column, value_column, direction, bad_rows, replicates, decimal: how tables are read.
        oracle: ``"laboratory"``, or ``"table"`` to play the campaign against known answers.
        answers: table of the answers, for ``"table"``.
        value_name, unit: of what is measured; ``""`` takes the name of the table's column.
        prior_keep, prior_mutations, prior_temperature: see `domains.protein.prior`.
        organism, avoid_sites: of exported genes, see `domains.protein.dna`.

    Raises:
        InvalidSpec: a parameter that cannot be, with its field.
        InvalidTable: a table that cannot be used, with its field.
    """

    def __init__(
        self,
        parent: str = "",
        sites: str = "",
        alphabets: str = "",
        max_mutations: int = 0,
        never: str = "",
        forbid_motifs: str = "",
        keep_motifs: str = "",
        charge_min: str = "",
        charge_max: str = "",
        data: str = "",
        variant_column: str = "",
        value_column: str = "",
        direction: Wanted = "auto",
        bad_rows: Rows = "refuse",
        replicates: Replicates = "average",
        decimal: Decimal = "auto",
        oracle: str = "laboratory",
        answers: str = "",
        value_name: str = "",
        unit: str = "",
        prior_keep: float = KEEP,
        prior_mutations: float = MUTATIONS,
        prior_temperature: float = TEMPERATURE,
        organism: str = "E. coli",
        avoid_sites: str = "",
    ) -> None:
        settings = TableSettings(variant_column, value_column, direction, bad_rows, replicates, decimal)
        known = _read(read_parent(parent), sites, data, answers if oracle == "table" else "", settings, oracle)
        constraints = read_constraints(
            known.scaffold,
            alphabets=alphabets,
            max_mutations=max_mutations,
            never=never,
            forbid_motifs=forbid_motifs,
            keep_motifs=keep_motifs,
            charge_min=charge_min,
            charge_max=charge_max,
        )
        read_sites_to_avoid(avoid_sites)  # a gene is made at the end of a campaign; its sites are checked now
        automaton = _several(constraints.automaton())
        given, outside = _given(known, automaton.accepts)
        objective = _objective(known, value_name, unit, direction, automaton.accepts)
        info = ProblemInfo(
            name="protein/campaign",
            domain="protein",
            title="Protein campaign",
            objectives=(objective,),
            answered_by="people" if oracle == "laboratory" else "program",
            chunk=64,
            export_formats=FORMATS,
            max_tokens=len(known.scaffold.sites),
            facts=facts_of(known.scaffold) | _facts(known, constraints, automaton.size, len(given), outside),
        )
        keep = kept(len(known.scaffold.sites), prior_keep, prior_mutations)
        weights = site_weights(known.scaffold.own_letters, keep, prior_temperature)
        file = VariantsFile(known.scaffold, objective.name, _own_unit(objective), organism, avoid_sites)
        super().__init__(info, known.oracle, known.scaffold, automaton, weights, constraints, file)
        self.given, self.report = given, _report(known, info.facts)


def _read(parent: Parent, sites: str, data: str, answers: str, settings: TableSettings, oracle: str) -> Data:
    """Read the tables, and find the sites: as they are named, or as the data have them."""
    if oracle not in ("laboratory", "table"):
        raise InvalidSpec(f"Expected 'laboratory' or 'table' as oracle, got {shown(oracle)}.", field=f"{PARAMS}.oracle")
    if oracle == "table" and not answers:
        raise InvalidSpec(
            "Expected a table of answers for the oracle 'table', got none. Upload one, or choose 'laboratory'.",
            field=f"{PARAMS}.answers",
        )
    named = read_sites(sites, parent) if parent.sequence and sites.strip() else None
    first = read_measured(data, settings, parent.sequence, named, {"table": "data", **READ}) if data else None
    second = read_measured(answers, settings, parent.sequence, named, {"table": "answers", **READ}) if answers else None
    given = sited(first, parent, sites, "data") if first else None
    # Whoever knows the sites first tells the others: what is named, then the first round, then the answers.
    if second and given:
        place = given.scaffold
        found = sited(second, Parent(place.parent, place.chains), Sites(place.labels, place.sites), "answers")
        return Data(place, given, _on(place, found), first, second)
    if second:
        found = sited(second, parent, sites, "answers")
        return Data(found.scaffold, None, found, first, second)
    if given:
        return Data(given.scaffold, given, None, first, second)
    if not parent.sequence:
        raise InvalidSpec(
            "Expected a parent sequence or a table of what was measured, got neither. Paste the protein's sequence.",
            field=f"{PARAMS}.parent",
        )
    return Data(scaffold_of(parent, named), None, None, first, second)


def _on(place: Scaffold, found: Sited) -> Sited:
    """Return answers at the sites of the first round."""
    if found.scaffold.sites != place.sites:
        raise InvalidSpec(
            f"Expected answers at the sites {', '.join(place.labels[:20])}, got some at "
            f"{', '.join(found.scaffold.labels[:20])}. Name the sites.",
            field=f"{PARAMS}.answers",
        )
    return found


def _given(known: Data, accepts: Accepts) -> tuple[tuple[Given, ...], int]:
    """Return what was measured before as designs, and how many variants no design can say."""
    if known.given is None:
        return (), 0
    values, std = known.given.values, known.given.std
    # What no branch may propose has no density under any of them: it could not be learnt.
    inside = [Given(d, values[d], std.get(d, 0.0)) for d in _inside(values, accepts)]
    return tuple(inside), known.given.outside + len(values) - len(inside)


def _inside(values: Mapping[Design, float], accepts: Accepts) -> list[Design]:
    designs = list(values)
    if not designs:
        return []
    return list(compress(designs, accepts(codes_of("".join(designs)).reshape(len(designs), -1)).tolist()))


def _objective(known: Data, name: str, unit: str, direction: str, accepts: Accepts) -> Objective:
    table = known.first or known.second
    way: Direction = table.table.direction if table else "minimise" if direction == "minimise" else "maximise"
    name, unit = _printed(name), _printed(unit)
    if table and not name:
        name, own = _name_and_unit(_printed(table.table.value_column))
        unit = unit or own
    name = name or "measured value"
    if known.answers is None:
        return Objective(name, unit or (UNITLESS if table else ""), way)
    values = [known.answers.values[d] for d in _inside(known.answers.values, accepts)]
    if not values:
        raise InvalidTable(
            "Expected answers for designs that hold the constraints, got none in the table. Allow more.",
            field=f"{PARAMS}.answers",
        )
    best = min(values) if way == "minimise" else max(values)
    return Objective(name, unit or UNITLESS, way, best, f"best of {len(values):,} variants with an answer")


def _several(automaton: Automaton) -> Automaton:
    """Refuse a space with nothing to search."""
    if automaton.size < FEWEST:
        raise InvalidSpec(
            "Expected constraints that leave more than one design, got one alone. Allow more letters, mutations or "
            "sites.",
            field=f"{PARAMS}.sites",
        )
    return automaton


def _own_unit(objective: Objective) -> str:
    return "" if objective.unit == UNITLESS else objective.unit


def _printed(text: str) -> str:
    """Return a text on one line without what cannot be seen: it stands above columns of files that people open."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def _name_and_unit(column: str) -> tuple[str, str]:
    """Return what a column measures and its unit: `kcat` and `1/s` of `kcat (1/s)`; but log10(Kd) is a name."""
    found = _UNIT.fullmatch(column)
    return (found["name"], found["unit"].strip()) if found else (column, "")


def _report(known: Data, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was found in the tables, for people and programs; see `domains.catalog.check`."""
    lines: list[str] = []
    for table, what in ((known.first, "Data"), (known.second, "Answers")):
        if table is not None:
            lines += [f"{what}: {table.name}.", *table.table.report.lines()]
    sites = known.scaffold.labels
    named = ", ".join(sites[:12]) + (", …" if len(sites) > 12 else "")
    lines.append(f"{len(sites):,} variable sites ({named}) of {len(known.scaffold.parent):,} residues.")
    if facts["given"]:
        lines.append(f"{facts['given']:,} measured designs are learnt before the first proposal.")
    return {"lines": [*lines, *facts["notes"]], "facts": {k: facts[k] for k in ("data", "answers") if k in facts}}


def _facts(known: Data, constraints: Constraints, size: float, given: int, outside: int) -> dict[str, Any]:
    """Return what is worth knowing about a campaign, JSON values."""
    notes = constraints.notes()
    if outside:
        notes.append(
            f"{outside:,} variants of the data are not used: they differ from the parent elsewhere than at the sites, "
            "or do not hold the constraints."
        )
    facts: dict[str, Any] = {
        "space": int(size) if size < MOST_EXACT else f"{size:.3g}",
        "given": given,
        "given_outside": outside,
        "notes": notes,
    }
    for table, values, what in ((known.first, known.given, "data"), (known.second, known.answers, "answers")):
        if table is not None and values is not None:
            facts[what] = table.facts | {"variants": len(values.values), "sha256": checksum(values.values)}
    own: Mapping[Design, float] = known.given.values if known.given else {}
    if known.scaffold.wild_type in own:
        facts["wild_type_value"] = own[known.scaffold.wild_type]
    return facts


if TYPE_CHECKING:
    from poets_core.protocols import Problem

    _: type[Problem] = Campaign
