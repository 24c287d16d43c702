"""How the worker loads a problem, builds a search and queries a language model; heavy imports wait for first use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from domains import catalog
from poets_core.errors import InvalidSpec
from poets_core.protocols import Check, Problem, Search
from poets_core.spec import RunSpec, SearchSpec
from poets_core.spec.memory import Memory, estimate_memory, library_size, model_size


@dataclass(frozen=True)
class Response:
    """One fresh sample of a branch.

    Attributes:
        design: canonical design, ``""`` if the text is none.
        text: what was written.
        reason: why it is no design.
        tokens: completion token ids.
        log_prob: under the branch, nats.
    """

    design: str
    text: str
    reason: str
    tokens: tuple[int, ...] = ()
    log_prob: float = math.nan

    @property
    def shown(self) -> str:
        """What a judge sees."""
        return self.design or self.text


class Load(Protocol):
    """How the problem of a spec is made."""

    def __call__(self, spec: RunSpec) -> Problem: ...


class Train(Protocol):
    """How a run's own backbone is trained into a folder; the same bits for the same problem and spec."""

    def __call__(self, problem: Problem, spec: SearchSpec, folder: Path, check: Check) -> None: ...


class Build(Protocol):
    """How a search before its first round is made; a backbone of its own lies in ``folder/backbone``.

    `check` is called inside long steps, then and in all rounds.
    """

    def __call__(self, problem: Problem, spec: SearchSpec, folder: Path, check: Check) -> Search: ...


class Respond(Protocol):
    """How a branch (-1: the reference) writes n fresh responses to a prompt, invalid and repeated ones too."""

    def __call__(
        self, search: Search, *, branch: int, prompt: int, n: int, temperature: float, rng: np.random.Generator
    ) -> list[Response]: ...


class Answer(Protocol):
    """How a language model answers prompts; each has a key of its own, so that answers do not depend on the batch."""

    def __call__(
        self,
        model: Path | str,
        prompts: Sequence[str],
        *,
        temperature: float,
        top_p: float,
        max_tokens: int,
        seed: int,
        keys: Sequence[str],
    ) -> list[str]: ...


@dataclass(frozen=True, kw_only=True)
class Science:
    """What a worker knows of science; tests put a small one in its place.

    Attributes:
        load: makes the problem.
        train: makes a backbone of a run's own.
        build: makes the search.
        respond: lets a branch write.
        answer: lets a language model answer.
    """

    load: Load
    train: Train
    build: Build
    respond: Respond
    answer: Answer


def _load(spec: RunSpec) -> Problem:
    if spec.problem is None:
        raise InvalidSpec(f"Expected a problem in a run of kind {spec.kind!r}, got none.", field="problem")
    return catalog.load(spec.problem.name, **spec.problem.params)


def _train(problem: Problem, spec: SearchSpec, folder: Path, check: Check) -> None:
    from poets_core.search.registry import train_backbone

    train_backbone(problem, spec, folder, check)


def _build(problem: Problem, spec: SearchSpec, folder: Path, check: Check) -> Search:
    # On use only: torch and transformers take seconds, and tasks and logs do without.
    from poets_core.search.registry import build_search

    # The workspace is the run's folder: its own backbone is part of the run, because its adapters fit no other.
    source = resolve_backbone(spec.backbone.source)
    return build_search(problem, spec, backbone=source, workspace=folder, check=check)


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


def memory_of(spec: SearchSpec, tokens: int) -> Memory | None:
    """Estimate what a search needs on a CPU; None where its model does not say how large it is.

    Args:
        spec: the search.
        tokens: of a design, at most.
    """
    source = resolve_backbone(spec.backbone.source)
    model = library_size(spec) if source == "library" else model_size(source) if isinstance(source, Path) else None
    return None if model is None else estimate_memory(spec, model, tokens)


def _respond(
    search: Search, *, branch: int, prompt: int, n: int, temperature: float, rng: np.random.Generator
) -> list[Response]:
    # Not `ask`: that skips designs measured before and fills up from the reference. A judge must see what a branch
    # writes by itself, repeats and failures too.
    drawn = search.sampler.draw_by(np.full(n, branch), np.full(n, prompt), rng, np.full(n, temperature))
    return [Response(d.design, d.text, d.reason, d.tokens, d.log_prob) for d in drawn]


def _answer(
    model: Path | str,
    prompts: Sequence[str],
    *,
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


# Tests replace single fields of it; nothing in the worker asks for a problem or a model in any other way.
REAL_SCIENCE = Science(load=_load, train=_train, build=_build, respond=_respond, answer=_answer)
"""The catalog and the methods of this program."""
