"""All checks of an archive that run nothing of it: what `poets verify` says before anything is measured again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from poets_core.errors import InvalidInput
from poets_core.intake import shown
from poets_core.runs.chain import parts_of
from poets_core.runs.events import Recorded
from poets_core.runs.tensors import ENDING
from poets_core.runs.verify import files, log
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check, not_done
from poets_core.runs.verify.spec import WRITTEN, spec, tables_named
from poets_core.runs.verify.tables import report, tables
from poets_core.runs.views.fold import RunView, fold
from poets_core.spec import RunSpec

FORMATS = (1, 2)


@dataclass(frozen=True)
class Read:
    """An archive as it was read.

    Attributes:
        checks: what was checked.
        run: id of the run, "" where the archive does not say it.
        fingerprint: SHA-256 of checksums.json, and so of everything in the archive.
        head: link of the last event, "" for none.
        spec: of the run, None where it cannot be read.
        events: that could be read; view: their fold, None where they cannot be folded.
    """

    checks: tuple[Check, ...]
    run: str
    fingerprint: str
    head: str
    spec: RunSpec | None
    events: Sequence[Recorded]
    view: RunView | None


def read_archive(archive: Archive, head: str = "", fingerprint: str = "") -> Read:
    """Check an archive: files, tensors, chain, events, tables, spec.

    Args:
        archive: that is open.
        head, fingerprint: as somebody has published them; "" for none.

    Raises:
        InvalidInput: its directory cannot be read any more. What is wrong inside is a finding.
    """
    facts, wrong = _facts(archive)
    now = facts.get("format") == FORMATS[-1]
    run = str(facts.get("run", ""))
    summed, here = files.checksums(archive)
    print_ = _fingerprint(archive)
    if fingerprint and fingerprint != print_:
        said = f"Expected the fingerprint {shown(fingerprint, 16)} that was published, got {shown(print_, 16)}."
        wrong.append(Finding(files.CHECKSUMS, said))
    told, found = spec(archive)
    checks = [check("format", f"format {facts.get('format', 1)}", wrong), files.missing_members(archive, now), summed]
    checks += [files.tensors(archive)] if now or files.TENSORS in archive else [_untensored(archive)]
    checks += [told, tables_named(archive, dict(here))]
    try:
        lines = log.read_lines(archive)
    except InvalidInput as error:
        checks.append(check("events", "not read", [Finding(log.EVENTS, str(error))]))
        return Read(tuple(checks), run, print_, "", found, (), None)
    read, events = log.read_events(lines)
    checks += [read, log.chain(lines, _written(archive), facts, head), log.consistent(events, run, found)]
    checks.append(log.named_files(events, here))
    view = None
    if read.state == "ok":
        try:
            view = fold(events)
            checks.append(tables(archive, view, now))
            checks += [report(archive, view)] if now else []
        # Events that can be read may still make no run together: an observation of nothing that was proposed.
        except (KeyError, ValueError, IndexError, TypeError) as error:
            said = f"Expected events that fit one another, got {type(error).__name__}: {error}."
            checks.append(check("tables", "not compared", [Finding(log.EVENTS, said)]))
    else:
        checks.append(not_done("tables", "the events cannot all be read"))
    last = parts_of(lines[-1])[1] if lines else ""
    return Read(tuple(checks), run, print_, last, found, events, view)


def _facts(archive: Archive) -> tuple[dict[str, object], list[Finding]]:
    """Return archive.json and what is wrong with it; an archive without one is of format 1."""
    later = [name for name in (files.TENSORS, WRITTEN) if name in archive]
    if files.FACTS not in archive:
        # Taking one file out must not make an archive one of the old kind, of which less is checked.
        return {}, [Finding(files.FACTS, f"Expected it beside {name}, got none: it was taken out.") for name in later]
    try:
        facts = files.read_object(archive, files.FACTS)
    except InvalidInput as error:
        return {"format": FORMATS[-1]}, [Finding(files.FACTS, str(error))]
    if facts.get("format") != FORMATS[-1]:
        said = f"Expected format {FORMATS[-1]}, got {shown(facts.get('format'))}. A newer program may read it."
        return facts, [Finding(files.FACTS, said, "", "format")]
    return facts, []


def _fingerprint(archive: Archive) -> str:
    try:
        return hashlib.sha256(archive.read(files.CHECKSUMS)).hexdigest() if files.CHECKSUMS in archive else ""
    except InvalidInput:
        return ""  # said by the check of the checksums


def _written(archive: Archive) -> str | None:
    try:
        return archive.read(WRITTEN).decode("utf-8", "replace") if WRITTEN in archive else None
    except InvalidInput:
        return None


def _untensored(archive: Archive) -> Check:
    n = sum(name.endswith(ENDING) for name in archive.names)
    return not_done("tensors", f"{n:,} files of tensors are checked as wholes: the archive is older than tensors.json")
