"""The catalog's two problems: the contract, rewards, edits, prior, backbone."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from domains.catalog import backbones, entry, load
from domains.quantum.artificial import Artificial7q
from domains.quantum.circuit import G2, count_two, parse, text_of
from domains.quantum.edits import _copy, _mirror, edit_circuits
from domains.quantum.problem import CircuitProblem
from domains.quantum.tfim import Tfim6
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.types import Vocabulary
from tests.contracts.problem_contract import ProblemContract, Spelling
from tests.domains.quantum.circuits import FIXED, FREELY
from tests.domains.quantum.test_grammar import WORDS

NOBODY = rng_for(0, "unused")


class CircuitContract(ProblemContract):
    @pytest.fixture(scope="class")
    @classmethod
    def spelling(cls) -> Spelling:
        return Spelling(Vocabulary((*WORDS, "\N{SNOWMAN}"), eos=2), " ")


class TestArtificial(CircuitContract):
    bad_texts = ("", "ry 0 a*", "cx 0 0", "h 7", "h 0 " * 21)

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return Artificial7q()


class TestTfim(CircuitContract):
    bad_texts = ("", "ry 0 a3", "cx 0 2", "h 6", "cx 0 1 " * 11, "qc.ry(1, 0) import os")
    n = 12

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return Tfim6(iterations=20)


class TestGapReward(CircuitContract):
    bad_texts = ("",)
    n = 6

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return Tfim6(max_cx=1, iterations=10, reward="gap")


@pytest.mark.parametrize("name", ["quantum/artificial-7q", "quantum/tfim-6"])
def test_catalog_and_problem_agree(name: str) -> None:
    problem, listed = load(name), entry(name)
    assert problem.info.name == name
    assert (problem.info.title, problem.info.domain) == (listed.title, listed.domain)
    assert (problem.info.objectives[0].name, problem.info.objectives[0].unit) == (listed.objective, listed.unit)


def test_artificial_reward_is_minus_the_energy() -> None:
    problem = Artificial7q()
    # |0..0> gives -1 from -Z6, +1 from +Z5, -1 from -Z2 Z1 and -1 from -Z5 Z4.
    answer = problem.oracle.evaluate(["rz 0 a0", "nonsense", "x 5"], [0, 0, 0], rng=NOBODY)
    assert answer.values[[0, 2], 0].tolist() == pytest.approx([2.0, 2.0])
    assert answer.valid.tolist() == [True, False, True]
    assert np.isnan(answer.values[1, 0])
    assert "gate" in answer.reason[1]
    assert problem.info.objectives[0].optimum == pytest.approx(6.920810, abs=1e-6)


def test_one_entangler_beats_the_product_bound() -> None:
    problem = Artificial7q()
    local = "x 5 rx 3 a24"
    product = problem.oracle.evaluate([problem.decode(f"{local} h 4 h 0 h 2 h 1")], [0], rng=NOBODY).values[0, 0]
    bell = problem.oracle.evaluate([problem.decode(f"{local} h 4 h 0 h 2 cx 2 1")], [0], rng=NOBODY).values[0, 0]
    assert bell > product + 0.9


def test_tfim_details_hold_everything() -> None:
    problem = Tfim6()
    text = " ".join([*(f"ry {q} a*" for q in range(6)), *(f"cx {q} {q + 1} ry {q + 1} a*" for q in range(5))])
    answer = problem.oracle.evaluate([problem.decode(text)], [0], rng=NOBODY)
    details = answer.details[0]
    assert details["n_cx"] == 5
    assert details["depth"] == 11
    assert len(details["angles"]) == 11
    assert 0 < details["error"] < 0.1
    assert details["error"] == pytest.approx(details["energy"] - problem.info.facts["ground_energy"])


def test_an_unknown_reward_is_refused() -> None:
    with pytest.raises(InvalidSpec):
        Tfim6(reward="other")


def test_a_product_circuit_earns_nothing_and_entanglers_earn_more() -> None:
    problem = Tfim6()
    product = problem.decode(" ".join(f"ry {q} a*" for q in range(6)))
    turns = " ".join(f"ry {q} a*" for q in range(6))
    one = problem.decode(f"{turns} cx 2 3 ry 2 a* ry 3 a*")
    chain = problem.decode(turns + "".join(f" cx {q} {q + 1} ry {q} a* ry {q + 1} a*" for q in range(5)))
    low, middle, high = problem.oracle.evaluate([product, one, chain], [0, 0, 0], rng=NOBODY).values[:, 0]
    assert low == pytest.approx(0, abs=1e-3)
    assert low + 1e-3 < middle < high - 0.05


@pytest.mark.parametrize("language", [FIXED, FREELY])
def test_edits_stay_close_to_their_parents(language: object) -> None:
    language = FIXED if language is FIXED else FREELY
    parent = "h 0\ncx 0 1\nrx 2 a5\ncz 1 2\nt 3" if language is FIXED else "h 0\ncx 0 1\nrx 2 a*\ncz 1 2\nt 3"
    kept = []
    for child in edit_circuits([parent], 200, language, rng=rng_for(0, "edits")):
        ops = parse(child, language)
        assert count_two(ops) <= language.max_two
        kept.append(len(set(child.split("\n")) & set(parent.split("\n"))))
    assert np.mean(kept) >= 3  # of five lines; a mirrored or overwritten half keeps fewer
    children = edit_circuits([parent], 400, language, rng=rng_for(1, "edits"))
    assert parent not in children
    assert len(set(children)) > 60


def full_circuit() -> str:
    """Two brickwork layers of tfim-6 that use every CX allowed."""
    layer = [f"ry {q} a*" for q in range(6)] + [f"cz {q} {q + 1}" for q in (0, 2, 4, 1, 3)]
    return Tfim6().decode(" ".join([*layer, *layer]))


def test_edits_of_a_circuit_that_uses_its_budget_move_its_entanglers() -> None:
    language = Tfim6().language
    parent = full_circuit()
    pairs = Counter(op.qubits for op in parse(parent, language) if op.gate in G2)
    moved = 0
    for child in edit_circuits([parent], 200, language, rng=rng_for(0, "full")):
        ops = parse(child, language)
        here = Counter(op.qubits for op in ops if op.gate in G2)
        moved += here.total() == language.max_two and here != pairs
    assert moved > 30  # retargeting and replacing alone: 8


def test_a_mirrored_circuit_is_symmetric() -> None:
    language = Tfim6().language
    rng = rng_for(0, "mirror")
    for _ in range(20):
        ops = _mirror(parse("ry 0 a* cx 1 2 rx 4 a* cz 4 5", language), language, rng)
        halves = [{(op.gate, op.qubits) for op in ops if min(op.qubits) < 3}, set()]
        halves[1] = {(op.gate, tuple(5 - q for q in op.qubits)) for op in ops if min(op.qubits) >= 3}
        assert halves[0] == halves[1]
        assert halves[0] in ({("ry", (0,)), ("cx", (1, 2))}, {("rx", (1,)), ("cz", (1, 0))})


def test_a_copy_repeats_a_piece_elsewhere() -> None:
    language = Tfim6().language
    rng = rng_for(0, "copy")
    parent = parse("ry 0 a* cx 0 1 rx 1 a*", language)
    texts = {text_of(_copy(parent, language, rng)) for _ in range(300)}
    block = ("cx 1 2", "rx 2 a*")  # moved by one qubit
    assert any(all(line in text.split("\n") for line in block) for text in texts)
    assert any(all(line in text.split("\n") for line in ("cx 5 4", "rx 4 a*")) for text in texts)  # mirrored


def test_edits_climb() -> None:
    """A few generations of keeping the best edits improve on the prior."""
    problem = Artificial7q()
    rng = rng_for(0, "climb")
    pool = [problem.decode(t) for t in problem.library(64, rng=rng)]
    first = best = -np.inf
    for step in range(10):
        values = problem.oracle.evaluate(pool, [0] * len(pool), rng=rng).values[:, 0]
        order = np.argsort(-values)
        best = float(values[order[0]])
        first = best if step == 0 else first
        elites = [pool[k] for k in order[:8]]
        pool = [*elites, *problem.edit(elites, 56, rng=rng)]
    assert best > first + 0.5


def test_scoring_never_imports_qiskit_or_torch() -> None:
    code = (
        "import sys, numpy; from domains.catalog import load\n"
        "for name in ('quantum/artificial-7q', 'quantum/tfim-6'):\n"
        "    p, rng = load(name), numpy.random.default_rng(0)\n"
        "    t = [p.decode(x) for x in p.library(2, rng=rng)]\n"
        "    p.oracle.evaluate(t, [0, 0], rng=rng); p.edit(t, 2, rng=rng)\n"
        "print([m for m in ('qiskit', 'torch', 'transformers') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


FOLDER = backbones()["circuit"].folder


@pytest.mark.skipif(not (FOLDER / "model.safetensors").exists(), reason="the backbone is not trained yet")
def test_backbone_writes_circuits_of_both_problems() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = FOLDER
    assert (folder / "model.safetensors").stat().st_size < 4_000_000
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    words = [tokenizer.decode([k]) if k > 3 else "" for k in range(len(tokenizer))]
    vocabulary = Vocabulary(tuple(words), eos=tokenizer.eos_token_id)
    for problem in (Artificial7q(), Tfim6(iterations=0)):
        mask = problem.mask(vocabulary)
        assert mask is not None
        text = problem.library(1, rng=rng_for(3, "backbone"))[0]
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
        prompt = [tokenizer.bos_token_id, *tokenizer(problem.prompts[0])["input_ids"]]
        assert tokenizer.unk_token_id not in prompt
        rng, ids, state, outside = rng_for(0, "sample"), list(prompt), mask.start(1), []
        for _ in range(mask.max_tokens):
            with torch.no_grad():
                p = torch.softmax(model(torch.tensor([ids])).logits[0, -1].double(), 0).numpy()
            allowed = mask.allowed(state)[0]
            outside.append(float(p[~allowed].sum()))
            p = np.where(allowed, p, 0) / p[allowed].sum()
            token = int(rng.choice(len(p), p=p))
            if token == vocabulary.eos:
                break
            ids.append(token)
            state = mask.advance(state, np.array([token]))
        problem.decode(tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True))
        # The model has learned the grammar: little of its mass falls outside.
        assert np.mean(outside) < 0.1


def test_an_unreadable_circuit_counts_as_no_better_than_the_worst() -> None:
    problem = Artificial7q()
    lowest = -float(np.linalg.eigvalsh(problem.hamiltonian.matrix())[-1])
    assert problem.info.facts["invalid_value"] == -7.0
    assert -7.0 <= lowest < -6.9
