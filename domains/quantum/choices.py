"""What somebody chooses whatever the target: coupling, budget of two-qubit gates, reward, optimiser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domains.quantum.circuit import Language
from domains.quantum.coupling import Pairs, coupling_of
from domains.quantum.dressing import dressed_language
from poets_core.errors import InvalidTable

if TYPE_CHECKING:
    from domains.quantum.inputs.coupling import CouplingRead

PARAMS = "problem.params"


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Name the parameter that holds what cannot be read."""
    try:
        yield
    except InvalidTable as error:
        raise InvalidTable(str(error), field=f"{PARAMS}.{error.field or name}") from error


@dataclass(frozen=True)
class Choices:
    """What somebody chooses for any target: the fields that all these problems have.

    Attributes:
        max_cx: most two-qubit gates.
        coupling, pairs: coupling map, and the pairs of one's own.
        written: ``"entanglers"``: two-qubit gates, with rotations put around them; ``"gates"``: gate by gate.
        reward, price, target: see `domains.quantum.rewards.Reward`.
        iterations, starts: of the angle optimiser.
        noise: depolarising probability of a two-qubit gate, of others a tenth; energies are then those of the noisy
            circuit.
        circuits, circuits_file: circuits to start from, see `domains.quantum.given`.
    """

    max_cx: int = 10
    coupling: str = "all"
    pairs: str = ""
    written: str = "entanglers"
    reward: str = "precision"
    price: float = 0.0
    target: float = 0.0
    iterations: int = 100
    starts: int = 4
    noise: float = 0.0
    circuits: str = ""
    circuits_file: str = ""

    def language(self, n: int, *, real: bool, start: tuple[int, ...]) -> Language:
        """Return the circuits of n qubits."""
        pairs = self.coupled(n)
        if self.written == "entanglers" and n > 1:
            return dressed_language(n, pairs, self.max_cx, real=real, start=start)
        return Language(n, pairs, True, n + 3 * self.max_cx, self.max_cx, start=start)

    def coupled(self, n: int) -> Pairs:
        """Return the coupled pairs."""
        if self.coupling != "own":
            return coupling_of(self.coupling, n)
        return coupling_of("own", n, self._own(n).edges)

    def said(self, n: int) -> tuple[str, ...]:
        """Return what was done with a coupling map of one's own, sentences."""
        return self._own(n).notes if self.coupling == "own" else ()

    def _own(self, n: int) -> CouplingRead:
        from domains.quantum.inputs.coupling import read_coupling

        with reading("pairs"):
            return read_coupling(self.pairs, n)
