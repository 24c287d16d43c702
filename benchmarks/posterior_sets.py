"""Observations that no judged model has chosen, and the designs that models are judged on; both are kept in a folder.

A history is a pure function of landscape, seed, kind and number of calls. Of kind `half` its first half are samples of
the reference and the rest are played by a genetic algorithm; of kind `genetic` the algorithm plays from the start.
Values come from the oracles, without noise.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaign import search_settings
from benchmarks.search import fingerprint
from benchmarks.search_cells import LANDSCAPES as CELLS
from benchmarks.search_cells import cell_spec
from domains.catalog import backbones, entry, load
from domains.protein.alphabet import LETTERS
from poets_core.keyed import rng_for
from poets_core.protocols import Problem, Round
from poets_core.search import loop
from poets_core.search.method import Method
from poets_core.search.poets.poets import PoetsSearch
from poets_core.search.poets.pool import fill_pool
from poets_core.search.registry import build_search
from poets_core.search.sampler import edits, spelled
from poets_core.spec import PoetsSettings, SearchSpec
from poets_core.types import I8, Candidate, Observation

KINDS = ("half", "genetic")
SETS = ("space", "pool", "children")
JUDGED = 600
"""Designs of a set at most."""
ELITES = 8
"""Best designs that the judged children are edits of."""


@dataclass(frozen=True)
class Where:
    """How a landscape is observed.

    Attributes:
        base: landscape of `benchmarks.search_cells` whose problem and settings it has.
        batch: calls of a round.
        sizes: calls of the histories of both kinds; later: further ones of kind `genetic`, each whole rounds.
        free: lengths or places are no columns of a table, so that a string kernel is compared too.
    """

    base: str
    batch: int = 32
    sizes: tuple[int, ...] = (96, 192, 384)
    later: tuple[int, ...] = ()
    free: bool = False


LANDSCAPES: dict[str, Where] = {
    "gb1": Where("gb1"),
    "phoq": Where("phoq"),
    "nk-smooth": Where("nk-smooth"),
    "nk-rugged": Where("nk-rugged"),
    "deceptive": Where("deceptive"),
    "ehrlich-15": Where("ehrlich-15", free=True),
    "ehrlich-32": Where("ehrlich-32", later=(320,), free=True),
    "instability-60": Where("instability-60", batch=40, sizes=(200, 400, 800), later=(600,), free=True),
    "artificial-7q": Where("artificial-7q", batch=40, sizes=(200, 400, 800), free=True),
}
TABLES = ("gb1", "phoq")
"""Landscapes that are read from a file."""


@dataclass(frozen=True)
class Place:
    """One landscape under one seed, and where what belongs to it is kept.

    Attributes:
        name: of `LANDSCAPES`.
        seed: of the landscape, the backbone and all histories.
        folder: of everything that is kept.
        table: file of a measured landscape.
    """

    name: str
    seed: int
    folder: Path
    table: Path | None = None

    @property
    def shipped(self) -> str:
        """POETS as it ships for such a landscape, a name of `search_cells.METHODS`."""
        return "poets" if self.where.free and not self._exactly else "exact"

    @property
    def _exactly(self) -> bool:
        known = entry(CELLS[self.where.base].problem).settings.get("search", {})
        return bool(known.get("fit") == "exact")

    @property
    def where(self) -> Where:
        """How it is observed."""
        return LANDSCAPES[self.name]

    def spec(self, method: str, changes: Sequence[str] = ()) -> SearchSpec:
        """Return the spec of a method here, as the regime map has it; `changes` are KEY=VALUE of its settings."""
        where, told = self.where, search_settings(changes)

        def cell(of: str, changed: dict[str, Any] | None) -> SearchSpec:
            tables = {where.base: self.table}
            return cell_spec(
                where.base, of, self.seed, folder=self.folder / "tables", tables=tables, changes=changed or None
            )

        spec = cell(method, told)
        # Tokens mean the same in every model of a place, so that one can learn what another has proposed.
        return spec.model_copy(update={"backbone": cell("exact", None).backbone}) if self._exactly else spec

    @property
    def own(self) -> Path:
        """Folder of this landscape and seed: settings of the genetic algorithm or of the problem name another one."""
        return self.folder / f"{self.name}-{self.seed}-{fingerprint(self.spec('ga'))[:10]}"

    def search(self, spec: SearchSpec) -> Method:
        """Return a search at round 0; those of one place that learn alike share a backbone."""
        known = backbones().get(spec.backbone.source)
        problem = problem_of(spec)
        source = known.folder if known else spec.backbone.source
        exactly = isinstance(spec.search, PoetsSettings) and spec.search.fit != "gradient"
        # A small backbone for branches that learn exactly is another one.
        workspace = self.own / "exact" if exactly else self.own
        workspace.mkdir(parents=True, exist_ok=True)
        found = build_search(problem, spec, backbone=source, workspace=workspace)
        if not isinstance(found, Method):
            raise TypeError(f"Expected a search with the base class Method, got {type(found).__name__}.")
        return found


def problem_of(spec: SearchSpec) -> Problem:
    """Return the problem of a spec; the searches of one place share it, for a table takes a second to read."""
    return _problem(spec.problem.name, json.dumps(dict(spec.problem.params), sort_keys=True))


@lru_cache(maxsize=1)
def _problem(name: str, params: str) -> Problem:
    return load(name, **json.loads(params))


@dataclass(frozen=True)
class Judged:
    """Designs that a model predicts, with their true values.

    Attributes:
        designs, tokens: n, each design once; none of them was observed.
        values: of the first objective, in its own unit.
    """

    designs: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]
    values: tuple[float, ...]


def history(place: Place, kind: str, size: int) -> list[Round]:
    """Return a history of some calls, round by round; it is played unless it is kept already."""
    where = place.where
    # What the genetic algorithm plays does not depend on when it is stopped: the longest play holds the others.
    longest = max(size, *where.sizes, *where.later) if kind == "genetic" and size % where.batch == 0 else size
    path = place.own / f"{kind}-{longest}.json"
    data = _kept(path, lambda: [_written(*r) for r in _play(place, longest // 2 if kind == "half" else 0, longest)])
    rounds = [_read(r) for r in data]
    return rounds[: size // where.batch] if longest > size else rounds


def _play(place: Place, sampled: int, size: int) -> list[Round]:
    genetic = place.search(place.spec("ga"))
    played: list[Round] = []
    spent = 0
    for search, until in ((place.search(place.spec("prior")), sampled), (genetic, size)):
        while spent < until:
            asked = search.ask(min(place.where.batch, until - spent))
            if not asked:
                raise ValueError(f"Expected {size} calls on {place.name}, got {spent}: no design is left.")
            round = _measured(search.problem, asked, place.seed)
            played.append(round)
            spent += len(asked)
            for own in {id(s): s for s in (search, genetic)}.values():
                own.tell(*round)
                own.update()
    return played


def _measured(problem: Problem, asked: Sequence[Candidate], seed: int) -> Round:
    found: dict[str, Observation] = {}

    def measure(candidates: Sequence[Candidate], number: int, chunk: int) -> Any:
        return loop.ask_oracle(problem, candidates, seed, number, chunk)

    for _ in loop.measured(problem, measure, asked, asked[0].round, found):
        pass
    return loop.known(asked, found)


def teach(search: Method, rounds: Sequence[Round]) -> None:
    """Tell a search observations that others chose, round by round, as if it had proposed them.

    A search that predicts is asked before it learns a round, so that its interval factor means what it means in a run.
    """
    for candidates, told in rounds:
        asked = list(candidates)
        if isinstance(search, PoetsSearch) and len(search.history):
            values = function_values(search, [c.tokens for c in asked])
            std = values.std(0, ddof=1) if len(values) > 1 else np.zeros(len(asked))
            asked = [
                replace(c, predicted_mean=float(m), predicted_std=float(s))
                for c, m, s in zip(asked, values.mean(0), std, strict=True)
            ]
        search.tell(asked, told)
        search.update()


def function_values(search: PoetsSearch, tokens: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the reward that each branch predicts, baseline included, (M, n)."""
    prompt: I8 = np.zeros(len(tokens), dtype=np.int64)
    log_p = search.ensemble.log_prob(search.ensemble.encode([list(t) for t in tokens], prompt))
    return search.prediction().rewards(log_p, prompt)


def judged(place: Place, kind: str, size: int) -> dict[str, Judged]:
    """Return the sets that models are judged on after a history; they are made unless they are kept already.

    `space`: uniform over a table, elsewhere samples of the reference. `pool`: what POETS as it is shipped would pool
    next. `children`: edits of the best designs of the history. Only valid designs have a value.
    """
    path = place.own / f"judged-{kind}-{size}.json"
    data = _kept(path, lambda: {k: asdict(v) for k, v in _make(place, kind, size).items()})
    return {k: Judged(tuple(v["designs"]), tuple(map(tuple, v["tokens"])), tuple(v["values"])) for k, v in data.items()}


def _make(place: Place, kind: str, size: int) -> dict[str, Judged]:
    spec = place.spec("poets")
    search = place.search(spec)
    teach(search, history(place, kind, size))
    sampler, problem, key = search.sampler, search.problem, (place.name, kind, size)
    slots = np.zeros(JUDGED, dtype=np.int64)
    if place.where.free:
        drawn = sampler.draw_unseen(slots - 1, slots, ("judged", *key), search.seen, unique=True)
        space = [d.design for d in drawn if d is not None]
    else:
        # Twice as many as are wanted: a table lacks some, and some were observed.
        codes = rng_for(place.seed, "judged space", *key).integers(0, len(LETTERS), (2 * JUDGED, 4))
        space = ["".join(LETTERS[c] for c in row) for row in codes]
    rng = rng_for(place.seed, "judged children", *key)
    brood = edits(problem, search.ensemble, search.history.elites(ELITES), np.resize(slots, 2 * JUDGED), set(), rng=rng)
    pool: list[str] = []
    if isinstance(search, PoetsSearch):
        n = place.where.batch
        branch = rng_for(place.seed, "judged pool", *key).integers(0, search.ensemble.branches, n)
        filled = fill_pool(
            sampler,
            search.history,
            search.settings,
            round=search.round,
            branch=branch,
            prompt=np.zeros(n, dtype=np.int64),
            seen=search.seen,
        )
        order = rng_for(place.seed, "judged order", *key).permutation(len(filled.draws))
        pool = [filled.draws[i].design for i in order.tolist()]
    found = {"space": space, "pool": pool, "children": [d.design for d in brood if d is not None]}
    return {name: _answered(search, designs, place.seed) for name, designs in found.items()}


def _answered(search: Method, designs: Sequence[str], seed: int) -> Judged:
    """Of some designs those that were not observed, that the backbone can write, and that have a value."""
    problem, ensemble = search.problem, search.ensemble
    new = [d for d in dict.fromkeys(designs) if d and (0, d) not in search.seen]
    if not new:
        return Judged((), (), ())
    answer = problem.oracle.evaluate(new, [0] * len(new), rng=rng_for(seed, "judged oracle"))
    values = {d: float(v) for d, v, ok in zip(new, answer.values[:, 0], answer.valid, strict=True) if ok}
    draws = [x for x in (spelled(problem, ensemble, d, 0, "edit") for d in values) if x is not None]
    if not draws:
        return Judged((), (), ())
    prompt: I8 = np.zeros(len(draws), dtype=np.int64)
    finite = np.isfinite(ensemble.encode([d.tokens for d in draws], prompt).reference)
    kept = [d for d, ok in zip(draws, finite, strict=True) if ok][:JUDGED]
    return Judged(tuple(d.design for d in kept), tuple(d.tokens for d in kept), tuple(values[d.design] for d in kept))


def _kept(path: Path, make: Callable[[], Any]) -> Any:
    """What a file holds; it is made first where there is none, and no reader ever sees half of it."""
    if not path.is_file():
        part = path.with_suffix(f".{os.getpid()}.part")
        made = json.dumps(make())
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(made)
        part.replace(path)
    return json.loads(path.read_text())


def digest(place: Place, kind: str, size: int) -> str:
    """Return what tells these observations and judged sets from others of the same name."""
    longest = history(place, kind, size)
    data = (
        [[c.design for c, _ in zip(*r, strict=True)] for r in longest],
        {k: (v.designs, v.values) for k, v in judged(place, kind, size).items()},
    )
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:12]


def _written(candidates: Sequence[Candidate], told: Sequence[Observation]) -> list[list[Mapping[str, Any]]]:
    return [[asdict(c) for c in candidates], [asdict(o) for o in told]]


def _read(data: Any) -> Round:
    candidates = [Candidate(**{**c, "tokens": tuple(c["tokens"])}) for c in data[0]]
    return candidates, [Observation(**{**o, "value": tuple(o["value"]), "std": tuple(o["std"])}) for o in data[1]]
