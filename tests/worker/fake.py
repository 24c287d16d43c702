"""A problem and a search without science: small, exact, and sensitive to every step of the loop.

The search's state depends on all that it was told, in order, so a log that
comes out equal shows that a resumed run told it the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poets_core.errors import InvalidDesign, InvalidInput
from poets_core.keyed import rng_for
from poets_core.protocols import Check
from poets_core.spec import RunSpec, parse_spec
from poets_core.types import (
    Artifact,
    Candidate,
    Evaluation,
    Given,
    Objective,
    Observation,
    ProblemInfo,
    Record,
    of_contest,
    of_given,
)
from poets_core.worker.science import Response, Science


class DigitsOracle:
    """Value: sum of the digits plus keyed noise; designs with a 9 are invalid."""

    def __init__(self, noise: float, seconds: float, log: Path | None) -> None:
        self.noise, self.seconds, self.log = noise, seconds, log
        self.fail_at: str | None = None

    def evaluate(self, designs: Sequence[str], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        time.sleep(self.seconds)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(" ".join(designs) + "\n")
        if self.fail_at is not None and self.fail_at in designs:
            raise InvalidInput("Expected the instrument to answer, got smoke.")
        valid = np.array(["9" not in d for d in designs])
        values = np.array([[float(sum(map(int, d)))] for d in designs]) + self.noise * rng.normal(
            size=(len(designs), 1)
        )
        values[~valid] = np.nan
        return Evaluation(
            values,
            np.full(values.shape, self.noise),
            valid,
            tuple("" if v else "contains a nine" for v in valid),
            tuple({"digits": len(d), "odd": float("nan")} for d in designs),
        )


class Digits:
    """Strings of four digits; text with an x does not decode."""

    prompts = ("",)

    def __init__(
        self,
        noise: float = 0.0,
        seconds: float = 0.0,
        log: Path | None = None,
        chunk: int = 3,
        given: int = 0,
        people: bool = False,
    ) -> None:
        self.given = tuple(Given(f"{1111 * k:04d}", 4.0 * k, details={"row": k + 2}) for k in range(given))
        self.info = ProblemInfo(
            "fake/digits", "fake", "Digits", (Objective("sum", "", "maximise", 32.0, "four eights"),),
            chunk=chunk, export_formats=("csv", "broken"), max_tokens=4, facts={"invalid_value": 0.0},
            answered_by="people" if people else "program",
        )  # fmt: skip
        self.oracle = DigitsOracle(noise, seconds, log)

    def decode(self, text: str) -> str:
        if not (len(text) == 4 and text.isdigit()):
            raise InvalidDesign(f"Expected four digits, got {text!r}.")
        return text

    def encode(self, design: str) -> str:
        return design

    def mask(self, vocabulary: object) -> None:
        return None

    def edit(self, elites: Sequence[str], n: int, *, rng: np.random.Generator) -> list[str]:
        return [str(elites[0])] * n

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        return ["".join(map(str, rng.integers(10, size=4))) for _ in range(n)]

    def render(self, design: str, details: Mapping[str, Any]) -> list[Artifact]:
        return []

    def export(self, records: Sequence[Record], format: str) -> bytes:
        lines = [f"{r.id},{r.design},{r.value!r}" for r in records]
        return "\n".join(lines[:-1] if format == "broken" else lines).encode()

    def read_export(self, data: bytes, format: str) -> list[Record]:
        rows = [line.split(",") for line in data.decode().splitlines()]
        return [Record(i, design, float(value)) for i, design, value in rows]


@dataclass(frozen=True)
class FakeReport:
    metrics: dict[str, Any]


class FakeSearch:
    """Proposes keyed digits near what its state remembers."""

    sampler: Any = None

    def __init__(
        self,
        spec: RunSpec,
        *,
        seconds: float = 0.0,
        exhausted_after: int | None = None,
        letters: str = "0123456789",
        gave: Sequence[Given] = (),
    ) -> None:
        self.gave = gave
        self.letters = letters  # what the ten digits are written as
        self.spec, self.seconds, self.exhausted_after = spec, seconds, exhausted_after
        self.round = 0
        self.facts: dict[str, Any] = {"source": "fake", "device": "cpu", "parameters": 4}
        self.memory = np.zeros(4)
        self.told: list[tuple[Sequence[Candidate], Sequence[Observation]]] = []
        self.fresh = 0  # of these, how many no update has seen

    def ask(self, n: int, *, spread: bool = False) -> list[Candidate]:
        if self.exhausted_after is not None and self.round >= self.exhausted_after:
            return []
        found = []
        for slot in range(n):
            rng = rng_for(self.spec.seed, "spread" if spread else "fake", self.round, slot)
            digits = (rng.integers(10, size=4) + np.floor(np.abs(self.memory) * 100).astype(int)) % 10
            digits = (digits + self._contested()) % 10
            text = "".join(self.letters[d] for d in digits.astype(int)) if rng.random() > 0.15 else "x"
            design, reason = ("", "not four digits") if text == "x" else (text, "")
            mean = float("nan") if slot == 0 else float(rng.normal())
            found.append(
                Candidate(f"{self.round}-{slot}", self.round, slot % 2, "branch", 0, design, text, reason,
                          float(rng.normal()), float(rng.normal()), mean, 0.1)
            )  # fmt: skip
        return found

    def given(self) -> list[Candidate]:
        return [
            Candidate(f"g{k}", -1, -1, "given", 0, g.design, g.design, "", -1.0, -1.0, math.nan, math.nan)
            for k, g in enumerate(self.gave)
        ]

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        self.round = -1 if of_given(candidates) else self.round
        assert [c.id for c in candidates] == [o.candidate for o in observations]
        self.told.append((tuple(candidates), tuple(observations)))
        self.fresh += 1

    def _contested(self) -> int:
        """What contests have told, so that a proposal shows whether it was made before or after one was told."""
        return sum(int(10 * o.value[0]) if o.valid else 1 for cs, os in self.told if of_contest(cs) for o in os)

    def update(self) -> FakeReport:
        time.sleep(self.seconds)
        assert not of_contest(self.told[-1][0]), "an update follows the round, not the contest"
        for candidates, observations in self.told[-self.fresh :]:
            for c, o in zip(candidates, observations, strict=True):
                gain = o.value[0] if o.valid else -1.0
                self.memory = np.sin(self.memory * 1.7 + gain + np.arange(4) * (c.branch + 1))
        self.round, self.fresh = self.round + 1, 0
        return FakeReport({"memory": self.memory, "loss": np.float64(self.memory.sum()), "nothing": float("nan")})

    def state(self) -> dict[str, np.ndarray]:
        return {"memory": self.memory, "round": np.array(self.round)}

    def restore(self, tensors: Mapping[str, np.ndarray], history: Sequence[Any]) -> None:
        self.memory, self.round = tensors["memory"].copy(), int(tensors["round"])
        rounds = {c.round for candidates, _ in history for c in candidates if not of_contest([c])}
        assert len(rounds - {-1}) == self.round
        self.told = list(history)

    def export_adapters(self, folder: Path) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "adapter.txt"
        path.write_text(repr(self.memory.tolist()))
        return [path]


def fake_spec(rounds: int = 3, batch: int = 8, seed: int = 0, **problem: Any) -> RunSpec:
    """A spec of the fakes; `problem` are the arguments of `Digits`."""
    return parse_spec(
        {
            "problem": {"name": "fake/digits", "params": problem},
            "budget": {"rounds": rounds, "batch": batch},
            "seed": seed,
        }
    )


def _digits(spec: RunSpec) -> Digits:
    params = dict(spec.problem.params)
    log = params.pop("log", None)
    return Digits(log=None if log is None else Path(str(log)), **params)  # type: ignore[arg-type]


def _train(problem: Any, spec: RunSpec, folder: Path, check: Check) -> None:
    (folder / "model.txt").write_text(f"trained with seed {spec.seed}")


def _search(problem: Any, spec: RunSpec, folder: Path, check: Check) -> FakeSearch:
    return FakeSearch(spec, seconds=float(str(spec.problem.params.get("seconds", 0.0))), gave=problem.given)


def _respond(
    search: FakeSearch, *, branch: int, prompt: int, n: int, temperature: float, rng: np.random.Generator
) -> list[Response]:
    """Branch 0 writes large digits, branch 1 small ones, the reference any, nines too; one in ten is no design."""
    low, high = ((0, 10), (5, 9), (0, 5))[branch + 1]
    shift = int(abs(search.memory).sum() * 1000) % 2  # so that a search that was not restored shows
    found = []
    for _ in range(n):
        text = "".join(map(str, rng.integers(low + shift * (branch == 1), high, size=4)))
        found.append(Response("", "x", "not four digits") if rng.random() < 0.1 else Response(text, text, ""))
    return found


ASKED: list[tuple[float, int]] = []
"""Temperature and number of prompts of each time the model was asked."""


def _answer(
    model: Any,
    prompts: Sequence[str],
    *,
    temperature: float,
    top_p: float,
    max_tokens: int,
    seed: int,
    keys: Sequence[str],
) -> list[str]:
    """A prompt that says how many of ten answers are right: "9 {input}" adds up right nine times of ten."""
    ASKED.append((temperature, len(prompts)))
    out = []
    for prompt, key in zip(prompts, keys, strict=True):
        skill, *numbers = map(int, prompt.split())
        right = rng_for(seed, "fake answer", key).integers(10) < skill
        out.append(str(sum(numbers) + (not right)))
    return out


FAKES = Science(
    load=_digits,  # type: ignore[arg-type]
    train=_train,
    build=_search,  # type: ignore[arg-type]
    respond=_respond,  # type: ignore[arg-type]
    answer=_answer,
)
