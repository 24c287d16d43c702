"""What people do with the runs of a store: list, rename, tag, put away, delete."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, RowMapping, delete, func, select, update

from poets_core.errors import InvalidInput, StoreUnavailable
from poets_core.runs.database import clock, transaction
from poets_core.runs.listing import ListedRun, RunQuery, page_of_runs
from poets_core.runs.outage import waits_for_store
from poets_core.runs.rows import fetch_run, run_row, split_tags
from poets_core.runs.schema import COMMANDS, EVENTS, RUNS
from poets_core.runs.status import RunRow

LONGEST_NAME = 120
LONGEST_TAG, MOST_TAGS = 40, 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Holding:
    """What a run holds, and so what deleting it frees.

    Attributes:
        files: bytes in its folder, and in those of its exports.
        records: bytes of its events in the database, which the database will use for other runs.
        tasks: ids of exports that were made of it; they go with it.
        used_by: ids of experiments that compare its branches; they stay readable and cannot go on.
    """

    files: int
    records: int
    tasks: tuple[str, ...]
    used_by: tuple[str, ...]


class Shelf:
    """The part of a store that people keep in order; `poets_core.runs.sql.SqlStore` is the rest of it."""

    files: Path
    _engine: Engine

    def listed(self, query: RunQuery, limit: int = 50, offset: int = 0) -> list[ListedRun]:
        """Return a page of the runs that are wanted, each with the baselines that were started beside it.

        Args:
            query: which runs, in which order.
            limit, offset: of runs that do not stand under another.

        Raises:
            StoreUnavailable.
        """
        with transaction(self._engine, writes=False) as connection:
            rows, below = page_of_runs(connection, query, limit, offset)
            now = clock(connection)
        lines = {r["id"]: self._line(r, now) for r in below}
        return [self._line(r, now, [lines[b["id"]] for b in below if b["lead"] == r["id"]]) for r in rows]

    def tags(self) -> list[str]:
        """Return every tag that a run has, sorted.

        Raises:
            StoreUnavailable.
        """
        with transaction(self._engine, writes=False) as connection:
            found = connection.scalars(select(RUNS.c.tags).where(RUNS.c.tags != "").distinct()).all()
        return sorted({tag for text in found for tag in split_tags(text)})

    def rename(self, run: str, name: str) -> None:
        """Call a run something else; ``""``: by its problem again.

        Raises:
            InvalidInput: the name is too long, or has line breaks.
            UnknownRun, StoreUnavailable.
        """
        name = name.strip()
        if len(name) > LONGEST_NAME or _CONTROL.search(name):
            raise InvalidInput(
                f"Expected a name of one line and at most {LONGEST_NAME} characters, got {len(name)} characters.",
                field="label",
            )
        self._change(run, label=name)

    def tag(self, run: str, tags: Sequence[str]) -> None:
        """Give a run these tags, in place of those it had.

        Raises:
            InvalidInput: too many, too long, or one with a comma or a line break.
            UnknownRun, StoreUnavailable.
        """
        clean = list(dict.fromkeys(filter(None, (t.strip() for t in tags))))
        wrong = [t for t in clean if len(t) > LONGEST_TAG or "," in t or _CONTROL.search(t)]
        if wrong or len(clean) > MOST_TAGS:
            raise InvalidInput(
                f"Expected at most {MOST_TAGS} tags of at most {LONGEST_TAG} characters without commas, got "
                f"{len(clean)}{f', among them {wrong[0][:60]!r}' if wrong else ''}.",
                field="tags",
            )
        self._change(run, tags=f",{','.join(clean)}," if clean else "")

    def archive(self, run: str, *, away: bool = True) -> None:
        """Put a run away, out of the usual list, or take it back; nothing of it changes.

        Raises:
            UnknownRun, StoreUnavailable.
        """
        self._change(run, archived=away)

    def holding(self, run: str) -> Holding:
        """Return what a run holds.

        Raises:
            UnknownRun, StoreUnavailable.
        """
        with transaction(self._engine, writes=False) as connection:
            fetch_run(connection, run)
            tasks, used_by = _naming(connection, run, "task"), _naming(connection, run, "experiment")
            size = select(func.coalesce(func.sum(func.length(EVENTS.c.body)), 0))
            records = connection.scalar(size.where(EVENTS.c.run.in_([run, *tasks])))
        files = sum(_size(self.files / "runs" / name) for name in (run, *tasks))
        return Holding(files, int(records or 0), tasks, used_by)

    def delete(self, run: str) -> None:
        """Delete a run and the exports made of it, rows and files. Nothing else deletes what was stored.

        Uploads stay: other runs may read them.

        Raises:
            InvalidInput: a worker is at work on it.
            UnknownRun, StoreUnavailable: nothing was deleted; or its files could not be, which the message says.
        """
        with transaction(self._engine, writes=True) as connection:
            rows = [fetch_run(connection, run, lock=True)]
            rows += [fetch_run(connection, task, lock=True) for task in _naming(connection, run, "task")]
            now = clock(connection)
            for row in rows:
                status = self._row(row, now).status
                if status.active:
                    raise InvalidInput(
                        f"Expected a run that no worker is at work on, got {row['id']}, which is {status.state}. "
                        "Stop it first."
                    )
            ids = [row["id"] for row in rows]
            followers = connection.scalars(select(RUNS.c.id).where(RUNS.c.lead == run).order_by(RUNS.c.created)).all()
            if followers:  # the first of its baselines heads the group from now on
                heir = followers[0]
                connection.execute(update(RUNS).where(RUNS.c.lead == run).values(lead=heir))
                connection.execute(update(RUNS).where(RUNS.c.id == heir).values(lead=""))
            for table in (EVENTS, COMMANDS):
                connection.execute(delete(table).where(table.c.run.in_(ids)))
            connection.execute(delete(RUNS).where(RUNS.c.id.in_(ids)))
        # After the rows: a run that is listed has its files. What a power cut leaves here is a folder nobody names.
        for name in ids:
            try:
                shutil.rmtree(self.files / "runs" / name)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreUnavailable(
                    f"Expected to delete the files of run {name} with it, got: {error.strerror}. The run is deleted; "
                    f"remove the folder runs/{name} of the store by hand."
                ) from error

    def _line(self, row: RowMapping, now: float, beside: Sequence[ListedRun] = ()) -> ListedRun:
        return ListedRun(self._row(row, now), row["began"], row["last"], tuple(beside))

    def _row(self, row: RowMapping, now: float) -> RunRow:
        """Return a line of the table of runs at a moment."""
        waits = bool(row["held"]) and waits_for_store(self.files / "runs" / str(row["id"]), row["epoch"])
        return run_row(row, now, waits=waits)

    def _change(self, run: str, **values: str | bool) -> None:
        with transaction(self._engine, writes=True) as connection:
            fetch_run(connection, run, lock=True)
            connection.execute(update(RUNS).where(RUNS.c.id == run).values(**values))


def _naming(connection: Connection, run: str, kind: str) -> tuple[str, ...]:
    """Return the ids of the runs of a kind whose spec names a run; ids have no character that LIKE reads otherwise."""
    named = RUNS.c.spec.like(f'%"run":"{run}"%')
    return tuple(connection.scalars(select(RUNS.c.id).where(RUNS.c.kind == kind, named).order_by(RUNS.c.id)))


def _size(folder: Path) -> int:
    """Return the bytes of the files in a folder; one that disappears meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total
