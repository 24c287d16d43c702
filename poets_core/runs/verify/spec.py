"""The spec of an archive: that it can be read, and says what was written down when the run was created."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poets_core.errors import InvalidInput
from poets_core.intake import shown
from poets_core.runs.uploads import PREFIX, upload_checksum
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check, not_done
from poets_core.spec import RunSpec, parse_spec

SPEC, WRITTEN = "spec.json", "spec-as-written.json"
LARGEST = 8 << 20


def read_spec_of(archive: Archive, name: str) -> RunSpec:
    """Return a spec out of an archive.

    Raises:
        InvalidInput: it is not there, cannot be unpacked, or is no spec.
    """
    if name not in archive:
        raise InvalidInput(f"Expected {name} in the archive, got none.")
    return parse_spec(archive.read(name, LARGEST), where=name)


def spec(archive: Archive) -> tuple[Check, RunSpec | None]:
    """Compare spec.json with the spec as it was written down; return it too, None where it cannot be read."""
    try:
        here = read_spec_of(archive, SPEC)
    except InvalidInput as error:
        return check("spec", "not read", [Finding(SPEC, str(error), "", error.field)]), None
    if WRITTEN not in archive:
        return not_done("spec", "nothing to compare it with: the archive is older than the hash of a spec"), here
    try:
        written = read_spec_of(archive, WRITTEN)
    except InvalidInput as error:
        return check("spec", "not compared", [Finding(WRITTEN, str(error), "", error.field)]), here
    # A run may be given another name at any time, and a file lies elsewhere in the archive than in the store.
    one, other = (found.model_dump(mode="json", exclude={"label"}) for found in (written, here))
    differing = list(_differing(one, other, ""))
    return check("spec", "every setting against the spec as it was written down", differing), here


def _differing(written: Any, here: Any, place: str) -> Iterator[Finding]:
    if isinstance(written, dict) and isinstance(here, dict):
        for name in {**written, **here}:
            yield from _differing(written.get(name), here.get(name), f"{place}.{name}" if place else name)
    elif isinstance(written, list) and isinstance(here, list) and len(written) == len(here):
        for i, (a, b) in enumerate(zip(written, here, strict=True)):
            yield from _differing(a, b, f"{place}.{i}")
    elif written != here and not _same_file(written, here):
        yield Finding(SPEC, f"Expected {shown(written)} as it was written down, got {shown(here)}.", "", place)


def _same_file(written: object, here: object) -> bool:
    """Whether both name one upload: in the store it lies in its uploads, in an archive in table/."""
    if not (isinstance(written, str) and isinstance(here, str)):
        return False
    name = written.removeprefix(PREFIX) if written.startswith(PREFIX) else written.rpartition("/")[2]
    return bool(upload_checksum(name)) and here in (
        f"table/{name}",
        *([here] if here.endswith(f"/uploads/{name}") else []),
    )


def tables_named(archive: Archive, here: dict[str, str]) -> Check:
    """Check that each table of the archive has the contents of which its name holds the checksum.

    Args:
        archive: of a run.
        here: SHA-256 of every member.
    """
    names = [name for name in archive.names if name.startswith("table/")]
    wrong = [
        Finding(name, f"Expected SHA-256 {said}… as in its name, got {here.get(name, '')[:16]}….")
        for name in names
        if (said := upload_checksum(name)) and not here.get(name, "").startswith(said)
    ]
    return check("data", f"{len(names):,} tables against the checksums in their names", wrong)
