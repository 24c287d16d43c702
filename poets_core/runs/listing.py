"""The list of runs: which of them are wanted, in which order, each with the baselines that were started beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, FromClause, RowMapping, Select, case, exists, or_, select

from poets_core.runs.schema import EVENTS, RUNS
from poets_core.runs.status import RunRow

Ended: TypeAlias = Literal["", "unfinished", "finished", "stopped", "failed"]
"""How far a run has come; ``""`` for any."""
Order: TypeAlias = Literal["newest", "oldest", "name", "problem", "best", "calls"]
_ESCAPE = "\\"


@dataclass(frozen=True)
class RunQuery:
    """Which runs are wanted.

    Attributes:
        words: each of them is part of the id, the name, the problem, the method or a tag, in any case.
        synonyms: more that a word stands for, by word: names of problems and methods, whose titles only pages know.
        kinds: ``"search"``, ``"experiment"``, ``"rewards"``, ``"task"``.
        problem, method, tag: exactly this; ``""`` for any.
        ended: how far they have come.
        archived: those that were put away, instead of those that were not.
        order: which comes first.
    """

    words: tuple[str, ...] = ()
    synonyms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kinds: tuple[str, ...] = ("search", "experiment", "rewards")
    problem: str = ""
    method: str = ""
    tag: str = ""
    ended: Ended = ""
    archived: bool = False
    order: Order = "newest"


@dataclass(frozen=True)
class ListedRun:
    """One run of a list.

    Attributes:
        row: the run.
        began, last: when its first and its last event were written, by the store's clock; None before there is one.
        beside: baselines that were started with it and are wanted too.
    """

    row: RunRow
    began: float | None
    last: float | None
    beside: tuple[ListedRun, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long it has been at work, pauses included; None before it began."""
        if self.began is None or self.last is None:
            return None
        return (self.row.status.now if self.row.status.active else self.last) - self.began


def page_of_runs(
    connection: Connection, query: RunQuery, limit: int, offset: int
) -> tuple[list[RowMapping], list[RowMapping]]:
    """Return the rows of one page, and of the baselines that stand under them, with columns ``began`` and ``last``.

    A baseline stands under its own run if that is wanted too, else by itself.

    Args:
        connection: to the store.
        query: which.
        limit, offset: of runs that do not stand under another.
    """
    lead = RUNS.alias("own")
    stands_under = exists().where(lead.c.id == RUNS.c.lead, *_wanted(query, lead))
    found = _with_times().where(*_wanted(query, RUNS), ~stands_under).order_by(*_order(query))
    rows = list(connection.execute(found.limit(limit).offset(offset)).mappings())
    below = _with_times().where(*_wanted(query, RUNS), RUNS.c.lead.in_([r["id"] for r in rows]))
    return rows, list(connection.execute(below.order_by(RUNS.c.created, RUNS.c.id)).mappings())


def _with_times() -> Select[tuple[object, ...]]:
    """Select rows with the times of the first and the last event: found by the primary key, however long the log."""
    first, last = EVENTS.alias("first_event"), EVENTS.alias("last_event")
    began = select(first.c.at).where(first.c.run == RUNS.c.id, first.c.seq == 1).scalar_subquery()
    ended = select(last.c.at).where(last.c.run == RUNS.c.id, last.c.seq == RUNS.c.last_seq).scalar_subquery()
    return select(RUNS, began.label("began"), ended.label("last"))


def _wanted(query: RunQuery, runs: FromClause) -> list[ColumnElement[bool]]:
    c = runs.c
    found: list[ColumnElement[bool]] = [c.kind.in_(query.kinds), c.archived.is_(query.archived)]
    found += [column == value for column, value in ((c.problem, query.problem), (c.method, query.method)) if value]
    if query.tag:
        found.append(c.tags.like(f"%,{_literal(query.tag)},%", escape=_ESCAPE))
    known = dict(query.synonyms)
    for word in query.words:
        like = f"%{_literal(word)}%"
        texts = [column.ilike(like, escape=_ESCAPE) for column in (c.id, c.label, c.problem, c.method, c.tags)]
        names = known.get(word, ())
        found.append(or_(*texts, c.problem.in_(names), c.method.in_(names)))
    if query.ended == "unfinished":
        found.append(c.phase.not_in(("finished", "failed")))
    elif query.ended == "failed":
        found.append(c.phase == "failed")
    elif query.ended:
        found += [c.phase == "finished", (c.reason == "stopped") == (query.ended == "stopped")]
    return found


def _literal(text: str) -> str:
    """Escape what LIKE would read as a pattern."""
    return "".join(_ESCAPE + ch if ch in "%_\\" else ch for ch in text)


def _order(query: RunQuery) -> list[ColumnElement[object]]:
    c = RUNS.c
    newest: list[ColumnElement[object]] = [c.created.desc(), c.id.desc()]
    # Where small values are good, the smallest is the best; runs without a value come last, whatever the back end.
    best = [c.best.is_(None), case((c.minimise, c.best), else_=-c.best)]
    orders: dict[str, list[ColumnElement[object]]] = {
        "newest": newest,
        "oldest": [c.created, c.id],
        "name": [case((c.label == "", 1), else_=0), c.label, *newest],
        "problem": [c.problem, *newest],
        "best": [*best, *newest],
        "calls": [c.calls.desc(), *newest],
    }
    return orders[query.order]
