"""What a domain offers to a search: three protocols, no base classes, no optional methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from poets_core.types import I8, Artifact, Bool, Design, Evaluation, ProblemInfo, Record, Vocabulary


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

    def start(self, n: int) -> I8:
        """Return the start state of n rows, i8 (n,)."""
        ...

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, bool (n, V)."""
        ...

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,). A token that is not
        allowed leads to a dead state, in which `allowed` is False throughout."""
        ...


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


class Problem(Protocol):
    """One thing to optimise, with its oracle."""

    info: ProblemInfo
    prompts: tuple[str, ...]
    oracle: Oracle

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
        """Return n texts from a plain prior over designs, to train a small backbone on."""
        ...

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Draw a design for people."""
        ...

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records in one of `info.export_formats`."""
        ...

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote; designs come back canonical and equal."""
        ...
