"""The answers that a fit learns from: what was written, who wrote it, and what the verifier said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded
from poets_core.lm.states import TrunkStates
from poets_core.types import F8, I8, Bool

GIVEN = -1
"""Round of answers that were there before the first round."""


@dataclass(frozen=True)
class Batch:
    """N answers.

    Attributes:
        encoded: the answers, with cached trunk and reference; `prompt` is the number of the training item.
        round: that each was written in, `GIVEN` for what was there before.
        slot: number of each within its round.
        branch: that wrote it, -1 for the reference or an unknown writer.
        reward: of each; NaN where the verifier could not tell.
        old, reference: log-probabilities of its tokens under the policy that wrote it and under the backbone, 0 beyond
            the end; without columns where the method does not ask for them.
    """

    encoded: Encoded
    round: Int64[np.ndarray, " N"]
    slot: Int64[np.ndarray, " N"]
    branch: Int64[np.ndarray, " N"]
    reward: Float64[np.ndarray, " N"]
    old: Float64[np.ndarray, "N S"]
    reference: Float64[np.ndarray, "N S"]

    def __len__(self) -> int:
        return len(self.round)

    @property
    def ids(self) -> list[str]:
        """Name of each answer, unlike all others of a run."""
        return [f"{r}-{s}" for r, s in zip(self.round.tolist(), self.slot.tolist(), strict=True)]

    @property
    def known(self) -> Bool:
        """Which answers have a reward."""
        return np.asarray(np.isfinite(self.reward))

    @property
    def groups(self) -> I8:
        """Number of the round and prompt of each answer: 0, 1, ... in the order of rounds, then of prompts."""
        # Sorted pairs: a group has the same number whatever order the answers lie in.
        pairs = np.stack([self.round, self.encoded.prompt], axis=1)
        return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def equal_groups(self) -> int:
        """How many groups have one reward alone; a policy gradient learns nothing from them."""
        # A group is what one policy wrote to one prompt; unknown rewards are no members of it.
        groups, known = self.groups, self.known
        rewards = [self.reward[known & (groups == g)] for g in np.unique(groups[known])]
        return sum(bool(np.ptp(r) == 0) for r in rewards)

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """Return what `batch_of` needs, as named arrays."""
        # Trunk states are large and follow from the tokens; they are computed again.
        e = self.encoded
        own = {
            "tokens": e.tokens,
            "length": e.length,
            "prompt": e.prompt,
            "round": self.round,
            "slot": self.slot,
            "branch": self.branch,
            "reward": self.reward,
            "old": self.old,
            "reference": self.reference,
        }
        return {f"{prefix}.{name}": value.copy() for name, value in own.items()}


def batch_of(ensemble: BranchEnsemble, arrays: Mapping[str, np.ndarray], prefix: str) -> Batch:
    """Return the batch whose `arrays` these are.

    Raises:
        KeyError: one is missing.
    """
    a = {n: np.array(arrays[f"{prefix}.{n}"]) for n in ("tokens", "length", "prompt", "round", "slot", "branch")}
    # Encoded as one pass of the same rows, as it was when they were written: then every number is the same to the bit.
    tokens = [row[:n].tolist() for row, n in zip(a["tokens"], a["length"].tolist(), strict=True)]
    encoded = ensemble.encode(tokens, a["prompt"])
    reward, old, reference = (np.array(arrays[f"{prefix}.{n}"]) for n in ("reward", "old", "reference"))
    return Batch(encoded, a["round"], a["slot"], a["branch"], reward, old, reference)


def joined(batches: Sequence[Batch]) -> Batch:
    """Return several batches as one, in their order; states are shared, not copied.

    Args:
        batches: at least one.
    """
    first = batches[0]
    # A copy of the list of states: `append` adds to it, and the first batch stays as it is.
    encoded = replace(first.encoded, states=TrunkStates().extend(first.encoded.states))
    for b in batches[1:]:
        encoded = encoded.append(b.encoded, pad=int(encoded.tokens[0, -1]))  # any token: never read
    whole = {n: np.concatenate([getattr(b, n) for b in batches]) for n in ("round", "slot", "branch", "reward")}
    width = max(b.old.shape[1] for b in batches)
    tokens = {n: np.concatenate([_wide(getattr(b, n), width) for b in batches]) for n in ("old", "reference")}
    return Batch(encoded=encoded, **whole, **tokens)


def _wide(x: F8, width: int) -> F8:
    """Return rows filled up with zeros."""
    return np.pad(x, ((0, 0), (0, width - x.shape[1])))
