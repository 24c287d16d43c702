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

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

MOST = 500
"""Characters of a message; what it quotes may be megabytes long."""
_SECRETS: set[str] = set()
_USER = re.compile(r"(?<=://)[^\s\"'<>]*@")  # up to the last @, since a password may hold some itself
_NO_HOST = re.compile(r"(?<=://)([^\s:/@\"'\[]*):(?!\d+\b)[^\s@\"'<>]+")
_NAMED = re.compile(r"(?i)\b(password|passwd|passfile|pwd|secret|token|api_?key)(=|%3d)[^\s&;,\"']+")
_HUB = re.compile(r"\bhf_[A-Za-z0-9]{8,}")
_PATH = re.compile(r"(?<![\w.:/~…-])/(?:[^\s/:'\"]+/)+(?=[^\s/:'\"]+/[^\s/:'\"]+)")
_FOREIGN = re.compile(
    r"(?s)\b\w*(?:Error|Exception|Invalid|Warning)\b: .*?(?:\. (?=[A-Z])|\Z)"
)  # a library's own words
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|“[^”]*”")


def keep_secret(text: str | None) -> None:
    """Let no message from now on hold this text, the password of a store for instance."""
    if text and len(text) > 2:
        _SECRETS.update((text, quote(text, safe=""), unquote(text)))


def told(message: object) -> str:
    """Return a message as anybody may see it: no credentials, at most `MOST` characters, every one a character.

    Args:
        message: of an error, whatever raised it.
    """
    text = str(message)[: 8 * MOST]
    for secret in _SECRETS:
        text = text.replace(secret, "***")
    text = _HUB.sub("hf_***", _NAMED.sub(r"\1=***", _NO_HOST.sub(r"\1:***", _USER.sub("***@", text))))
    text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def short_paths(message: str) -> str:
    """Return a message in which every absolute path is its last two parts: where this program lies is nobody's."""
    return _PATH.sub("…/", message)


def unquoted(message: str) -> str:
    """Return a message without anything that it quotes: it may be of a file that is not ours to show."""
    return f"{_FOREIGN.sub('another error. ', _QUOTED.sub('‘…’', message))} (A file outside the uploads is not quoted.)"


class PoetsError(Exception):
    """Base of all errors raised on purpose.

    What is wrong is often quoted, and comes from anywhere: a message is cut, and holds no credentials (`told`).
    """

    def __init__(self, message: object = "") -> None:
        """Take a message."""
        super().__init__(told(message))


class InvalidInput(PoetsError, ValueError):
    """Something a person supplied is wrong; the message says what to change.

    Attributes:
        fields: what is wrong with which field, by its dotted place in the spec (``"search.steps"``,
            ``"problem.params.table"``); empty where no field can be named.
    """

    def __init__(self, message: str, *, field: str = "", fields: Mapping[str, str] | None = None) -> None:
        """Take a message about the whole, and either the one `field` it is about or the messages of several."""
        super().__init__(message)
        self.fields = {name: told(text) for name, text in (fields or ({field: message} if field else {})).items()}

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
