"""What a structure is rewarded for: how near its energy comes, and how few two-qubit gates it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from poets_core.errors import InvalidSpec
from poets_core.types import F8

Kind = Literal["precision", "gap", "target"]
KINDS: tuple[str, ...] = get_args(Kind)
PRECISION = 6.0
"""Decades of relative error that are told apart."""
CX_PRICE = 0.05
"""What `gap` takes off for a full budget of CX."""
CHEMICAL_ACCURACY = 1.6e-3
"""Ha: 1 kcal/mol."""


@dataclass(frozen=True)
class Reward:
    """Rewards from energies and CX counts.

    With e = (E - best) / (reference - best), the error relative to that of the reference:

    - ``"precision"``: min(-log10 max(e, 1e-6), 6) / 6 - price n_cx / budget.
    - ``"gap"``: clip(1 - e, -1, 1) - 0.05 n_cx / budget.
    - ``"target"``: share of the decades from the reference to the target that is closed, -1 at least and 1 at most; where
      the target is met, 1 + the share of the budget that is saved. Both halved, so that 1 is the most.

    Attributes:
        kind: see above.
        best: lowest energy there is. reference: energy whose error counts as 1.
        budget: most two-qubit gates.
        price: of a full budget, in units of the reward; `precision` alone.
        target: error that suffices, in units of the energy; `target` alone.
    """

    kind: Kind
    best: float
    reference: float
    budget: int
    price: float = 0.0
    target: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidSpec(
                f"Expected a reward, one of {', '.join(KINDS)}, got {self.kind!r}.", field="problem.params.reward"
            )
        if self.kind == "target" and not 0 < self.target < self.reference - self.best:
            raise InvalidSpec(
                f"Expected a target between 0 and the error of the best product state, "
                f"{self.reference - self.best:.4g}, got {self.target:g}.",
                field="problem.params.target",
            )

    def of(self, energies: F8, n_cx: F8) -> F8:
        """Return rewards f8 (n,)."""
        error, spent = (energies - self.best) / (self.reference - self.best), n_cx / self.budget
        if self.kind == "gap":
            gap: F8 = np.clip(1.0 - error, -1.0, 1.0) - CX_PRICE * spent
            return gap
        decades = np.minimum(-np.log10(np.maximum(error, 10.0**-PRECISION)), PRECISION)
        if self.kind == "precision":
            precision: F8 = decades / PRECISION - self.price * spent
            return precision
        wanted = -np.log10(self.target / (self.reference - self.best))
        closed = np.clip(decades / wanted, -1.0, 1.0)
        return np.where(energies - self.best <= self.target, 2.0 - spent, closed) / 2
