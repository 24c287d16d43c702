"""Every protein problem honours the contract; the closed forms and optima are right."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from Bio.SeqUtils.ProtParam import ProteinAnalysis

from domains.catalog import load
from domains.protein.alphabet import LETTERS
from domains.protein.ehrlich import Ehrlich, EhrlichFunction, random_function, random_transition, stationary, walks
from domains.protein.instability import Instability, dipeptide_weights, least_stable_free
from domains.protein.landscape import Landscape
from poets_core.errors import InvalidInput, InvalidSpec, InvalidTable
from poets_core.keyed import rng_for
from poets_core.protocols import Problem
from tests.contracts.problem_contract import ProblemContract

HERE = Path(__file__).parent
RNG = rng_for(0, "unused")


@pytest.fixture(scope="module")
def small_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full 20^2 landscape but for one in seven variants."""
    path = tmp_path_factory.mktemp("tables") / "small.csv"
    variants = ["".join(p) for p in itertools.product(LETTERS, repeat=2)]
    kept = [v for i, v in enumerate(variants) if i % 7]
    path.write_text("variant,fitness\n" + "".join(f"{v},{i / 3}\n" for i, v in enumerate(kept)))
    return path


class TestInstabilityContract(ProblemContract):
    bad_texts = ("", " \n", "M", "MK*", "MKZ", "MK-V", "M" * 31, "MK1", "mké", "MK\N{SNOWMAN}")

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> Problem:
        return Instability(length=30)


class TestEhrlichContract(ProblemContract):
    bad_texts = ("", "A" * 14, "A" * 16, "A" * 14 + "*", "A" * 14 + "X")

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> Problem:
        return load("protein/ehrlich")


class TestLandscapeContract(ProblemContract):
    bad_texts = ("", "A", "AAA", "A*", "AB")

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls, small_table: Path) -> Problem:
        return load("protein/landscape", table=str(small_table), wild_type="VD", positions="39,40")


class TestInstability:
    def test_value_is_biopythons_with_the_sign_turned(self) -> None:
        design = "MKVLAAGIVGLCSKEYGGW"
        got = Instability(length=60).oracle.evaluate([design], [0], rng=RNG).values[0, 0]
        assert got == -ProteinAnalysis(design).instability_index()

    def test_definition_of_the_index(self) -> None:
        weights, design = dipeptide_weights(), "MKWTWQ"
        codes = [LETTERS.index(a) for a in design]
        total = sum(weights[a, b] for a, b in itertools.pairwise(codes))
        assert -10 / len(design) * total == pytest.approx(-ProteinAnalysis(design).instability_index(), abs=1e-9)

    @pytest.mark.parametrize("longest", [2, 3, 5, 6])
    @pytest.mark.parametrize("seed", range(4))
    def test_optimum_equals_brute_force_on_small_alphabets(self, longest: int, seed: int) -> None:
        weights = rng_for(seed, "weights").normal(size=(4, 4))
        brute = max(
            -10 / n * sum(weights[a, b] for a, b in itertools.pairwise(s))
            for n in range(2, longest + 1)
            for s in itertools.product(range(4), repeat=n)
        )
        best, example = least_stable_free(weights, 2, longest)
        assert best == pytest.approx(brute, abs=1e-12)
        codes = [LETTERS.index(a) for a in example]
        assert -10 / len(codes) * sum(weights[a, b] for a, b in itertools.pairwise(codes)) == pytest.approx(best)

    def test_a_shorter_sequence_can_be_the_best(self) -> None:
        weights = np.array([[50.0, -1.0], [50.0, 50.0]])  # A then C is good once; nothing follows well
        assert least_stable_free(weights, 2, 6) == (pytest.approx(5.0), "AC")

    def test_published_optimum_at_length_200(self) -> None:
        objective = Instability(length=200).info.objectives[0]
        assert objective.optimum == pytest.approx(139.60, abs=0.005)

    def test_optimal_design_reaches_the_optimum(self) -> None:
        problem = Instability(length=60)
        best = str(problem.info.facts["optimal_design"])
        assert set(best[1:-1]) == {"T", "W"}  # its ends may be others that weigh the same
        got = problem.oracle.evaluate([problem.decode(best)], [0], rng=RNG).values[0, 0]
        assert got == pytest.approx(problem.info.objectives[0].optimum, abs=1e-9)


class TestEhrlich:
    def function(self) -> EhrlichFunction:
        """Motifs ACD with offsets 0 1 3 and EFG with offsets 0 2 3; only A -> E is impossible."""
        transition = np.full((20, 20), 0.05)
        transition[0, 3] = 0
        motifs, offsets = np.array([[0, 1, 2], [3, 4, 5]]), np.array([[0, 1, 3], [0, 2, 3]])
        return EhrlichFunction(transition, motifs, offsets, 3)

    def value(self, function: EhrlichFunction, design: str) -> float:
        codes = np.array([[LETTERS.index(a) for a in design]])
        return float(function.quality(codes).prod())

    def test_closed_form(self) -> None:
        f = self.function()
        assert self.value(f, "ACKDEKFG") == 1.0
        assert self.value(f, "ACKDEKFK") == pytest.approx(2 / 3)
        assert self.value(f, "ACKKEKFK") == pytest.approx(2 / 3 * 2 / 3)
        assert self.value(f, "ACKDKKKK") == 0.0
        assert self.value(f, "KKKKACKD") == 0.0  # the second motif has no element anywhere

    def test_quantization_rounds_down(self) -> None:
        transition = np.full((20, 20), 0.05)
        f = EhrlichFunction(transition, np.array([[0, 1, 2, 3]]), np.array([[0, 1, 2, 3]]), 2)
        assert [self.value(f, d) for d in ("KKKKK", "AKKKK", "ACKKK", "ACDKK", "ACDEK")] == [0, 0, 0.5, 0.5, 1]

    def test_levels_are_holos(self) -> None:
        """holo: credit in steps of ceil(k / quantization); 3 for 4 elements gives 2 levels, 3 for 5 is refused here."""
        one, two = Ehrlich(15, 2, 4, 3, 0), Ehrlich(15, 2, 4, 2, 0)
        assert (one.info.facts["levels"], two.info.facts["levels"]) == (2, 2)
        assert Ehrlich(15, 2, 4, 4, 0).info.facts["levels"] == 4
        designs = [one.decode(t) for t in one.library(200, rng=rng_for(0, "library"))]
        np.testing.assert_array_equal(
            one.oracle.evaluate(designs, [0] * 200, rng=RNG).values,
            two.oracle.evaluate(designs, [0] * 200, rng=RNG).values,
        )
        with pytest.raises(InvalidSpec, match="quantization"):
            Ehrlich(15, 2, 5, 3, 0)

    def test_invalid_counts_as_zero(self) -> None:
        assert load("protein/ehrlich").info.facts["invalid_value"] == 0.0

    def test_infeasible_names_pair_and_position(self) -> None:
        problem = Ehrlich(15, 2, 4, 4, 0)
        a, b = map(int, np.argwhere(problem.function.transition == 0)[0])
        design = LETTERS[a] * 7 + LETTERS[b] * 8
        answer = problem.oracle.evaluate([design, LETTERS[a] * 15], [0, 0], rng=RNG)
        assert answer.valid.tolist() == [False, True]
        assert answer.reason[0] == (f"infeasible: {LETTERS[a]} cannot be followed by {LETTERS[b]} (positions 7 and 8)")

    @pytest.mark.parametrize("instance", range(25))
    @pytest.mark.parametrize("size", [(15, 2, 4, 4), (32, 4, 4, 2), (8, 4, 2, 1), (64, 8, 8, 8), (30, 2, 5, 5)])
    def test_optimal_solution_is_feasible_and_worth_one(self, size: tuple[int, int, int, int], instance: int) -> None:
        problem = Ehrlich(*size, instance)
        best = problem.optimal_solution(size[0])
        assert problem.decode(best) == best
        answer = problem.oracle.evaluate([best], [0], rng=RNG)
        assert answer.reason == ("",)
        assert answer.values[0, 0] == 1.0 == problem.info.objectives[0].optimum

    def test_no_design_exceeds_one_and_levels_are_quantised(self) -> None:
        problem = load("protein/ehrlich", quantization=2)
        designs = [problem.decode(t) for t in problem.library(500, rng=rng_for(0, "library"))]
        answer = problem.oracle.evaluate(designs, [0] * 500, rng=RNG)
        assert answer.valid.all(), "walks of the chain are feasible"
        assert {round(q, 9) for d in answer.details for q in d["motif_quality"]} <= {0.0, 0.5, 1.0}
        assert len(set(answer.values[:, 0].tolist())) > 1

    def test_instances_differ_and_repeat(self) -> None:
        one, again, other = (random_function(15, 2, 4, 4, i) for i in (0, 0, 1))
        np.testing.assert_array_equal(one.transition, again.transition)
        assert not np.array_equal(one.transition, other.transition)

    def test_the_chain_is_ergodic_with_impossible_steps(self) -> None:
        for seed in range(20):
            transition = random_transition(rng_for(seed, "chain"))
            np.testing.assert_allclose(transition.sum(1), 1)
            assert (np.diag(transition) > 0).all()
            assert 0 < (transition == 0).sum() <= 20 * 3
            share = stationary(transition)
            np.testing.assert_allclose(share @ transition, share, atol=1e-12)

    def test_walks_follow_the_chain(self) -> None:
        transition = random_transition(rng_for(3, "chain"))
        codes = walks(transition, stationary(transition), 4000, 6, rng_for(0, "walk"))
        seen = np.zeros((20, 20))
        np.add.at(seen, (codes[:, :-1].ravel(), codes[:, 1:].ravel()), 1)
        assert (seen[transition == 0] == 0).all()
        expected = stationary(transition)[:, None] * transition
        np.testing.assert_allclose(seen / seen.sum(), expected, atol=0.005)

    @pytest.mark.parametrize(
        ("size", "message"),
        [
            ((15, 4, 4, 4), "4 x 4 > 15"),
            ((15, 2, 4, 3), None),
            ((15, 2, 4, 5), r"\[1, 2, 3, 4\]"),
            ((15, 2, 5, 2), r"among \[1, 5\]"),
        ],
    )
    def test_impossible_sizes(self, size: tuple[int, int, int, int], message: str | None) -> None:
        if message is None:
            assert Ehrlich(*size, 0).info.objectives[0].optimum == 1.0
            return
        with pytest.raises(InvalidSpec, match=message):
            Ehrlich(*size, 0)

    def test_agrees_with_pytorch_holo(self) -> None:
        """Values frozen by scripts/protein_ehrlich_reference.py from pytorch-holo 0.0.5."""
        cases = json.loads((HERE / "ehrlich_reference.json").read_text())["cases"]
        assert len(cases) >= 6
        for case in cases:
            transition = np.where(np.array(case["possible"], dtype=bool), 1.0, 0.0)
            offsets = np.array([np.r_[0, np.cumsum(s)] for s in case["spacings"]])
            function = EhrlichFunction(transition, np.array(case["motifs"]), offsets, case["quantization"])
            codes = np.array(case["sequences"])
            feasible = ~function.impossible(codes).any(1)
            assert feasible.tolist() == [v is not None for v in case["values"]]
            wanted = [v for v in case["values"] if v is not None]
            np.testing.assert_allclose(function.quality(codes).prod(1)[feasible], wanted, atol=1e-6)
            np.testing.assert_array_equal(function.solution(codes.shape[1]), case["optimal"])


class TestLandscape:
    def test_lookup_optimum_and_facts(self, small_table: Path) -> None:
        problem = Landscape(str(small_table), wild_type="vd", positions="39, 40")
        answer = problem.oracle.evaluate(["AC", "AA", "YW"], [0, 0, 0], rng=RNG)
        assert answer.values[0, 0] == 0.0  # a measured zero is a value
        assert answer.valid.tolist() == [True, False, True]
        assert np.isnan(answer.values[1, 0])
        assert answer.reason[1] == "not in the table"
        objective, facts = problem.info.objectives[0], problem.info.facts
        assert (objective.name, objective.direction) == ("fitness", "maximise")
        assert objective.optimum == answer.values[2, 0] == max(problem.oracle.values.values())  # type: ignore[attr-defined]
        assert (facts["measured"], facts["space"], facts["wild_type"]) == (342, 400, "VD")
        assert facts["positions"] == [39, 40]

    def test_render_names_mutations(self, small_table: Path) -> None:
        problem = Landscape(str(small_table), wild_type="VD", positions="39,40")
        assert b"mutations: D40W\n" in problem.render("VW", {})[0].data
        assert b"none (the wild type)" in problem.render("VD", {})[0].data
        assert b"mutations" not in Landscape(str(small_table)).render("VW", {})[0].data

    def test_library_keeps_the_wild_type_at_three_in_ten(self, small_table: Path) -> None:
        problem = Landscape(str(small_table), wild_type="WW")
        texts = problem.library(20_000, rng=rng_for(5, "library"))
        background = rng_for(5, "library").dirichlet(np.full(20, 3.0))
        for position in (0, 1):
            share = np.mean([t[position] == "W" for t in texts])
            assert share == pytest.approx(0.3 + 0.7 * background[LETTERS.index("W")], abs=0.012)
            share = np.mean([t[position] == "L" for t in texts])
            assert share == pytest.approx(0.7 * background[LETTERS.index("L")], abs=0.012)

    def test_library_without_wild_type_is_the_background(self, small_table: Path) -> None:
        texts = Landscape(str(small_table)).library(20_000, rng=rng_for(6, "library"))
        background = rng_for(6, "library").dirichlet(np.full(20, 3.0))
        share = [np.mean([t[0] == a for t in texts]) for a in LETTERS]
        np.testing.assert_allclose(share, background, atol=0.012)

    def test_wrong_wild_types_and_positions(self, small_table: Path) -> None:
        with pytest.raises(
            InvalidTable, match=r"as long as the wild type 'VDG' \(3 residues\), got 2 residues in column"
        ):
            Landscape(str(small_table), wild_type="VDG")
        with pytest.raises(InvalidSpec, match=r"'X' at position 2"):
            Landscape(str(small_table), wild_type="VX")
        for positions in ("39", "39,39", "39,forty"):
            with pytest.raises(InvalidInput, match=r"39"):
                Landscape(str(small_table), wild_type="VD", positions=positions)


@pytest.mark.parametrize(("values", "stated"), [((0.0, 2.5), {"invalid_value": 0.0}), ((-0.1, 2.5), {})])
def test_unmeasured_counts_as_zero_where_nothing_is_below(
    tmp_path: Path, values: tuple[float, float], stated: dict[str, float]
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"variant,value\nAA,{values[0]}\nCA,{values[1]}\n")
    facts = load("protein/landscape", table=str(table)).info.facts
    assert {k: v for k, v in facts.items() if k == "invalid_value"} == stated
