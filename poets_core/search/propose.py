"""Where candidates come from: branch samples, elite edits and the choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from poets_core.errors import InvalidDesign
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.protocols import Problem
from poets_core.types import F8, I8, Candidate, Source

PLAIN_ATTEMPTS = 4
"""Attempts at temperature 1 before it rises by `HEATING` a time."""
MOST_ATTEMPTS = 16
HEATING = 1.1

Key = tuple[int, str]
"""Prompt index and canonical design: what makes two candidates the same."""


@dataclass(frozen=True)
class Draw:
    """One text from a proposal source, decoded.

    Attributes:
        tokens: completion ids, the end token included.
        text: what was written.
        design: canonical design, ``""`` if the text is none.
        reason: why it is none.
        prompt: prompt index.
        source: branch, edit or reference.
        log_prob: under the branch that drew it, NaN for edits.
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
        """What makes it a duplicate of another."""
        return (self.prompt, self.design)


def as_candidate(
    round: int, slot: int, draw: Draw, branch: int, log_prob: float, reference: float, mean: float, std: float
) -> Candidate:
    """A draw on its way to the oracle; arguments as in `Candidate`."""
    return Candidate(
        id=f"{round}-{slot}",
        round=round,
        branch=branch,
        source=draw.source,
        prompt=draw.prompt,
        design=draw.design,
        text=draw.text,
        reason=draw.reason,
        log_prob=log_prob,
        reference_log_prob=reference,
        predicted_mean=mean,
        predicted_std=std,
        tokens=draw.tokens,
    )


def decode(problem: Problem, ensemble: BranchEnsemble, tokens: Sequence[int]) -> tuple[str, str, str]:
    """Return (text, design, reason) of a completion."""
    text = ensemble.backbone.text(list(tokens))
    try:
        return text, problem.decode(text), ""
    except InvalidDesign as error:
        return text, "", str(error)


@dataclass(frozen=True)
class Sampler:
    """Draws from branches, keyed by (seed, purpose, round, attempt)."""

    problem: Problem
    ensemble: BranchEnsemble
    seed: int
    max_tokens: int

    def draw(self, branch: I8, prompt: I8, key: tuple[int | str, ...], heat: F8) -> list[Draw]:
        """Draw one completion per row; see `BranchEnsemble.sample`."""
        return self.draw_by(branch, prompt, rng_for(self.seed, "sample", *key), heat)

    def draw_by(self, branch: I8, prompt: I8, rng: np.random.Generator, heat: F8) -> list[Draw]:
        """Draw one completion per row with the numbers of `rng`."""
        uniforms = rng.random((len(branch), self.max_tokens))
        samples = self.ensemble.sample(branch, prompt, uniforms=uniforms, temperature=heat)
        out = []
        for row, tokens in enumerate(samples.tokens):
            text, design, reason = decode(self.problem, self.ensemble, tokens)
            source: Source = "branch" if branch[row] >= 0 else "reference"
            out.append(
                Draw(tuple(tokens), text, design, reason, int(prompt[row]), source, float(samples.log_prob[row]))
            )
        return out

    def draw_unseen(
        self,
        branch: I8,
        prompt: I8,
        key: tuple[int | str, ...],
        seen: AbstractSet[Key],
        *,
        unique: bool,
    ) -> list[Draw | None]:
        """Draw one design per row that has not been seen.

        Rows whose design was seen, or whose text is no design, are drawn again:
        four times as they are, then ever warmer. The density the search scores
        with stays the one at temperature 1.

        Args:
            branch, prompt: i8 (n,).
            key: tells this use apart from others.
            seen: designs not wanted again.
            unique: rows must also differ from one another.

        Returns:
            One draw per row, None where every attempt failed (an undecodable
            text is returned if that is all there was).
        """
        n = len(branch)
        found: list[Draw | None] = [None] * n
        taken: set[Key] = set()
        waiting = np.arange(n)
        for attempt in range(MOST_ATTEMPTS):
            heat = np.full(len(waiting), HEATING ** max(0, attempt - PLAIN_ATTEMPTS + 1))
            draws = self.draw(branch[waiting], prompt[waiting], (*key, attempt), heat)
            failed = []
            for row, draw in zip(waiting.tolist(), draws, strict=True):
                if draw.design and draw.key not in seen and not (unique and draw.key in taken):
                    found[row] = draw
                    taken.add(draw.key)
                    continue
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
    prompt: I8,
    seen: AbstractSet[Key],
    *,
    rng: np.random.Generator,
    mutations: float = 1.0,
) -> list[Draw | None]:
    """Offer one edit of an elite per row, None where it was seen or the backbone cannot spell it.

    Args:
        mutations: edits one after the other a row, on average; at least one.
    """
    out: list[Draw | None] = []
    designs = problem.edit(elites, len(prompt), rng=rng)
    more = rng.poisson(mutations - 1.0, len(designs)) if mutations > 1.0 else np.zeros(len(designs), dtype=np.int64)
    for k in range(int(more.max(initial=0))):
        designs = [problem.edit([d], 1, rng=rng)[0] if more[i] > k else d for i, d in enumerate(designs)]
    for design, p in zip(designs, prompt.tolist(), strict=True):
        tokens = ensemble.backbone.completion_ids(problem.encode(design))
        text, spelled, reason = decode(problem, ensemble, tokens)
        usable = spelled == design and (p, design) not in seen
        out.append(Draw(tuple(tokens), text, design, reason, p, "edit", float("nan")) if usable else None)
    return out


def tempered_rank(predicted: F8, branch: int, tempering: float) -> F8:
    """Return mu + tau (r_k - mu) for each design.

    Args:
        predicted: f8 (M, n) rewards predicted by each branch.
        branch: k, the branch whose turn it is.
        tempering: tau; 1 is Thompson sampling, 0 follows the mean.
    """
    mean = predicted.mean(0)
    return np.asarray(mean + tempering * (predicted[branch] - mean))


def choose(
    pools: Sequence[Sequence[int]],
    keys: Sequence[Key],
    prompt: I8,
    branch: I8,
    predicted: F8,
    tempering: float,
    *,
    repeats: bool,
) -> list[int]:
    """Choose one design per slot: the best of its pool under the slot's own branch.

    Args:
        pools: for each slot, indices of the designs it may choose; all slots may share one pool.
        keys: (n,) identity of each design.
        prompt: i8 (slots,) prompt of each slot; it takes designs of that prompt only.
        branch: i8 (slots,).
        predicted: f8 (M, n).
        tempering: tau.
        repeats: whether two slots may choose the same design.

    Returns:
        One index per slot; a slot whose pool is used up takes from the others' pools, -1 if they are too.
    """
    taken: set[Key] = set()
    chosen: list[int] = []
    ranks = {k: tempered_rank(predicted, k, tempering) for k in set(branch.tolist())}
    everything = sorted({i for pool in pools for i in pool})
    for pool, k, p in zip(pools, branch.tolist(), prompt.tolist(), strict=True):
        own = [i for i in pool if keys[i][0] == p and (repeats or keys[i] not in taken)]
        rest = own or [i for i in everything if keys[i][0] == p and (repeats or keys[i] not in taken)]
        best = max(rest, key=lambda i, rank=ranks[k]: (rank[i], -i), default=-1)  # type: ignore[misc]
        chosen.append(best)
        if best >= 0:
            taken.add(keys[best])
    return chosen
