"""What a worker joins. The science is imported when a run needs it, not before."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from domains import catalog
from poets_core.errors import InvalidSpec
from poets_core.protocols import Problem
from poets_core.spec import RunSpec, SearchSpec
from poets_core.types import Candidate, Observation

Round = tuple[Sequence[Candidate], Sequence[Observation]]


class Report(Protocol):
    """What `update` says: numbers for charts, JSON data."""

    @property
    def metrics(self) -> Mapping[str, Any]: ...


class Asks(Protocol):
    """The part of a search that the worker uses."""

    @property
    def sampler(self) -> Any: ...
    @property
    def round(self) -> int: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    def ask(self, n: int) -> list[Candidate]: ...
    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None: ...
    def update(self) -> Report: ...
    def state(self) -> Mapping[str, NDArray[Any]]: ...
    def restore(self, tensors: Mapping[str, NDArray[Any]], history: Sequence[Round]) -> None: ...
    def export_adapters(self, folder: Path) -> list[Path]: ...


@dataclass(frozen=True)
class Response:
    """One fresh sample of a branch.

    Attributes:
        design: canonical design, ``""`` if the text is none.
        text: what was written.
        reason: why it is no design.
    """

    design: str
    text: str
    reason: str

    @property
    def shown(self) -> str:
        """What a judge sees."""
        return self.design or self.text


Sample = Callable[[Asks, int, int, int, float, np.random.Generator], list[Response]]
"""search, branch (-1: the reference), prompt, how many, temperature, randomness -> responses."""


def _sample(
    search: Asks, branch: int, prompt: int, n: int, temperature: float, rng: np.random.Generator
) -> list[Response]:
    drawn = search.sampler.draw_by(np.full(n, branch), np.full(n, prompt), rng, np.full(n, temperature))
    return [Response(d.design, d.text, d.reason) for d in drawn]


Answer = Callable[[Path | str, Sequence[str], float, float, int, int, Sequence[str]], list[str]]
"""model, prompts, temperature, top_p, most tokens, seed, key of each prompt -> answers."""


def _answer(
    model: Path | str,
    prompts: Sequence[str],
    temperature: float,
    top_p: float,
    max_tokens: int,
    seed: int,
    keys: Sequence[str],
) -> list[str]:
    from poets_core.lm.responses import answer_prompts

    return answer_prompts(
        model, prompts, temperature=temperature, top_p=top_p, max_tokens=max_tokens, seed=seed, keys=keys
    )


@dataclass(frozen=True)
class Parts:
    """How to make a problem and a search from a spec, and how policies respond.

    Attributes:
        load: spec -> problem.
        build: problem, spec, folder of the run -> search before its first round.
        sample: fresh responses of a branch, invalid and repeated ones too.
        answer: what a language model says to prompts.
    """

    load: Callable[[RunSpec], Problem]
    build: Callable[[Problem, SearchSpec, Path], Asks]
    sample: Sample = _sample
    answer: Answer = _answer


def _load(spec: RunSpec) -> Problem:
    if spec.problem is None:
        raise InvalidSpec(f"Expected a problem in a run of kind {spec.kind!r}, got none.", field="problem")
    return catalog.load(spec.problem.name, **spec.problem.params)


def _build(problem: Problem, spec: SearchSpec, folder: Path) -> Asks:
    from poets_core.search.registry import build_search  # torch and transformers: seconds, so not before it is needed

    # A library backbone is saved file by file: one that was cut off half way must be trained again, not loaded.
    whole = folder / "backbone.whole"
    if not whole.exists():
        shutil.rmtree(folder / "backbone", ignore_errors=True)
    search = build_search(problem, spec, backbone=resolve_backbone(spec.backbone.source), workspace=folder)
    whole.touch()
    return search


def resolve_backbone(source: str) -> Path | str:
    """Return the folder of a catalog backbone or the absolute path of a local one.

    ``"library"`` and hub names come back as they are. A source is local if it
    exists, ends in ``.gguf``, begins like a path, or has more than one slash,
    so that a path that is misspelt is not looked for on the hub.
    """
    if source in catalog.backbones():
        return catalog.backbones()[source].folder
    if source == "library":
        return source
    path = Path(source).expanduser()
    local = path.exists() or path.suffix == ".gguf" or source.startswith((".", "/", "~")) or source.count("/") > 1
    return path.absolute() if local else source


REAL = Parts(_load, _build)
"""The catalog and the methods of this program."""


def chunks(n: int, chunk: int) -> list[tuple[int, slice]]:
    """Return (chunk index, rows) that cut n rows into chunks."""
    return [(i, slice(start, min(start + chunk, n))) for i, start in enumerate(range(0, n, max(1, chunk)))]
