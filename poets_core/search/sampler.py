"""How a search gets designs that it might measure: texts drawn from its branches, and edits of its best designs."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.errors import InvalidDesign
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.sampling import sample
from poets_core.protocols import Problem
from poets_core.types import Source

PLAIN_ATTEMPTS = 4
"""Attempts at temperature 1 before it rises by `HEATING` a time."""
MOST_ATTEMPTS = 16
HEATING = 1.1

Key = tuple[int, str]
"""Prompt index and canonical design: what makes two candidates the same."""


@dataclass(frozen=True)
class Draw:
    """One text that might become a candidate, decoded.

    Attributes:
        tokens: completion ids, the end token included.
        text: the text.
        design: canonical design, ``""`` if the text is none.
        reason: why the text is no design, ``""`` if it is one.
        prompt: prompt index.
        source: where the text came from.
        log_prob: under the branch that drew it, nats; NaN where no branch did.
    """

    tokens: tuple[int, ...]
    text: str
    design: str
    reason: str
    prompt: int
    source: Source
    log_prob: float

    @property
    def key(self) -> Key:
        """Prompt and design; two draws of one key are duplicates."""
        return (self.prompt, self.design)


def decode(problem: Problem, ensemble: BranchEnsemble, tokens: Sequence[int]) -> tuple[str, str, str]:
    """Return (text, design, reason) of a completion; see `Draw`."""
    text = ensemble.backbone.text(list(tokens))
    try:
        return text, problem.decode(text), ""
    except InvalidDesign as error:
        return text, "", str(error)


def of_space(problem: Problem, ensemble: BranchEnsemble, tokens: Int64[np.ndarray, "n T"]) -> list[Draw]:
    """Return completions that were chosen from a whole space as draws, the first prompt theirs; nobody wrote them."""
    draws = []
    for ids in tokens.tolist():
        text, design, reason = decode(problem, ensemble, ids)
        draws.append(Draw(tuple(ids), text, design, reason, 0, "space", float("nan")))
    return draws


@dataclass(frozen=True)
class Sampler:
    """Draws texts from the branches of an ensemble and decodes them.

    Attributes:
        problem: decodes texts into designs.
        ensemble: writes texts.
        seed: the run's seed, key of all draws.
        max_tokens: longest completion, end token included.
    """

    problem: Problem
    ensemble: BranchEnsemble
    seed: int
    max_tokens: int

    def draw(
        self,
        branch: Int64[np.ndarray, " n"],
        prompt: Int64[np.ndarray, " n"],
        key: tuple[int | str, ...],
        heat: Float64[np.ndarray, " n"],
    ) -> list[Draw]:
        """Draw one completion per row with the random numbers of a key.

        Args:
            branch: branch of each row, -1 for the reference.
            prompt: prompt of each row.
            key: tells this use of the seed apart from others.
            heat: temperature of each row.
        """
        return self.draw_by(branch, prompt, rng_for(self.seed, "sample", *key), heat)

    def draw_by(
        self,
        branch: Int64[np.ndarray, " n"],
        prompt: Int64[np.ndarray, " n"],
        rng: np.random.Generator,
        heat: Float64[np.ndarray, " n"],
    ) -> list[Draw]:
        """Draw one completion per row with the numbers of `rng`; arguments as in `draw`."""
        # As many numbers as the longest completion needs, whatever is written: row k's text then depends on the key
        # and on k alone, not on how long its neighbours become.
        uniforms = rng.random((len(branch), self.max_tokens))
        samples = sample(self.ensemble, branch, prompt, uniforms=uniforms, temperature=heat)
        out = []
        for row, tokens in enumerate(samples.tokens):
            # Decoding asks the problem, whose grammar may be slow.
            self.ensemble.check()
            text, design, reason = decode(self.problem, self.ensemble, tokens)
            source: Source = "branch" if branch[row] >= 0 else "reference"
            out.append(
                Draw(tuple(tokens), text, design, reason, int(prompt[row]), source, float(samples.log_prob[row]))
            )
        return out

    def draw_unseen(
        self,
        branch: Int64[np.ndarray, " n"],
        prompt: Int64[np.ndarray, " n"],
        key: tuple[int | str, ...],
        seen: AbstractSet[Key],
        *,
        unique: bool,
    ) -> list[Draw | None]:
        """Draw one design per row that has not been seen.

        Rows whose design was seen, or whose text is no design, are drawn again: four times as they are, then ever
        warmer. The density that the search scores with stays the one at temperature 1.

        Args:
            branch, prompt, key: as in `draw`.
            seen: designs that are not wanted again.
            unique: rows must also differ from one another.

        Returns:
            One draw per row, None where every attempt failed. A row that wrote only texts without a design gets
            the last of them.
        """
        n = len(branch)
        found: list[Draw | None] = [None] * n
        taken: set[Key] = set()
        waiting = np.arange(n)
        for attempt in range(MOST_ATTEMPTS):
            # Plain attempts first: heat changes which designs are likely, so it is for rows that have narrowed only.
            heat = np.full(len(waiting), HEATING ** max(0, attempt - PLAIN_ATTEMPTS + 1))
            draws = self.draw(branch[waiting], prompt[waiting], (*key, attempt), heat)
            failed = []
            for row, draw in zip(waiting.tolist(), draws, strict=True):
                if draw.design and draw.key not in seen and not (unique and draw.key in taken):
                    found[row] = draw
                    taken.add(draw.key)
                    continue
                # Kept in case nothing better comes: without a grammar a candidate may be invalid, and is told so.
                if not draw.design:
                    found[row] = draw
                failed.append(row)
            waiting = np.array(failed, dtype=np.int64)
            if not failed:
                break
        return found


def edits(
    problem: Problem,
    ensemble: BranchEnsemble,
    elites: Sequence[str],
    prompt: Int64[np.ndarray, " n"],
    seen: AbstractSet[Key],
    *,
    rng: np.random.Generator,
    mutations: float = 1.0,
) -> list[Draw | None]:
    """Return one edit of an elite per row, None where it was seen or the backbone cannot spell it.

    Args:
        problem: makes the edits.
        ensemble: its backbone has to spell them.
        elites: designs to edit, at least one.
        prompt: prompt of each row.
        seen: designs that are not wanted again.
        rng: all randomness.
        mutations: mean number of edits that a row's design gets one after the other; at least 1.
    """
    designs = problem.edit(elites, len(prompt), rng=rng)
    more = rng.poisson(mutations - 1.0, len(designs)) if mutations > 1.0 else np.zeros(len(designs), dtype=np.int64)
    for k in range(int(more.max(initial=0))):
        designs = [problem.edit([d], 1, rng=rng)[0] if more[i] > k else d for i, d in enumerate(designs)]
    return [
        None if (p, design) in seen else spelled(problem, ensemble, design, p, "edit")
        for design, p in zip(designs, prompt.tolist(), strict=True)
    ]


def spelled(problem: Problem, ensemble: BranchEnsemble, design: str, prompt: int, source: Source) -> Draw | None:
    """Return a design as if it had been drawn, None if the backbone cannot spell it.

    Args:
        problem: whose design it is.
        ensemble: its backbone has to spell it.
        design: canonical design.
        prompt: that it answers.
        source: where it comes from.
    """
    ensemble.check()
    # A design is only worth something if a branch could have written it: it is spelled, read back and compared.
    tokens = ensemble.backbone.completion_ids(problem.encode(design))
    text, read, reason = decode(problem, ensemble, tokens)
    return Draw(tuple(tokens), text, design, reason, prompt, source, float("nan")) if read == design else None
