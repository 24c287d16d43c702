"""Campaigns: parents, sites, given data, laboratory and table; replays; edits and samples that stay inside."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.catalog import check_params, load
from domains.protein.alphabet import LETTERS, codes_of, text_of
from domains.protein.campaign import Campaign
from domains.protein.entries import named_sites
from domains.protein.landscape import CONCENTRATION, KEEP, Landscape
from domains.protein.prior import scores, site_weights
from domains.protein.replay import replay_of
from domains.protein.sited_edits import edit_within
from poets_core.errors import InvalidDesign, InvalidInput, InvalidSpec, InvalidTable
from poets_core.keyed import rng_for
from poets_core.protocols import Problem
from poets_core.search.registry import build_search
from poets_core.spec import SearchSpec, parse_spec
from poets_core.types import Given, Observation
from tests.contracts.problem_contract import ProblemContract

GB1 = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
RNG = rng_for(0, "unused")


def put(folder: Path, rows: dict[str, float], name: str = "t.csv", columns: str = "variant,fitness") -> str:
    path = folder / name
    path.write_text(f"{columns}\n" + "".join(f"{k},{v}\n" for k, v in rows.items()))
    return str(path)


def whole(design: str) -> str:
    letters = list(GB1)
    for i, a in zip((38, 39, 40, 53), design, strict=True):
        letters[i] = a
    return "".join(letters)


class TestCampaignContract(ProblemContract):
    bad_texts = ("", "VDG", "VDGVV", "VDG*", "CDGV", "AAAA", "KKGV", whole("AAAA"), GB1[1:], "A" + GB1[1:])

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls, tmp_path_factory: pytest.TempPathFactory) -> Problem:
        folder = tmp_path_factory.mktemp("campaign")
        answers = {"".join(p) + "GV": i / 7 for i, p in enumerate(itertools.product(LETTERS, repeat=2))}
        return load(
            "protein/campaign",
            parent=f">gb1\n{GB1}",
            sites="V39,D40,G41,V54",
            max_mutations=3,
            never="C",
            charge_max="-3",
            oracle="table",
            answers=put(folder, answers),
            data=put(folder, {"VDGV": 1.0, "ADGV": 0.5}, "given.csv"),
        )


class TestReplayContract(ProblemContract):
    bad_texts = ("", "V", "VDG", "CY", "V*")

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls, tmp_path_factory: pytest.TempPathFactory) -> Problem:
        designs = ["".join(p) for p in itertools.product(LETTERS, repeat=2)]
        kept = {d: i / 3 for i, d in enumerate(designs) if i % 3}
        kept.pop("CY", None)
        return load(
            "protein/landscape",
            table=put(tmp_path_factory.mktemp("replay"), kept),
            wild_type="VD",
            positions="V39,D40",
            use="replay",
        )


# -- what is read ------------------------------------------------------------


def test_a_first_round_is_given_at_its_sites(tmp_path: Path) -> None:
    rows = {"VDGV": 1.0, "AWGV": 0.25, "FWAA": 8.5}
    problem = Campaign(parent=GB1, sites="39-41,54", data=put(tmp_path, rows), unit="nM", value_name="affinity")
    assert problem.given == (Given("VDGV", 1.0), Given("AWGV", 0.25), Given("FWAA", 8.5))
    assert (problem.info.answered_by, problem.info.max_tokens) == ("people", 4)
    objective = problem.info.objectives[0]
    assert (objective.name, objective.unit, objective.optimum) == ("affinity", "nM", None)
    facts = problem.info.facts
    assert (facts["sites"], facts["wild_type"], facts["parent"]) == (["39", "40", "41", "54"], "VDGV", GB1)
    assert (facts["wild_type_value"], facts["given"], facts["space"]) == (1.0, 3, 160_000)
    # The same round as whole proteins, with sites named or found.
    proteins = put(tmp_path, {whole(d): v for d, v in rows.items()}, "whole.csv")
    assert Campaign(parent=GB1, sites="39-41,54", data=proteins).given == problem.given
    found = Campaign(parent=GB1, data=proteins)
    assert (found.info.facts["sites"], found.given) == (["39", "40", "41", "54"], problem.given)
    # A site that did not vary in the data keeps the parent's letter there.
    more = Campaign(parent=GB1, sites="38-41,54", data=proteins)
    assert [g.design for g in more.given] == ["GVDGV", "GAWGV", "GFWAA"]


@pytest.mark.parametrize(
    ("column", "name", "unit"),
    [
        ("kcat (1/s)", "kcat", "1/s"),
        ("Yield [%]", "Yield", "%"),
        ("fitness", "fitness", "units of the table"),
        ("log10(Kd)", "log10(Kd)", "units of the table"),
    ],
)
def test_the_unit_of_a_column_is_the_unit_of_the_campaign(tmp_path: Path, column: str, name: str, unit: str) -> None:
    path = tmp_path / "units.csv"
    path.write_text(f"mutations,{column}\nV39A,1\nD40W,2\nG41L,3\n")
    found = Campaign(parent=GB1, data=str(path)).info.objectives[0]
    assert (found.name, found.unit) == (name, unit)
    own = Campaign(parent=GB1, data=str(path), value_name="a\x00\nb\u202ec", unit=" nM\t").info.objectives[0]
    assert (own.name, own.unit) == ("a bc", "nM")


def test_a_space_of_the_parent_alone_is_refused() -> None:
    for more in ({"never": LETTERS}, {"alphabets": "39=V; 40=D"}):
        with pytest.raises(InvalidSpec, match="more than one design"):
            Campaign(parent=GB1, sites="39,40", **more)


def test_given_variants_that_no_design_can_say_are_counted(tmp_path: Path) -> None:
    rows = {whole("VDGV"): 1.0, whole("CDGV"): 2.0, "A" + GB1[1:]: 3.0}
    problem = Campaign(parent=GB1, sites="39-41,54", data=put(tmp_path, rows), never="C")
    assert [g.design for g in problem.given] == ["VDGV"]
    assert problem.info.facts["given_outside"] == 2
    assert "2 variants of the data are not used" in problem.info.facts["notes"][0]


def test_without_a_parent_the_table_says_what_is_constant(tmp_path: Path) -> None:
    problem = Campaign(data=put(tmp_path, {whole("AAGV"): 1.0, whole("CDGV"): 2.0, whole("AWGV"): 3.0}))
    assert problem.info.facts["sites"] == ["39", "40"]
    assert problem.scaffold.full("KK") == whole("KKGV")
    assert problem.info.facts["wild_type"] == ""
    short = Campaign(data=put(tmp_path, {"AAGV": 1.0, "CAGV": 2.0}, "short.csv"))
    assert short.info.facts["sites"] == ["1", "2", "3", "4"]  # a list of sites; what did not vary is one all the same


def test_a_laboratory_answers_nothing_by_itself() -> None:
    problem = Campaign(parent=GB1, sites="39")
    with pytest.raises(InvalidInput, match="laboratory") as caught:
        problem.oracle.evaluate(["V"], [0], rng=RNG)
    assert caught.value.field == "problem.params.oracle"
    assert problem.oracle.evaluate([], [], rng=RNG).values.shape == (0, 1)


def test_a_table_answers_and_states_its_optimum(tmp_path: Path) -> None:
    answers = put(tmp_path, {"VD": 5.0, "CD": 1.0, "AD": 2.0}, columns="variant,Kd")
    problem = Campaign(parent=GB1, sites="39,40", oracle="table", answers=answers, never="C", direction="minimise")
    objective = problem.info.objectives[0]
    assert (objective.name, objective.direction, objective.optimum) == ("Kd", "minimise", 2.0)
    got = problem.oracle.evaluate(["VD", "AA"], [0, 0], rng=RNG)
    assert got.valid.tolist() == [True, False]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "parent"),
        ({"parent": "MKX"}, "parent"),
        ({"parent": GB1, "sites": "C39"}, "sites"),
        ({"parent": "M" * 600}, "sites"),
        ({"parent": GB1, "sites": "39", "oracle": "table"}, "answers"),
        ({"parent": GB1, "sites": "39", "oracle": "oracle"}, "oracle"),
        ({"parent": GB1, "sites": "39", "alphabets": "40: A"}, "alphabets"),
        ({"parent": GB1, "sites": "39", "charge_min": "40"}, "charge_min"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(params: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSpec, match="Expected") as caught:
        Campaign(**params)
    assert caught.value.field == f"problem.params.{field}"


def test_a_wrong_table_names_the_field_it_came_from(tmp_path: Path) -> None:
    for name in ("data", "answers"):
        with pytest.raises(InvalidTable, match="readable") as caught:
            Campaign(
                parent=GB1, sites="39", oracle="table", **{"answers": put(tmp_path, {"V": 1.0}), name: "/none.csv"}
            )
        assert caught.value.field == f"problem.params.{name}"
    with pytest.raises(InvalidTable, match="numbers of their 4 sites") as caught:
        Campaign(parent=GB1, data=put(tmp_path, {"VDGV": 1.0, "ADGV": 2.0}))
    assert caught.value.field == "problem.params.sites"


def test_the_form_names_every_parameter() -> None:
    params = check_params("protein/campaign", {"parent": GB1, "sites": "39"})
    assert Campaign(**params).info.facts["sites"] == ["39"]
    assert named_sites("39-41,54") == named_sites("V39-G41 V54") == named_sites("39,40,41,54") == 4


# -- priors ------------------------------------------------------------------


def test_the_prior_of_a_site_is_the_softmax_of_blosum62() -> None:
    assert scores()[LETTERS.index("W"), LETTERS.index("W")] == 11
    assert scores()[LETTERS.index("I"), LETTERS.index("V")] == 3
    own, unknown = site_weights("IX", keep=0.2, temperature=2.0)
    assert own.sum() == pytest.approx(1)
    assert own[LETTERS.index("V")] / own[LETTERS.index("D")] == pytest.approx(np.exp((3 - -3) / 2.0))
    flat = site_weights("I", keep=0.0, temperature=1e9)[0]
    np.testing.assert_allclose(flat, 1 / 20, atol=1e-6)
    assert own[LETTERS.index("I")] > 0.2
    assert unknown[LETTERS.index("L")] == pytest.approx(0.0996, abs=1e-3)


def test_a_library_follows_the_prior_inside_the_constraints() -> None:
    problem = Campaign(parent=GB1, sites="V39,D40,G41,V54", max_mutations=1)
    texts = problem.library(4000, rng=rng_for(0, "library"))
    assert max(sum(a != b for a, b in zip(t, "VDGV", strict=True)) for t in texts) == 1
    singles = [t for t in texts if t != "VDGV"]
    v39 = [t[0] for t in singles if t[0] != "V"]
    assert v39.count("I") > 1.8 * v39.count("P")


def test_the_library_of_a_landscape_is_bit_for_bit_what_it_was(tmp_path: Path) -> None:
    problem = Landscape(put(tmp_path, {"VDGV": 1.0, "ADGV": 2.0}), wild_type="VDGV")
    rng = rng_for(3, "library")
    background = rng.dirichlet(np.full(20, CONCENTRATION))
    codes = rng.choice(20, size=(500, 4), p=background)
    codes = np.where(rng.random(codes.shape) < KEEP, codes_of("VDGV").astype(np.int64), codes)
    assert problem.library(500, rng=rng_for(3, "library")) == [text_of(row) for row in codes]


# -- edits -------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(0, 2**31 - 1), st.sampled_from(["", "N{P}[ST]"]), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_edits_hold_the_constraints_and_move(most: int, seed: int, motif: str, k: int) -> None:
    problem = Campaign(
        parent=GB1, sites="35-44", max_mutations=most, never="C", forbid_motifs=motif, charge_min="-6", charge_max="-2"
    )
    elites = problem.library(k, rng=rng_for(seed, "elites"))
    edits = problem.edit(elites, 30, rng=rng_for(seed, "edit"))
    assert edits == problem.edit(elites, 30, rng=rng_for(seed, "edit"))
    assert all(problem.decode(d) == d for d in edits)
    assert len(set(edits) - set(elites)) > 5


def test_edits_move_on_at_the_most_mutations_and_from_elites_outside() -> None:
    problem = Campaign(parent=GB1, sites="35-44", max_mutations=2)
    own = problem.wild_type
    elite = "W" + own[1:4] + "W" + own[5:]
    edits = set(problem.edit([elite], 300, rng=rng_for(0, "edit")))
    # Mutations elsewhere, which are possible only if another one goes.
    assert len({d for d in edits if d[0] == own[0] and d[4] == "W"}) > 10
    assert elite not in edits
    outside = problem.edit(["W" * 10], 20, rng=rng_for(0, "edit"))
    assert all(problem.holds(d) for d in outside)


def test_edits_of_a_sparse_table_are_its_nearest_variants() -> None:
    rows = ["ACDEFGHIKL", "ACDEFGHIKM", "ACDEFGHWWW", "YYYYYYYYYY"]
    automaton = replay_of(rows)
    edits = edit_within([rows[0]], 100, automaton, automaton.letters, "", rng=rng_for(0, "edit"))
    assert set(edits) <= set(rows[1:])
    assert edits.count(rows[1]) > 50
    assert edit_within(["A"], 3, replay_of(["A"]), replay_of(["A"]).letters, "", rng=RNG) == ["A"] * 3


# -- landscapes --------------------------------------------------------------


def test_a_landscape_of_whole_proteins_is_searched_at_its_sites(tmp_path: Path) -> None:
    rows = {whole(f"{a}{b}GV"): float(i) for i, (a, b) in enumerate(itertools.product(LETTERS, repeat=2))}
    problem = Landscape(put(tmp_path, rows))
    assert (problem.info.max_tokens, problem.info.facts["positions"], problem.info.facts["space"]) == (2, [39, 40], 400)
    assert problem.decode("vw") == "VW"
    assert problem.oracle.evaluate(["AC"], [0], rng=RNG).values[0, 0] == 1.0
    named = Landscape(put(tmp_path, rows), wild_type=GB1)
    assert named.info.facts["wild_type"] == "VD"
    assert b"mutations: D40W\n" in named.render("VW", {})[0].data
    assert b"   51 TVTE" not in named.render("VW", {})[0].data
    assert b"TK TFTVTE" in named.render("VW", {})[0].data


def test_positions_of_a_landscape_as_people_write_them(tmp_path: Path) -> None:
    table = put(tmp_path, {"VDGV": 1.0, "ADGV": 2.0})
    for text in ("V39,D40,G41,V54", "39-41;54", "39 40 41 54"):
        facts = load("protein/landscape", table=table, wild_type="VDGV", positions=text).info.facts
        assert facts["positions"] == [39, 40, 41, 54]
    assert Landscape(table, "VDGV", positions="A39,A40,A41,B54").info.facts["positions"] == ["A39", "A40", "A41", "B54"]
    found = Landscape(table, GB1, positions="V39,D40,G41,V54")  # the whole protein, and letters of its sites
    assert (found.info.facts["wild_type"], found.scaffold.full("AAAA")) == ("VDGV", whole("AAAA"))
    with pytest.raises(InvalidSpec, match="Expected C at position 39, got V") as caught:
        Landscape(table, "VDGV", positions="C39,D40,G41,V54")
    assert caught.value.field == "problem.params.positions"
    with pytest.raises(InvalidSpec) as caught:
        Landscape(table, GB1, positions="C39,D40,G41,V54")
    assert caught.value.field == "problem.params.positions"


def test_a_replay_proposes_measured_variants_alone(tmp_path: Path) -> None:
    rows = dict.fromkeys(("VDGV", "ADGV", "FWAA", "AWAA"), 1.0)
    problem = Landscape(put(tmp_path, rows), wild_type="VDGV", use="replay")
    assert set(problem.library(300, rng=rng_for(0, "library"))) == set(rows)
    assert set(problem.edit(["VDGV"], 50, rng=rng_for(0, "edit"))) <= set(rows) - {"VDGV"}
    with pytest.raises(InvalidDesign, match="4 measured variants, got AAAA"):
        problem.decode("AAAA")


# -- through a real search -----------------------------------------------------


def asked(problem: Problem, folder: Path, n: int = 16, rounds: int = 2) -> Iterator[tuple[list[str], list[str]]]:
    """Play some rounds by a small POETS; yield the designs and the reasons of each."""
    spec = parse_spec(
        {
            "problem": {"name": "protein/campaign", "params": {"parent": GB1, "sites": "39"}},
            "search": {"method": "poets", "branches": 2, "steps": 2, "pool": 4, "edit_share": 0.5},
            "backbone": {"source": "library", "steps": 20},
            "budget": {"rounds": rounds, "batch": n},
        }
    )
    assert isinstance(spec, SearchSpec)
    search = build_search(problem, spec, backbone="library", workspace=folder)
    for _ in range(rounds):
        candidates = search.ask(n)
        yield [c.design for c in candidates], [c.reason for c in candidates]
        search.tell(candidates, [Observation(c.id, (float(k),), (0.0,), True, "") for k, c in enumerate(candidates)])
        search.update()


def test_every_proposal_is_inside_the_space(tmp_path: Path) -> None:
    """238 residues, two variable sites, and constraints: nothing else is ever proposed."""
    protein = text_of(rng_for(1, "protein").integers(0, 20, 238))
    rows = {protein[:100] + a + protein[101:200] + b + protein[201:]: 1.0 for a in "ACDE" for b in LETTERS}
    table = put(tmp_path, rows)
    problem = Landscape(table, use="replay")
    assert (problem.info.max_tokens, problem.info.facts["sites"]) == (2, ["101", "201"])
    inside = {a + b for a in "ACDE" for b in LETTERS}
    for designs, reasons in asked(problem, tmp_path / "replay"):
        assert len(designs) == 16
        assert set(designs) <= inside
        assert not any(reasons)
    campaign = Campaign(parent=protein, data=table, never="W", max_mutations=1)
    for designs, reasons in asked(campaign, tmp_path / "campaign"):
        assert len(set(designs)) == 16
        assert not any(reasons)
        for d in designs:
            assert sum(a != b for a, b in zip(d, campaign.wild_type, strict=True)) <= 1
            assert "W" not in d.replace(campaign.wild_type[0], "").replace(campaign.wild_type[1], "")


def test_a_long_protein_costs_what_its_sites_cost(tmp_path: Path) -> None:
    protein = text_of(rng_for(2, "protein").integers(0, 20, 1273))
    sites = "11,12,13,501,1201"
    problem = Campaign(
        parent=protein, sites=sites, max_mutations=3, never="C", forbid_motifs="N{P}[ST]", charge_min="-99"
    )
    assert problem.info.max_tokens == 5
    assert len(problem.automaton.table) < 60
    (first, _), *_ = asked(problem, tmp_path, rounds=1)
    assert len(set(first)) == 16
    assert all(problem.constraints is not None and problem.constraints.broken(d) == "" for d in first)
