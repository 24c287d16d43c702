"""The chain of a run's events: each event carries a link, a hash of itself and of the link before it.

A link is the SHA-256 of the link before, a line end, and the event's line of events.jsonl as far as its link. The link
before the first event is that of the spec. So spec and events that are changed, put in another order, added or taken
out later do not fit the links that follow, and the last link, the head, stands for the whole run: who has published it
has promised everything before it.

Events that an older program wrote have no link. The next event that has one covers them: their lines stand before its
own in what is hashed. The scheme is that of hash-linked time-stamping (Haber and Stornetta, J. Cryptology 3:99, 1991).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

FIELD = ', "link": "'
"""What stands between an event and its link in a line."""


def spec_link(spec: str) -> str:
    """Return the link before the first event, hex.

    Args:
        spec: JSON text as the store has kept it since the run was created.
    """
    return hashlib.sha256(f"poets run\n{spec}".encode()).hexdigest()


def event_text(seq: int, at: float, kind: str, body: str) -> str:
    """Return a line of events.jsonl as far as its link.

    Args:
        seq, at, kind: of the event, see `poets_core.runs.events.Recorded`.
        body: its JSON, letter by letter as the store keeps it.
    """
    return f'{{"seq": {seq}, "at": {at!r}, "kind": "{kind}", "body": {body}'


def next_link(before: str, texts: Sequence[str]) -> str:
    """Return the link of the last of some events, hex.

    Args:
        before: the link before them.
        texts: of the events since, `event_text` each: one, or more where earlier ones have no link.
    """
    return hashlib.sha256("\n".join([before, *texts]).encode()).hexdigest()


def line_of(text: str, link: str) -> str:
    """Return a whole line of events.jsonl; without a link it ends after the body."""
    return f'{text}{FIELD}{link}"}}' if link else f"{text}}}"


def parts_of(line: str) -> tuple[str, str]:
    """Return the text of an event and its link, "" for none, out of a line of events.jsonl."""
    # From the right: a body may quote anything, and a link is the last that a line holds.
    text, found, link = line.rpartition(FIELD)
    if found and link.endswith('"}') and "{" not in link and len(link) <= 66:
        return text, link[:-2]
    return line.removesuffix("}"), ""
