"""Play a search against an oracle without store or worker, as benchmarks need it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from domains.catalog import backbones, load
from poets_core.keyed import rng_for
from poets_core.search import loop
from poets_core.search.poets.calibration import JUDGED
from poets_core.search.registry import build_search
from poets_core.spec import SearchSpec
from poets_core.types import Candidate, Evaluation

ROUND_METRICS = (*JUDGED, "spread", "js_sequence", "unique", "valid")


@dataclass(frozen=True)
class Played:
    """One finished search.

    Attributes:
        values: (calls,) first objective, NaN where invalid.
        designs: (calls,) what was measured.
        details: (calls,) what the oracle said beside.
        seconds: wall time, backbone and search included; cpu_seconds of this process.
        metrics: the last round's; rounds: those of `ROUND_METRICS` of every round.
    """

    values: list[float]
    designs: list[str]
    details: list[Mapping[str, Any]]
    seconds: float
    cpu_seconds: float
    metrics: Mapping[str, Any] = field(default_factory=dict)
    rounds: list[Mapping[str, Any]] = field(default_factory=list)


def play(spec: SearchSpec, noise: float = 0.0) -> Played:
    """Run one search to its budget, asking and answering in the order and with the keys of a worker.

    With `noise` the search is told each value times exp(noise z), z standard normal; the true ones are returned.
    """
    start, cpu = time.perf_counter(), time.process_time()
    problem = load(spec.problem.name, **spec.problem.params)
    shipped = backbones().get(spec.backbone.source)
    backbone = shipped.folder if shipped else spec.backbone.source
    true: dict[str, float] = {}  # of valid candidates, by id
    designs: list[str] = []
    details: list[Mapping[str, Any]] = []
    rounds: list[Mapping[str, Any]] = []
    metrics: Mapping[str, Any] = {}

    def evaluate(candidates: Sequence[Candidate], number: int, chunk: int) -> Evaluation:
        answer = loop.ask_oracle(problem, candidates, spec.seed, number, chunk)
        true.update(
            (c.id, float(value))
            for c, value, valid in zip(candidates, answer.values[:, 0], answer.valid, strict=True)
            if valid
        )
        factor = np.exp(noise * rng_for(spec.seed, "noise", number, chunk).standard_normal(len(candidates)))
        return replace(answer, values=answer.values * factor[:, None])

    asked: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        search = build_search(problem, spec, backbone=backbone, workspace=Path(folder))
        for step in loop.play(search, problem, budget=spec.budget, seed=spec.seed, evaluate=evaluate):
            if isinstance(step, loop.Evaluated):
                details += step.details
            elif isinstance(step, loop.Updated):
                asked += [c.id for c in step.candidates]
                designs += [c.design for c in step.candidates]
                metrics = step.report.metrics
                rounds.append({k: metrics[k] for k in ROUND_METRICS if k in metrics})
    values = [true.get(id, float("nan")) for id in asked]
    return Played(values, designs, details, time.perf_counter() - start, time.process_time() - cpu, metrics, rounds)


def play_all(
    specs: Sequence[SearchSpec],
    *,
    jobs: int,
    report: Callable[[int, Played], None] = lambda done, played: None,
    noise: Sequence[float] | None = None,
) -> list[Played]:
    """Play several searches, `jobs` at a time, each on its own threads; answers in the order of the specs.

    `noise` is that of each, see `play`; `report` takes how many are done and the latest of them, in that order too.
    """
    factors = [0.0] * len(specs) if noise is None else noise
    with ExitStack() as stack:
        found: Iterator[Played]
        if jobs == 1:
            found = map(play, specs, factors)
        else:
            found = stack.enter_context(ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))).map(
                play, specs, factors
            )
        out = []
        for played in found:
            out.append(played)
            report(len(out), played)
    return out


def search_settings(assignments: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` changes of the search section; values are JSON, or text if they are not.

    Raises:
        SystemExit: an assignment that is none (an unknown key is refused by the spec).
    """
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not key or not equals:
            raise SystemExit(f"Expected --set KEY=VALUE with a search setting, e.g. pool=32, got {assignment!r}.")
        try:
            changes[key] = json.loads(text)
        except json.JSONDecodeError:
            changes[key] = text
    return changes


def top_mean(values: Sequence[float], n: int, *, missing: float) -> float:
    """Mean of the n best values; invalid ones count as `missing`."""
    filled = np.nan_to_num(np.asarray(values), nan=missing)
    return float(np.sort(filled)[-n:].mean())
