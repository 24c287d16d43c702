"""Every error this project raises on purpose, in one tree.

    PoetsError
    ├── InvalidInput        something a person supplied is wrong
    │   ├── InvalidSpec     a RunSpec, or a parameter of a problem
    │   ├── InvalidDesign   text that is not a design of the problem
    │   ├── InvalidTable    an uploaded table
    │   ├── InvalidModel    a backbone or adapter that is missing or unusable
    │   └── InvalidComparisons  comparisons of policies, or their win probabilities
    ├── MissingPackage      a package that a problem needs is not installed
    ├── Diverged            training left the finite numbers
    └── StoreError          the run store could not do what was asked
        ├── UnknownRun      no such run
        ├── LeaseLost       another worker owns the run now; stop writing
        └── StoreUnavailable  unreadable, half-written or of another kind
            └── StoreAway   locked, out of space, read-only or not reachable: it may answer again by itself

Messages follow one pattern: what was expected, what came, where, what to do. What a form can show beside a field
names that field.
"""

from __future__ import annotations

from collections.abc import Mapping


class PoetsError(Exception):
    """Base of all errors raised on purpose."""


class InvalidInput(PoetsError, ValueError):
    """Something a person supplied is wrong; the message says what to change.

    Attributes:
        fields: what is wrong with which field, by its dotted place in the spec (``"search.steps"``,
            ``"problem.params.table"``); empty where no field can be named.
    """

    def __init__(self, message: str, *, field: str = "", fields: Mapping[str, str] | None = None) -> None:
        """Take a message about the whole, and either the one `field` it is about or the messages of several."""
        super().__init__(message)
        self.fields: dict[str, str] = dict(fields or ({field: message} if field else {}))

    @property
    def field(self) -> str:
        """The first field that is wrong, ``""`` where none is named."""
        return next(iter(self.fields), "")


class InvalidSpec(InvalidInput):
    """A RunSpec, or a parameter of a problem, cannot be run."""


class InvalidDesign(InvalidInput):
    """Text that does not decode to a design of the problem."""


class InvalidTable(InvalidInput):
    """An uploaded table is unreadable or contradicts itself."""


class InvalidModel(InvalidInput):
    """A backbone or adapter is missing, unsafe or of an unsupported kind."""


class InvalidComparisons(InvalidInput):
    """Comparisons of policies, or win probabilities, that contradict themselves or decide nothing."""


class MissingPackage(PoetsError, ImportError):
    """A package that a problem needs is not installed; the message says how to install it."""


class Diverged(PoetsError, ArithmeticError):
    """Training left the finite numbers, or a scale could not be reached."""


class StoreError(PoetsError):
    """The run store could not do what was asked."""


class UnknownRun(StoreError):
    """No run of that name is in the store."""


class LeaseLost(StoreError):
    """Another worker has taken the run over; this one must stop writing."""


class StoreUnavailable(StoreError):
    """The store is unreadable, half-written, or does not answer."""


class StoreAway(StoreUnavailable):
    """The store is locked, out of space, read-only or not reachable; the same call may succeed later."""
