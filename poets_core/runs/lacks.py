"""What a store lacks of what it names, in one sentence for people; nothing is said of a whole one."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, func, select

from poets_core.runs.database import transaction
from poets_core.runs.schema import RUNS
from poets_core.runs.uploads import FOLDER, PREFIX

MOST = 3
"""Names that are said."""


def lacks(engine: Engine, files: Path) -> str:
    """Return what is missing and what to do, ``""`` if nothing is.

    Looked for are an empty database beside folders of runs, folders of runs that have measured something, and uploads.

    Args:
        engine: of the store's database.
        files: folder of its files.

    Raises:
        StoreUnavailable: it cannot be read.
    """
    with transaction(engine, writes=False) as connection:
        runs = int(connection.scalar(select(func.count()).select_from(RUNS)) or 0)
        worked = connection.execute(select(RUNS.c.id).where(RUNS.c.last_seq > 0)).scalars().all()
        named = connection.execute(select(RUNS.c.spec).where(RUNS.c.spec.contains(PREFIX))).scalars().all()
    folders = files / "runs"
    there = {path.name for path in folders.iterdir()} if folders.is_dir() else set()
    if not runs and there:
        return (
            f"The database of this store is empty, but {len(there)} folders of runs lie beside it. It was probably "
            "copied without the file poets.db-wal: copy both while nothing runs, or use `poets backup` and "
            "`poets restore`."
        )
    gone = sorted(set(worked) - there)
    # Names of uploads hold a checksum and no character that JSON writes otherwise.
    uploads = {part.partition('"')[0] for spec in named for part in spec.split(PREFIX)[1:]}
    missing = sorted(name for name in uploads if not (files / FOLDER / name).is_file())
    said = [
        f"{len(names)} {what} ({', '.join(names[:MOST])}{', …' if len(names) > MOST else ''})"
        for what, names in (("folders of runs", gone), ("uploaded files", missing))
        if names
    ]
    if not said:
        return ""
    return f"This store lacks {' and '.join(said)} in {files}. Copy them there, or restore a backup."
