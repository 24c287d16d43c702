"""Files of an archive against their checksums; of tensors, which one has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from poets_core.errors import InvalidInput, InvalidModel
from poets_core.intake import read_json, shown
from poets_core.runs.tensors import ENDING, tensor_checksums
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check

CHECKSUMS, TENSORS, FACTS = "checksums.json", "tensors.json", "archive.json"
NEEDED = ("spec.json", "events.jsonl", "candidates.csv", "versions.json", CHECKSUMS)
"""Members of every archive."""
NEEDED_NOW = (FACTS, TENSORS, "spec-as-written.json", "report.html")
"""Members of an archive of format 2."""


def read_object(archive: Archive, name: str) -> dict[str, Any]:
    """Return a JSON object out of an archive.

    Raises:
        InvalidInput: it is not there, cannot be unpacked, or is no JSON object.
    """
    if name not in archive:
        raise InvalidInput(f"Expected {name} in the archive, got none.")
    found = read_json(archive.read(name), f"JSON in {name}", InvalidInput, most=64 << 20)
    if not isinstance(found, dict):
        raise InvalidInput(f"Expected a JSON object in {name}, got {shown(found)}.")
    return found


def missing_members(archive: Archive, now: bool) -> Check:
    """Check that what every archive has is there.

    Args:
        archive: of a run.
        now: whether it says that it is of format 2.
    """
    needed = NEEDED + NEEDED_NOW * now
    found = [Finding(n, "Expected it in the archive, got none.") for n in needed if n not in archive]
    return check("members", f"{len(archive.names):,} files", found)


def checksums(archive: Archive) -> tuple[Check, Mapping[str, str]]:
    """Check every file against checksums.json.

    Returns:
        the check, and the SHA-256 of every file that could be read.
    """
    try:
        wanted = read_object(archive, CHECKSUMS)
    except InvalidInput as error:
        wanted, findings = {}, [Finding(CHECKSUMS, str(error))]
    else:
        findings = []
    here: dict[str, str] = {}
    for name in archive.names:
        if name == CHECKSUMS:
            continue
        try:
            here[name] = _digest(archive, name)
        except InvalidInput as error:
            findings.append(Finding(name, str(error)))
            continue
        if name not in wanted:
            findings.append(Finding(name, "Expected a checksum of it in checksums.json, got none: it was added."))
        elif here[name] != wanted[name]:
            findings.append(
                Finding(name, f"Expected SHA-256 {shown(wanted[name], 12)}, got {here[name][:12]}…: it was changed.")
            )
    findings += [
        Finding(name, "Expected it in the archive, since checksums.json names it, got none: it was taken out.")
        for name in wanted
        if name not in archive
    ]
    return check("checksums", f"{len(here):,} files against checksums.json", findings), here


def _digest(archive: Archive, name: str) -> str:
    whole = hashlib.sha256()
    for block in archive.blocks(name):
        whole.update(block)
    return whole.hexdigest()


def tensors(archive: Archive) -> Check:
    """Check every tensor against tensors.json."""
    try:
        wanted = read_object(archive, TENSORS)
    except InvalidInput as error:
        return check("tensors", "no checksums of tensors", [Finding(TENSORS, str(error))])
    files = [name for name in archive.names if name.endswith(ENDING)]
    findings = [Finding(n, "Expected its tensors in tensors.json, got none.") for n in files if n not in wanted]
    findings += [
        Finding(n, "Expected it in the archive, since tensors.json names it.") for n in wanted if n not in files
    ]
    count = 0
    for name in (n for n in files if n in wanted):
        try:
            with archive.stream(name) as file:
                here = tensor_checksums(file, name)
        except InvalidModel as error:
            if wanted[name] is not None:
                findings.append(Finding(name, str(error)))
            continue
        except InvalidInput as error:
            findings.append(Finding(name, str(error)))
            continue
        count += len(here)
        findings += _differing(name, here, wanted[name])
    return check("tensors", f"{count:,} tensors in {len(files):,} files against tensors.json", findings)


def _differing(file: str, here: Mapping[str, Any], wanted: object) -> Iterator[Finding]:
    if not isinstance(wanted, dict):
        yield Finding(TENSORS, f"Expected the tensors of {shown(file)}, got {shown(wanted)}.")
        return
    for tensor in sorted({*here, *wanted}):
        if tensor not in wanted:
            yield Finding(file, "Expected it in tensors.json, got none: it was added.", f"tensor {tensor}")
        elif tensor not in here:
            yield Finding(file, "Expected it in the file, got none: it was taken out.", f"tensor {tensor}")
        elif here[tensor] != wanted[tensor]:
            then = wanted[tensor] if isinstance(wanted[tensor], dict) else {}
            field = next(f for f in ("sha256", "shape", "dtype") if here[tensor][f] != then.get(f))
            yield Finding(
                file,
                f"Expected {field} {shown(then.get(field), 16)}, got {shown(here[tensor][field], 16)}.",
                f"tensor {tensor}",
                {"sha256": "values"}.get(field, field),
            )
