"""In-context Thompson sampling: a frozen model reads a bootstrap of the data and writes the next design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.search.method import Method, Proposals
from poets_core.search.sampler import Draw, Sampler
from poets_core.spec import InContextSettings, SearchSpec
from poets_core.types import F8, I8


@dataclass(frozen=True)
class ContextSampler(Sampler):
    """Draws where every row has a prompt of its own: what it reads.

    Attributes:
        asked: i8, the problem's prompt that each of these stands for.
    """

    asked: Int64[np.ndarray, " n"]

    def draw_by(
        self,
        branch: Int64[np.ndarray, " n"],
        prompt: Int64[np.ndarray, " n"],
        rng: np.random.Generator,
        heat: Float64[np.ndarray, " n"],
    ) -> list[Draw]:
        """Draw one completion per row; `prompt` counts contexts, the answers say which prompt of the problem it was."""
        drawn = super().draw_by(branch, prompt, rng, heat)
        return [replace(d, prompt=int(self.asked[d.prompt])) for d in drawn]


class InContextSearch(Method):
    """Every slot gets a bootstrap of the data; the frozen model reads the best of it and writes the next design.

    The designs stand in the prompt from bad to good, each with its own beginning and end, and the model goes on after
    the last. No backbone here reads numbers: values say which designs are shown and in which order, nothing else. The
    bootstrap is what makes it Thompson sampling: each slot believes in data of its own.

    Source: in-context Bayesian optimisation, a baseline of ToSFiT (arXiv 2510.13328), for models of sequences.
    """

    settings: InContextSettings

    def __init__(self, sampler: Sampler, spec: SearchSpec) -> None:
        """Read with the backbone itself; see `read_with`."""
        super().__init__(sampler, spec)
        self.reader = self.ensemble

    def read_with(self, reader: BranchEnsemble) -> None:
        """Let another model read and write, whose token ids mean the same.

        Raises:
            InvalidSpec: it cannot read a single design and write one more.
        """
        longest = self.sampler.max_tokens + max(map(len, reader.prompt_ids))
        if reader.positions < 2 * longest:
            raise InvalidSpec(
                f"Expected a backbone that reads {2 * longest} tokens, a design and one more, for "
                f"search.method='in-context', got {reader.positions} positions. Choose another backbone, or 'gp'.",
                field="search.method",
            )
        self.reader = reader

    def _propose(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        contexts = [self._context(slot, p) for slot, p in enumerate(prompt.tolist())]
        # Every slot has a prompt of its own, so contexts are counted by slots and all of them are read in one pass.
        sampler = ContextSampler(
            self.problem, self.reader.reading(contexts), self.sampler.seed, self.sampler.max_tokens, prompt
        )
        unique = not self.settings.allow_repeats
        rows = np.arange(len(prompt))
        found = sampler.draw_unseen(
            np.full(len(prompt), -1), rows, ("in context", self.round), self.seen, unique=unique
        )
        return self._scored(self.filled(prompt, found))

    def shown(self, slot: int, prompt: int) -> list[str]:
        """Return the designs that a slot reads, from bad to good; none where nothing valid was measured."""
        s, history = self.settings, self.history
        fits = [
            i for i, c in enumerate(history.candidates) if history.valid[i] and history.known[i] and c.prompt == prompt
        ]
        if not fits:
            return []
        rng = rng_for(self.spec.seed, "in context", self.round, slot)
        # A bootstrap resamples as many as there are; which of them came twice cannot be shown, which came at all can.
        drawn = np.unique(rng.integers(0, len(fits), len(fits)))
        if s.shows == "random":
            drawn = np.sort(rng.permutation(drawn)[: s.context])
        rewards = history.rewards()
        order = sorted((fits[k] for k in drawn.tolist()), key=lambda i: float(rewards[i]))
        # Of a design that was measured several times the last, which is its best place, counts.
        designs = list(dict.fromkeys(history.candidates[i].design for i in reversed(order)))
        return designs[: s.context][::-1]

    def _context(self, slot: int, prompt: int) -> list[int]:
        """Return the token ids that a slot reads: the best designs as many as leave room for one more."""
        start = self.reader.prompt_ids[prompt]
        room = self.reader.positions - self.sampler.max_tokens - len(start)
        ids: list[int] = []
        # From the best down, so that what does not fit any more is the worst.
        for design in reversed(self.shown(slot, prompt)):
            part = [*start, *self.reader.backbone.completion_ids(self.problem.encode(design))]
            if len(ids) + len(part) > room:
                break
            ids = part + ids
        return ids + start

    def _log_prob(self, draws: Sequence[Draw]) -> tuple[I8, F8, F8]:
        if not len(self.history):
            return super()._log_prob(draws)
        # Drawn after a context, but the reference's density is the one without: the two differ by what was read.
        own = np.array([d.log_prob for d in draws])
        return np.full(len(draws), -1), own, self._encode(draws).reference
