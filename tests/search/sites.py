"""A small problem of a few sites with a known table, for searches that take a second."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poets_core.errors import InvalidDesign
from poets_core.search.registry import build_search
from poets_core.spec import RunSpec, parse_spec
from poets_core.types import Evaluation, Objective, Observation, ProblemInfo
from tests.lm.tiny import ThreeLetters


class Sites:
    """Designs are words of `length` letters; the value is additive with one interaction."""

    def __init__(self, letters="ACDEFGHI", length=3, prompts=("",), hole="", given=()):
        self.given = tuple(given)
        rng = np.random.default_rng(11)
        self.letters, self.length, self.prompts, self.hole = letters, length, prompts, hole
        effects = rng.normal(size=(length, len(letters)))
        words = ["".join(w) for w in itertools.product(letters, repeat=length)]
        index = np.array([[letters.index(c) for c in w] for w in words])
        values = effects[np.arange(length), index].sum(1) + 1.5 * (index[:, 0] == index[:, -1])
        self.table = dict(zip(words, values.tolist(), strict=True))
        self.oracle = self
        best = float(values.max())
        self.info = ProblemInfo("test/sites", "protein", "Sites", (Objective("value", "", optimum=best),), max_tokens=3)

    def decode(self, text):
        if text not in self.table or (self.hole and text.startswith(self.hole)):
            raise InvalidDesign(f"Expected {self.length} letters of {self.letters}, got {text!r}.")
        return text

    def encode(self, design):
        return design

    def mask(self, vocabulary):
        return None if self.hole else ThreeLetters(vocabulary, self.length)

    def edit(self, elites: Sequence[str], n: int, *, rng: np.random.Generator):
        out = []
        for _ in range(n):
            word = list(elites[rng.integers(len(elites))])
            word[rng.integers(self.length)] = self.letters[rng.integers(len(self.letters))]
            out.append("".join(word))
        return out

    def library(self, n, *, rng):
        return ["".join(w) for w in np.array(list(self.letters))[rng.integers(0, len(self.letters), (n, self.length))]]

    def render(self, design, details):
        return []

    def export(self, records, format):
        return b""

    def read_export(self, data, format):
        return []

    def evaluate(self, designs, prompts, *, rng):
        values = np.array([[self.table[d]] for d in designs])
        n = len(designs)
        return Evaluation(values, np.zeros_like(values), np.ones(n, dtype=bool), ("",) * n, ({},) * n)


def spec(seed=0, trunk="auto", **search) -> RunSpec:
    """A quick spec; keyword arguments go to the search, but for the features of the small backbone."""
    quick = {"branches": 4, "steps": 15, "pool": 6, "minibatch": 16}
    return parse_spec(
        {
            "problem": {"name": "test/sites"},
            "seed": seed,
            "backbone": {"branch_from": 0, "steps": 20, "width": 16, "features": trunk},
            "search": quick | search,
        }
    )


def build(folder: Path, problem=None, **search):
    """Build a search in a folder."""
    return build_search(problem or Sites(), spec(**search), backbone="library", workspace=folder)


def play(search, problem, rounds, batch=12):
    """Run whole rounds; return [(candidates, observations)] and the reports."""
    history, reports = [], []
    for _ in range(rounds):
        candidates = search.ask(batch)
        observations = [
            Observation(c.id, (problem.table[c.design],), (0.0,), True, "")
            if c.design
            else Observation(c.id, (float("nan"),), (0.0,), False, c.reason)
            for c in candidates
        ]
        search.tell(candidates, observations)
        reports.append(search.update())
        history.append((candidates, observations))
    return history, reports
