"""What every `poets_core.protocols.Problem` owes, as one class to inherit.

    class TestLandscape(ProblemContract):
        bad_texts = ("", "V1GV")

        @pytest.fixture(scope="class")
        @classmethod
        def problem(cls): ...

Texts are spelled letter by letter, or word by word where the library's texts
hold spaces; override `spelling` for another vocabulary.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from domains.catalog import export_of
from poets_core.errors import InvalidDesign, InvalidInput
from poets_core.keyed import rng_for
from poets_core.protocols import Problem, TokenMask
from poets_core.types import Artifact, Record, Vocabulary

SPECIAL = ("", "", "")  # <pad>, <bos>, <eos>, as a grammar sees them
EOS = 2


@dataclass(frozen=True)
class Spelling:
    """A vocabulary, and how texts are written in it."""

    vocabulary: Vocabulary
    joint: str

    def ids(self, text: str) -> list[int]:
        """Return the token ids of a text, end token included."""
        pieces = text.split() if self.joint else list(text)
        return [*(self.vocabulary.tokens.index(p) for p in pieces), self.vocabulary.eos]

    def text(self, ids: list[int]) -> str:
        """Return the text of token ids, the end token left out."""
        return self.joint.join(self.vocabulary.tokens[i] for i in ids if i != self.vocabulary.eos)


def spelling_of(texts: list[str]) -> Spelling:
    """Return a vocabulary over all pieces of the texts, with one stray token no grammar should allow."""
    joint = " " if any(" " in t for t in texts) else ""
    pieces = sorted({p for t in texts for p in (t.split() if joint else t)})
    return Spelling(Vocabulary(tokens=(*SPECIAL, *pieces, "\N{SNOWMAN}"), eos=EOS), joint)


def accepts(mask: TokenMask, ids: list[int]) -> bool:
    """Return whether every token is allowed in its state, walking one row."""
    state = mask.start(1)
    for token in ids:
        if not mask.allowed(state)[0, token]:
            return False
        state = mask.advance(state, np.array([token]))
    return True


def wander(mask: TokenMask, spelling: Spelling, rng: np.random.Generator) -> list[int]:
    """Draw allowed tokens uniformly until the end token."""
    state, ids = mask.start(1), []
    for _ in range(mask.max_tokens):
        choices = np.flatnonzero(mask.allowed(state)[0])
        assert len(choices), f"a dead end after {spelling.text(ids)!r}"
        token = int(rng.choice(choices))
        ids.append(token)
        if token == spelling.vocabulary.eos:
            return ids
        state = mask.advance(state, np.array([token]))
    raise AssertionError(f"no end token within max_tokens={mask.max_tokens}: {spelling.text(ids)!r}")


class ProblemContract:
    """Inherit, and define the fixture `problem`; class attributes tune the rest."""

    bad_texts: tuple[str, ...] = ("",)
    noisy: bool = False
    n: int = 24

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> Problem:
        raise NotImplementedError("Define the fixture `problem`.")

    @pytest.fixture(scope="class")
    @classmethod
    def texts(cls, problem: Problem) -> list[str]:
        return problem.library(200, rng=rng_for(0, "contract library"))

    @pytest.fixture(scope="class")
    @classmethod
    def designs(cls, problem: Problem, texts: list[str]) -> list[str]:
        return list(dict.fromkeys(problem.decode(t) for t in texts))[: cls.n]

    @pytest.fixture(scope="class")
    @classmethod
    def spelling(cls, texts: list[str]) -> Spelling:
        return spelling_of(texts)

    def test_info_is_complete_and_json(self, problem: Problem) -> None:
        info = problem.info
        assert info.name.startswith(f"{info.domain}/")
        assert info.title
        assert info.objectives
        assert info.export_formats
        assert info.chunk >= 1
        assert info.max_tokens >= 1
        assert problem.prompts
        assert json.loads(json.dumps(dict(info.facts), allow_nan=False)) == dict(info.facts)
        for o in info.objectives:
            assert o.optimum is None or o.optimum_source, "a stated optimum says where it is from"

    def test_library_decodes_and_follows_its_generator(self, problem: Problem, texts: list[str]) -> None:
        assert len(texts) == 200
        assert texts == problem.library(200, rng=rng_for(0, "contract library"))
        assert texts != problem.library(200, rng=rng_for(1, "contract library"))
        assert len(set(texts)) > 1
        for text in texts:
            problem.decode(text)

    def test_decode_is_idempotent(self, problem: Problem, texts: list[str]) -> None:
        for text in texts:
            design = problem.decode(text)
            assert problem.decode(problem.encode(design)) == design
            assert problem.encode(problem.decode(problem.encode(design))) == problem.encode(design)

    def test_bad_texts_are_refused_with_a_message(self, problem: Problem) -> None:
        for text in self.bad_texts:
            with pytest.raises(InvalidDesign, match=r"\w{3}"):
                problem.decode(text)

    def test_mask_accepts_every_canonical_text(self, problem: Problem, designs: list[str], spelling: Spelling) -> None:
        mask = problem.mask(spelling.vocabulary)
        assert mask is not None
        for design in designs:
            ids = spelling.ids(problem.encode(design))
            assert accepts(mask, ids), design
            assert len(ids) <= mask.max_tokens

    def test_everything_the_mask_allows_decodes(self, problem: Problem, spelling: Spelling) -> None:
        mask = problem.mask(spelling.vocabulary)
        assert mask is not None
        for i in range(60):
            problem.decode(spelling.text(wander(mask, spelling, rng_for(i, "wander"))))

    def test_mask_is_batched_and_never_allows_foreign_tokens(
        self, problem: Problem, designs: list[str], spelling: Spelling
    ) -> None:
        mask = problem.mask(spelling.vocabulary)
        assert mask is not None
        rows = [spelling.ids(problem.encode(d)) for d in designs[:4]]
        together, alone = mask.start(len(rows)), [mask.start(1) for _ in rows]
        assert together.shape == (len(rows),)
        assert together.dtype == np.int64
        for t in range(min(map(len, rows)) - 1):
            allowed = mask.allowed(together)
            assert allowed.dtype == np.bool_
            assert allowed.shape == (len(rows), len(spelling.vocabulary.tokens))
            assert not allowed[:, :EOS].any(), "padding or <bos> is allowed"
            assert not allowed[:, -1].any(), "a token outside the language is allowed"
            for i, ids in enumerate(rows):
                assert np.array_equal(allowed[i], mask.allowed(alone[i])[0])
                alone[i] = mask.advance(alone[i], np.array([ids[t]]))
            together = mask.advance(together, np.array([ids[t] for ids in rows]))

    def test_a_refused_token_leads_to_a_dead_state(self, problem: Problem, spelling: Spelling) -> None:
        mask = problem.mask(spelling.vocabulary)
        assert mask is not None
        dead = mask.advance(mask.start(2), np.array([0, len(spelling.vocabulary.tokens) - 1]))
        assert not mask.allowed(dead).any()
        assert not mask.allowed(mask.advance(dead, np.array([EOS, EOS]))).any()

    def test_edits_are_canonical_new_and_follow_their_generator(
        self, problem: Problem, designs: list[str], spelling: Spelling
    ) -> None:
        mask = problem.mask(spelling.vocabulary)
        for elites in (designs, designs[:1]):
            edits = problem.edit(elites, 40, rng=rng_for(0, "contract edit"))
            assert len(edits) == 40
            assert edits == problem.edit(elites, 40, rng=rng_for(0, "contract edit"))
            assert set(edits) - set(elites), "no edit changed anything"
            for design in edits:
                assert problem.decode(problem.encode(design)) == design
                pieces = problem.encode(design).split() if spelling.joint else problem.encode(design)
                if mask is not None and all(p in spelling.vocabulary.tokens for p in pieces):
                    assert accepts(mask, spelling.ids(problem.encode(design))), design
        assert problem.edit(designs, 0, rng=rng_for(0, "contract edit")) == []

    def test_oracle_answers_in_order_and_follows_its_generator(self, problem: Problem, designs: list[str]) -> None:
        first = problem.oracle.evaluate(designs, [0] * len(designs), rng=rng_for(0, "contract oracle"))
        again = problem.oracle.evaluate(designs, [0] * len(designs), rng=rng_for(0, "contract oracle"))
        assert first.values.shape == (len(designs), len(problem.info.objectives))
        assert first.valid.any(), "no library design is valid"
        np.testing.assert_array_equal(first.values, again.values)
        assert np.isnan(first.values[~first.valid]).all()
        assert [r == "" for r in first.reason] == first.valid.tolist()
        json.dumps([dict(d) for d in first.details], allow_nan=False)
        if not self.noisy:
            back = problem.oracle.evaluate(designs[::-1], [0] * len(designs), rng=rng_for(1, "contract oracle"))
            np.testing.assert_allclose(back.values[::-1], first.values, rtol=1e-9, atol=1e-12)
            assert (first.std[first.valid] == 0).all()
        for column, objective in enumerate(problem.info.objectives):
            if objective.optimum is not None and not self.noisy:
                sign = 1 if objective.direction == "maximise" else -1
                assert np.nanmax(sign * first.values[:, column]) <= sign * objective.optimum + 1e-9

    def test_oracle_answers_nothing_with_nothing(self, problem: Problem) -> None:
        answer = problem.oracle.evaluate([], [], rng=rng_for(0, "contract oracle"))
        assert answer.values.shape == (0, len(problem.info.objectives))

    def test_render_makes_files_for_people(self, problem: Problem, designs: list[str]) -> None:
        details = problem.oracle.evaluate(designs[:1], [0], rng=rng_for(0, "contract oracle")).details[0]
        for given in ({}, details):
            drawn = problem.render(designs[0], given)
            assert drawn
            for artifact in drawn:
                assert isinstance(artifact, Artifact)
                assert artifact.data
                assert "/" in artifact.media_type

    def test_exports_reload_equal(self, problem: Problem, designs: list[str]) -> None:
        values = rng_for(0, "contract export").standard_normal(len(designs)) / 3
        details = problem.oracle.evaluate(designs, [0] * len(designs), rng=rng_for(0, "contract oracle")).details
        records = [
            Record(f"{i // 5}-{i % 5}", d, float(v), {"round": i // 5, "branch": i % 3, "source": "edit", **details[i]})
            for i, (d, v) in enumerate(zip(designs, values, strict=True))
        ]
        for name in problem.info.export_formats:
            reads_back = export_of(problem.info.name, name).reads_back
            for some in (records, records[:1], []):
                data = problem.export(some, name)
                if not reads_back:
                    with pytest.raises(InvalidInput, match=name):
                        problem.read_export(data, name)
                    continue
                read = problem.read_export(data, name)
                assert [(r.id, r.design, r.value) for r in read] == [(r.id, r.design, r.value) for r in some], name
