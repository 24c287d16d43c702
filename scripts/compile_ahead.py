"""Compile the simulator of circuits ahead of its first use, which would otherwise keep a form waiting for a minute.

    python -m scripts.compile_ahead

What is compiled is kept on disk, for one state of the sources.
"""

from __future__ import annotations

from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import FREE, Op
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.observable import Observable


def main() -> None:
    """Run from the command line."""
    optimise_angles([[Op("ry", (0,), FREE)]], Observable.of_energy(PauliSum((("Z", 1.0),))), iterations=1)


if __name__ == "__main__":
    main()
