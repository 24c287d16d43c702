"""Constraints: the automaton accepts exactly what the sentences allow, by brute force; masks have no dead ends."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.protein.alphabet import LETTERS, codes_of, text_of
from domains.protein.automaton import TooLarge, build
from domains.protein.constraints import CHARGE, Constraints, read_alphabets, read_constraints
from domains.protein.letter_mask import LetterAutomaton, letter_mask
from domains.protein.motifs import Motif, read_motifs
from domains.protein.parent import Scaffold, parent_of
from domains.protein.replay import replay_of
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.types import Vocabulary
from tests.contracts.problem_contract import accepts

FEW = "NPSTCKDA"
CHARACTERS = Vocabulary(("", "", "", *LETTERS, "\N{SNOWMAN}"), 2)
MOTIFS = ("N{P}[ST]", "CC", "x(0,2)C", "<N", "K-x(1,2)-K", "D>", "[NS][NS]", "[^P]A", "<[KD]x>")


def scaffold_of(*chains: str, sites: tuple[int, ...]) -> Scaffold:
    parent = parent_of(list(zip("ABC", chains, strict=False)))
    return Scaffold(parent.sequence, tuple(str(i + 1) for i in sites), sites, parent.chains)


@st.composite
def campaigns(draw: st.DrawFn) -> Constraints:
    """Small proteins with every kind of constraint, in any mixture."""
    chains = draw(st.lists(st.text(alphabet=FEW, min_size=1, max_size=6), min_size=1, max_size=2))
    length = sum(map(len, chains))
    sites = tuple(sorted(draw(st.sets(st.integers(0, length - 1), min_size=1, max_size=3))))
    scaffold = scaffold_of(*chains, sites=sites)
    limit = st.none() | st.integers(-3, 3)
    kept = [m for m in read_motifs("[ST], [NS]-x, K", "") if any(m.places(c) for c in chains)]
    return Constraints(
        scaffold,
        tuple("".join(draw(st.sets(st.sampled_from(FEW), min_size=1))) for _ in sites),
        draw(st.none() | st.integers(1, 3)),
        draw(st.sampled_from(["", "C", "PK"])),
        read_motifs(" ".join(draw(st.sets(st.sampled_from(MOTIFS), max_size=3))), ""),
        tuple(draw(st.lists(st.sampled_from(kept), max_size=2, unique=True))) if kept else (),
        (draw(limit), draw(limit)),
    )


def accepted_by(automaton: LetterAutomaton, designs: list[str]) -> set[str]:
    codes = np.array([codes_of(d) for d in designs])
    return {d for d, fine in zip(designs, automaton.accepts(codes), strict=True) if fine}


@given(campaigns())
@settings(max_examples=300, deadline=None)
def test_the_automaton_accepts_exactly_what_breaks_nothing(constraints: Constraints) -> None:
    designs = ["".join(p) for p in itertools.product(FEW, repeat=len(constraints.scaffold.sites))]
    wanted = {d for d in designs if not constraints.broken(d)}
    if not wanted:
        with pytest.raises(InvalidSpec, match="none left once") as caught:
            constraints.automaton()
        assert caught.value.field.startswith("problem.params.")
        return
    automaton = constraints.automaton()
    assert accepted_by(automaton, designs) == wanted
    assert automaton.size == len(wanted)
    drawn = automaton.sample(np.ones((automaton.length, 20)), 20, rng=rng_for(0, "drawn"))
    assert {text_of(row) for row in drawn} <= wanted


@given(campaigns(), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_samples_are_the_prior_given_the_constraints(constraints: Constraints, seed: int) -> None:
    try:
        automaton = constraints.automaton()
    except InvalidSpec:
        return
    weights = rng_for(seed, "weights").uniform(0.1, 1, (automaton.length, 20))
    designs = ["".join(p) for p in itertools.product(FEW, repeat=automaton.length)]
    kept = sorted(accepted_by(automaton, designs))
    chance = np.array([np.prod(weights[np.arange(automaton.length), codes_of(d)]) for d in kept])
    drawn = [text_of(row) for row in automaton.sample(weights, 2000, rng=rng_for(seed, "drawn"))]
    share = np.array([drawn.count(d) for d in kept]) / 2000
    np.testing.assert_allclose(share, chance / chance.sum(), atol=0.07)


def as_regex(motif: str) -> str:
    """The same motif in another language, to compare with."""
    text = motif.replace("-", "").replace("{", "[^").replace("}", "]").replace("x", ".").replace("<", "^")
    return re.sub(r"\((\d+)(,\d+)?\)", lambda m: "{" + m[1] + (m[2] or "") + "}", text).replace(">", "$")


@given(st.sampled_from([*MOTIFS, "C-x(2)-[DE](1,2)", "{AC}(2)"]), st.text(alphabet=FEW + "E", max_size=10))
def test_motifs_are_those_of_regular_expressions(motif: str, chain: str) -> None:
    (found,) = read_motifs(motif, "")
    spans = {(at, at + len(form)) for at, form in found.places(chain)}
    wanted = {
        (i, j)
        for i, j in itertools.combinations(range(len(chain) + 1), 2)
        if re.fullmatch(as_regex(motif).strip("^$") if i or j < len(chain) else as_regex(motif), chain[i:j])
        and (i == 0 or not motif.startswith("<"))
        and (j == len(chain) or not motif.endswith(">"))
    }
    # `[^..]` of a regular expression takes any character; all of these are residues.
    assert spans == wanted


@pytest.mark.parametrize(
    "text", ["N{P", "B", "N(4,2)", "x(0,1)", "N{ACDEFGHIKLMNPQRSTVWY}", "x(101)", "[]", "(2)", "N x{P}1"]
)
def test_motifs_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InvalidSpec, match="Expected") as caught:
        read_motifs(text, "problem.params.forbid_motifs")
    assert caught.value.field == "problem.params.forbid_motifs"


def test_several_motifs_are_told_apart() -> None:
    names = [m.name for m in read_motifs(" N{P}[ST], C-x(2,4)-C;KDEL>\nRGD ", "")]
    assert names == ["N{P}[ST]", "C-x(2,4)-C", "KDEL>", "RGD"]
    assert isinstance(read_motifs("n-{p}-[st]", "")[0], Motif)
    assert read_motifs("", "") == ()


PROTEIN = scaffold_of("MKNATCCDEW", sites=(1, 3, 4, 6))  # K2 A4 T5 C7


@pytest.mark.parametrize(
    ("params", "design", "said"),
    [
        ({"alphabets": "2: KR"}, "AATC", "one of KR at site 2, got A"),
        ({"never": "C"}, "KCTC", "no mutation to C, got C at site 4"),
        ({"max_mutations": 2}, "RVSC", "at most 2 mutations.* got 3: K2R A4V T5S"),
        ({"forbid_motifs": "N{P}[ST]"}, "KATC", r"no motif N\{P\}\[ST\], got NAT at residue 3"),
        ({"keep_motifs": "N{P}[ST]"}, "KPTC", "to stay at residue 3, got NPT"),
        ({"charge_min": "0"}, "AATC", "net charge of at least [+]0, got -2"),
        ({"charge_min": "-1", "charge_max": "1"}, "AATC", "from -1 to [+]1, got -2"),
        ({"charge_max": "-3"}, "KATC", "at most -3, got -1"),
    ],
)
def test_what_is_broken_is_named(params: dict[str, Any], design: str, said: str) -> None:
    constraints = read_constraints(PROTEIN, **params)
    assert re.search(said, constraints.broken(design)), constraints.broken(design)
    assert not constraints.automaton().accepts(codes_of(design)[None])[0]


def test_a_letter_of_the_parent_may_stay_and_notes_say_what_cannot_change() -> None:
    assert read_constraints(PROTEIN, never="C").broken("KATC") == ""
    constraints = read_constraints(PROTEIN, forbid_motifs="DE, N{P}[ST]")
    left, parent = constraints.notes()
    assert "DE stands at residue 8" in left
    assert "parent itself does not hold" in parent
    assert constraints.broken("KPTC") == ""


def test_alphabets_as_people_write_them() -> None:
    def read(text: str) -> tuple[str, ...]:
        return read_alphabets(text, PROTEIN)

    assert read("") == (LETTERS,) * 4
    assert read("2: avli; 7=C") == ("AILV", LETTERS, LETTERS, "C")
    assert read("2: AVLI, T5: !CP\nall: {W}") == (
        "AILV",
        LETTERS.replace("W", ""),
        "ADEFGHIKLMNQRSTVWY",
        LETTERS.replace("W", ""),
    )
    assert read("4-5: [DE]; 7: *") == (LETTERS, "DE", "DE", LETTERS)
    for text, said in (
        ("3: A", "site among 2, 4, 5, 7, got 3"),
        ("2: AB", "'2: AB'"),
        ("AVLI", "'AVLI'"),
        ("2: A; 2: V", "two for 2"),
    ):
        with pytest.raises(InvalidSpec, match=said) as caught:
            read(text)
        assert caught.value.field == "problem.params.alphabets"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"alphabets": "2: C", "never": "C"}, "never"),
        ({"alphabets": "2: A; 4: P; 5: C", "max_mutations": 2}, "max_mutations"),
        ({"alphabets": "all: P", "keep_motifs": "N{P}[ST]"}, "keep_motifs"),
        ({"alphabets": "2: K; 4: A; 5: T", "forbid_motifs": "NAT"}, "forbid_motifs"),
        ({"charge_min": "9"}, "charge_min"),
        ({"charge_min": "x"}, "charge_min"),
        ({"keep_motifs": "WWW"}, "keep_motifs"),
        ({"never": "Z"}, "never"),
    ],
)
def test_constraints_that_leave_nothing_are_refused_beside_the_field(params: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSpec, match="Expected") as caught:
        read_constraints(PROTEIN, **params).automaton()
    assert caught.value.field == f"problem.params.{field}"


def test_without_a_parent_nothing_is_counted_against_it() -> None:
    bare = Scaffold("XX", ("1", "2"), (0, 1), parent_of([("A", "XX")]).chains)
    assert read_constraints(bare, never="C").broken("AC") == "Expected no mutation to C, got C at site 2."
    for params in ({"max_mutations": 1}, {"forbid_motifs": "CC"}, {"charge_min": "0"}):
        with pytest.raises(InvalidSpec, match="Expected a parent"):
            read_constraints(bare, **params)  # type: ignore[arg-type]


def random_protein(length: int) -> str:
    return text_of(rng_for(7, "protein").integers(0, 20, length))


def test_states_depend_on_the_sites_not_on_the_length() -> None:
    sites = (10, 11, 12, 50, 51)
    params = {"max_mutations": 3, "never": "C", "forbid_motifs": "N{P}[ST], C-x(2)-C", "charge_min": "-400"}
    short = read_constraints(scaffold_of(random_protein(60), sites=sites), **params).automaton()  # type: ignore[arg-type]
    long = read_constraints(scaffold_of(random_protein(1273), sites=sites), **params).automaton()  # type: ignore[arg-type]
    assert len(short.table) == len(long.table) < 60
    # A constraint that cannot bind leaves a plain product: one state a site.
    assert len(read_constraints(scaffold_of(random_protein(60), sites=sites), charge_min="-400").automaton().table) == 7


def test_a_whole_protein_may_vary_and_too_much_is_refused() -> None:
    protein = random_protein(238)
    scaffold = scaffold_of(protein, sites=tuple(range(238)))
    net = sum(CHARGE.get(a, 0) for a in protein)
    found = read_constraints(
        scaffold, max_mutations=8, never="C", forbid_motifs="N{P}[ST]", charge_min=str(net - 3), charge_max=str(net + 3)
    )
    drawn = found.automaton().sample(np.ones((238, 20)), 50, rng=rng_for(0, "drawn"))
    assert all(found.broken(text_of(row)) == "" for row in drawn)
    wide = read_constraints(scaffold, forbid_motifs="A-x(40)-A-x(0,9)-A")
    with pytest.raises(TooLarge):
        build(wide.rules())
    with pytest.raises(InvalidSpec, match="motifs at site") as caught:
        wide.automaton()
    assert caught.value.field == "problem.params.forbid_motifs"


pieces = st.sampled_from(
    [(*LETTERS,), (*LETTERS, "NA", "CCC", "PST"), tuple(FEW), ("NP", "ST", "A", "K"), ("N", "NP", "S"), ("W",), ()]
)


def languages(mask: Any, vocabulary: Vocabulary) -> set[tuple[int, ...]]:
    """Every token string that a mask lets through; fails at a dead end."""
    out: set[tuple[int, ...]] = set()

    def follow(state: Any, ids: tuple[int, ...]) -> None:
        (allowed,) = mask.allowed(state)
        assert allowed.any(), "a dead end"
        for token in np.flatnonzero(allowed).tolist():
            if token == vocabulary.eos:
                out.add(ids)
            else:
                follow(mask.advance(state, np.array([token])), (*ids, token))

    follow(mask.start(1), ())
    return out


def spellings(designs: set[str], vocabulary: Vocabulary) -> set[tuple[int, ...]]:
    """Every way to write a design in tokens."""

    def ways(rest: str) -> list[tuple[int, ...]]:
        if not rest:
            return [()]
        return [
            (i, *more)
            for i, t in enumerate(vocabulary.tokens)
            if t and rest.startswith(t)
            for more in ways(rest[len(t) :])
        ]

    return {w for d in designs for w in ways(d)}


@given(campaigns(), pieces, st.booleans())
@settings(max_examples=150, deadline=None)
def test_masks_write_all_that_is_accepted_and_nothing_else(
    constraints: Constraints, tokens: tuple[str, ...], replay: bool
) -> None:
    vocabulary = Vocabulary(("", "", "", *tokens, "\N{SNOWMAN}"), 2)
    designs = ["".join(p) for p in itertools.product(FEW, repeat=min(2, len(constraints.scaffold.sites)))]
    if replay:
        kept = set(designs[:: 1 + len(designs) // 9])
        automaton: LetterAutomaton = replay_of(kept)
    else:
        try:
            automaton = constraints.automaton()
        except InvalidSpec:
            return
        designs = ["".join(p) for p in itertools.product(FEW, repeat=automaton.length)]
        kept = accepted_by(automaton, designs)
    wanted = spellings(kept, vocabulary)
    mask = letter_mask(automaton, vocabulary)
    assert (mask is None) == (not wanted)
    if mask is not None:
        assert languages(mask, vocabulary) == wanted
        assert mask.max_tokens == automaton.length + 1
        dead = mask.advance(mask.start(2), np.array([0, len(vocabulary.tokens) - 1]))
        assert not mask.allowed(dead).any()


@given(st.sets(st.text(alphabet="ACDY", min_size=3, max_size=3), min_size=1), st.integers(0, 9))
def test_replay_accepts_the_set_alone(designs: set[str], seed: int) -> None:
    automaton = replay_of(designs)
    every = ["".join(p) for p in itertools.product("ACDY", repeat=3)]
    assert accepted_by(automaton, every) == designs
    assert automaton.size == len(designs)
    drawn = automaton.sample(np.ones((3, 20)), 50, rng=rng_for(seed, "drawn"))
    assert {text_of(row) for row in drawn} <= designs
    near = automaton.nearest(automaton.codes[0], 5)
    apart = (automaton.codes[near] != automaton.codes[0]).sum(1)
    assert 0 not in near
    assert (np.diff(apart) >= 0).all()


def test_large_tables_are_followed_quickly_and_in_little_memory() -> None:
    rng = rng_for(0, "variants")
    rows = np.tile(rng.integers(0, 20, 233), (51_000, 1))
    rows[np.arange(51_000)[:, None], rng.integers(0, 233, (51_000, 4))] = rng.integers(0, 20, (51_000, 4))
    automaton = replay_of(text_of(r) for r in rows)
    mask = letter_mask(automaton, CHARACTERS)
    assert mask is not None
    state = mask.start(300)
    for _ in range(233):
        allowed = mask.allowed(state)
        assert allowed.any(1).all()
        state = mask.advance(state, (allowed * rng.random(allowed.shape)).argmax(1))
    assert automaton.complete(state).all()
    assert sum(rows.nbytes for rows in automaton._firsts.values()) < 100 << 20
    assert accepts(mask, [CHARACTERS.tokens.index(a) for a in text_of(automaton.codes[99])] + [2])
