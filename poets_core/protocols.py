"""The protocols that rooms meet by: what a domain offers to a search, and what a search offers to those who run it.

No base classes and no optional methods. Nothing heavy is imported here: the worker uses these names without torch. They
can be checked at run time because tests check all annotations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import NDArray

from poets_core.types import (
    Artifact,
    Candidate,
    Design,
    Evaluation,
    Given,
    Observation,
    ProblemInfo,
    Record,
    Vocabulary,
)

Check: TypeAlias = Callable[[], None]
"""Called again and again inside long steps; it raises where whoever waits wants the step to end. A step that ends so
has stored nothing: the state that it was changing is thrown away."""


def unheard() -> None:
    """Let every step go on to its end: the check of those who play a search by themselves."""


@runtime_checkable
class TokenMask(Protocol):
    """A deterministic automaton over tokens; it is part of the density.

    States are integers, so that N sequences of T tokens keep (N, T) states
    and the (V,) rows are looked up when they are needed. In every state that
    can be reached at least one token is allowed; where only the end marker
    is allowed it has probability one and adds nothing to a log-probability.
    """

    @property
    def max_tokens(self) -> int:
        """Upper bound on completion tokens, the end marker included."""
        ...

    def start(self, n: int) -> Int64[np.ndarray, " n"]:
        """Return the start state of n rows."""
        ...

    def allowed(self, state: Int64[np.ndarray, " n"]) -> Bool[np.ndarray, "n V"]:
        """Return which tokens may follow."""
        ...

    def advance(self, state: Int64[np.ndarray, " n"], token: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return the states after one token each.

        A token that is not allowed leads to a dead state, in which `allowed` is False throughout.
        """
        ...


@runtime_checkable
class Oracle(Protocol):
    """Measures designs."""

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Measure n canonical designs.

        Args:
            designs: (n,) canonical designs.
            prompts: (n,) prompt index of each design.
            rng: all randomness of noisy oracles; exact oracles ignore it.
        """
        ...


@runtime_checkable
class Problem(Protocol):
    """One thing to optimise, with its oracle.

    Attributes:
        info: what is public about it.
        prompts: what a backbone is asked, at least one.
        oracle: measures designs.
        given: what was measured before the run, each design once; a search learns it before its first proposal.
    """

    info: ProblemInfo
    prompts: tuple[str, ...]
    oracle: Oracle
    given: tuple[Given, ...]

    def decode(self, text: str) -> Design:
        """Parse backbone text into the canonical design.

        Idempotent: ``decode(encode(decode(x))) == decode(x)``.

        Raises:
            InvalidDesign: the text is not a design of this problem.
        """
        ...

    def encode(self, design: Design) -> str:
        """Return the text a backbone would write for a canonical design."""
        ...

    def mask(self, vocabulary: Vocabulary) -> TokenMask | None:
        """Return the grammar over this vocabulary, None if it cannot be expressed there."""
        ...

    def edit(self, elites: Sequence[Design], n: int, *, rng: np.random.Generator) -> list[Design]:
        """Return n canonical designs that are single edits or crossovers of elites.

        Every one is inside the grammar; repeats are possible.
        """
        ...

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n texts of the problem's corpus, plain designs to train a small backbone on."""
        ...

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Draw a design for people."""
        ...

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records in one of `info.export_formats`."""
        ...

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote; designs come back canonical and equal.

        Raises:
            InvalidInput: also for a format that is written alone, see `domains.entry.Export.reads_back`.
        """
        ...


Round: TypeAlias = tuple[Sequence[Candidate], Sequence[Observation]]
"""What a search is told at once: candidates, and one observation for each, in their order. A completed round, a contest
after it, given data before the first round, or corrections of observations that were told before."""


@dataclass(frozen=True)
class UpdateReport:
    """What a search says of itself after an update.

    Attributes:
        metrics: JSON values by name; docs/architecture.md says what each name means.
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Written(Protocol):
    """One text that a branch or the reference wrote."""

    @property
    def design(self) -> Design:
        """Canonical design, ``""`` if the text is none."""
        ...

    @property
    def text(self) -> str:
        """The text itself."""
        ...

    @property
    def reason(self) -> str:
        """Why the text is no design, ``""`` if it is one."""
        ...

    @property
    def tokens(self) -> tuple[int, ...]:
        """Completion token ids, the end marker included where it was written."""
        ...

    @property
    def log_prob(self) -> float:
        """Log-probability under the branch that wrote it, nats; NaN where that is not known."""
        ...


@runtime_checkable
class BranchSampler(Protocol):
    """Draws texts from the branches of a search as they are now."""

    def draw_by(
        self,
        branch: Int64[np.ndarray, " n"],
        prompt: Int64[np.ndarray, " n"],
        rng: np.random.Generator,
        heat: Float64[np.ndarray, " n"],
    ) -> Sequence[Written]:
        """Draw n texts, invalid and repeated ones included.

        Args:
            branch: which branch writes each text, -1 for the reference.
            prompt: index of the prompt it follows.
            rng: all randomness of the draws.
            heat: temperature of each draw.
        """
        ...


@runtime_checkable
class Search(Protocol):
    """A method at work on one problem: POETS and every rival offer the same.

    A round is `ask`, evaluate, `tell`, `update`. What a contest has measured after it is told on its own, without an
    `update`: the search proposes by it at once, and is trained on it from the next update on. So are corrections:
    observations of candidates that were told before take the place of those. Given data are told and followed by an
    `update` before round 0, which does not count as a round.

    Randomness is keyed by the seed and the round: `ask` changes nothing and gives the same answer until something is
    told. A restored search goes on as if it had never been interrupted.
    """

    facts: dict[str, Any]
    """What is worth knowing about backbone and method, JSON values; fixed before the first round."""

    @property
    def round(self) -> int:
        """The coming round, from 0: how many rounds are complete."""
        ...

    @property
    def sampler(self) -> BranchSampler:
        """Draws from the branches, for contests and experiments."""
        ...

    def ask(self, n: int, *, spread: bool = False) -> list[Candidate]:
        """Propose candidates for the coming round.

        Args:
            n: how many are wanted, at least 1.
            spread: not the most promising ones, but designs of the reference that are far apart from each other and
                from all that were measured.

        Returns:
            At most n candidates with the ids ``"<round>-<slot>"``; fewer where the method finds no more designs, none
            when the space is exhausted.
        """
        ...

    def given(self) -> list[Candidate]:
        """Return what the problem gives as candidates to be told before round 0.

        Designs that the backbone cannot spell are left out: no branch could learn them.
        """
        ...

    def tell(self, candidates: Sequence[Candidate], observations: Sequence[Observation]) -> None:
        """Take in given data or one whole round, before `update`; or a contest or corrections, at any other time.

        Args:
            candidates: what was measured: as `ask` or `given` returned it, all of source ``"contest"``, or candidates
                that were told before.
            observations: one for each candidate, in their order.

        Raises:
            ValueError: no candidates, or observations of other candidates.
        """
        ...

    def update(self) -> UpdateReport:
        """Learn from everything told so far and complete the round.

        Raises:
            Diverged: training left the finite numbers.
        """
        ...

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Return what cannot be recomputed from spec and observations, as named arrays of any shape.

        It holds ``round`` and, where something is trained, the trained tensors and the optimiser's state, exactly.
        """
        ...

    def restore(self, tensors: Mapping[str, NDArray[Any]], history: Sequence[Round]) -> None:
        """Take over a state; the search must be at round 0.

        Args:
            tensors: what `state` returned after the last round of `history`.
            history: all that was told up to that round, in order: rounds, and the contests between them.

        Raises:
            KeyError, ValueError: a state of another search.
        """
        ...

    def export_adapters(self, folder: Path) -> list[Path]:
        """Write one PEFT adapter per branch and return their folders; a method without branches writes none.

        Args:
            folder: receives ``branch-0``, ``branch-1``, ...; created if needed.
        """
        ...
