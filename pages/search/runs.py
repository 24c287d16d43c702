"""Runs: every search and experiment of this store; the way to the first one where there is none."""

from __future__ import annotations

import streamlit as st

from domains.catalog import entries, sciences
from domains.entry import Entry
from pages.parts.feed import the_shelf
from pages.parts.launch.first import first_spec
from pages.parts.links import COMPARE, JUDGE, LAUNCH, LEARN, LIVE, POLICIES, RUNS
from pages.parts.runs.facts import facts_of, title_of
from pages.parts.runs.filters import asks, query_fields
from pages.parts.runs.manage import do_what_is_asked, menu
from pages.parts.skeleton import store_errors, store_problem
from pages.parts.states import ago, badge, offers_judging, plain, span, state_of
from pages.parts.text import plain_error
from pages.parts.words import number, quantity
from poets_core.errors import PoetsError
from poets_core.runs.launch import launch
from poets_core.runs.listing import ListedRun, RunQuery
from poets_core.runs.store import SqlStore

PER_PAGE = 20
WIDTHS = (4, 1.4, 1.4, 1.9, 1.1, 1.5, 1.4)


def page() -> None:
    """Draw the page."""
    st.title("Runs", anchor=False)
    with store_errors():
        store = the_shelf()
        said = store.lacks()
        if said:
            st.warning(plain_error(said), icon=":material/folder_off:")
        if not store.runs(limit=1, kind=("search", "experiment", "rewards")):
            _empty(store)
            return
        tags = store.tags()
    with st.container(horizontal=True):
        st.page_link(LAUNCH, label="Launch a run", icon=":material/add_circle:")
        st.page_link(LEARN, label="Learn from rewards", icon=":material/school:")
        st.page_link(COMPARE, label="Compare runs", icon=":material/ssid_chart:")
        st.page_link(POLICIES, label="Compare policies", icon=":material/leaderboard:")
    do_what_is_asked(store)
    query = query_fields(tags)
    with store_errors():
        lines = store.listed(query, limit=PER_PAGE + 1, offset=_first())
    polls = min((p for line in lines for one in (line, *line.beside) if (p := _polls(one))), default=None)
    st.fragment(_table, run_every=polls)(store, query)


def _polls(line: ListedRun) -> float | None:
    return state_of(line.row.state).polls


def _first() -> int:
    """Offset of the first row, out of ``?page=``."""
    number = st.query_params.get("page", "1")
    return (max(int(number), 1) - 1) * PER_PAGE if number.isdecimal() and len(number) < 7 else 0


def _empty(store: SqlStore) -> None:
    with st.container(border=True, key="empty"):
        st.header("No runs yet", anchor=False)
        st.write(
            f"POETS searches for {plain(_designs())} with an ensemble of language models: they propose designs, each "
            "design is measured, and every model learns from the answers. A first look takes about half a minute on "
            "this machine: a protein benchmark whose best value is known."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            clicked = st.button("Start a first run", type="primary", icon=":material/play_arrow:", key="first-run")
            st.page_link(LAUNCH, label="Choose a problem instead", icon=":material/tune:")
    if clicked:
        try:
            run = store.create(first_spec())
            launch(store, run)
        except PoetsError as error:
            store_problem(error)
            return
        st.switch_page(LIVE, query_params={"run": run})
    st.header("What can be searched", anchor=False)
    for known in sciences():
        for item in known.problems:
            st.markdown(f"**{plain(item.title)}** · {plain(known.title)}  \n{plain(item.summary)}")


def _designs() -> str:
    """What can be searched for, in words: ``"sequences and circuits"``."""
    words = [f"{s.design}s" for s in sciences() if s.problems]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _table(store: SqlStore, query: RunQuery) -> None:
    """Draw one page of runs; called again every few seconds while one of them is at work."""
    try:
        lines = store.listed(query, limit=PER_PAGE + 1, offset=_first())
    except PoetsError as error:
        store_problem(error)
        return
    if not lines:
        _nothing(query)
        return
    with st.container(border=True, key="runs-head"):
        names = ("Run", "State", "Best value", "Measured", "Took", "Last update", "")
        for column, name in zip(st.columns(WIDTHS), names, strict=True):
            column.caption(name)
    for line in lines[:PER_PAGE]:
        with st.container(border=True, key=f"row-{line.row.id}"):
            _row(line)
            for below in line.beside:
                _row(below, below=True)
    with st.container(horizontal=True):
        if _first():
            st.page_link(RUNS, label="Back", query_params=_address(_first() // PER_PAGE))
        if len(lines) > PER_PAGE:
            st.page_link(RUNS, label="More", query_params=_address(_first() // PER_PAGE + 2))


def _address(page: int) -> dict[str, str]:
    """The address of another page of the same list."""
    return {**st.query_params.to_dict(), "page": str(page)}


def _nothing(query: RunQuery) -> None:
    if query.archived and not query.words:
        st.info("No run is archived here. Archive, in the menu of a run, puts it away.", icon=":material/archive:")
    elif asks(query):
        st.info("No run matches. Take a word out of the search, or a filter back.", icon=":material/search_off:")
    else:
        st.info("All runs are archived. The switch Archived shows them.", icon=":material/archive:")


def _row(line: ListedRun, *, below: bool = False) -> None:
    row = line.row
    found = {e.name: e for e in entries()}.get(row.problem)
    name, state, best, calls, took, update, acts = st.columns(WIDTHS, vertical_alignment="center")
    experiment = row.kind == "experiment"
    with name.container(gap=None):
        icon = ":material/subdirectory_arrow_right:" if below else None
        st.page_link(
            POLICIES if experiment else LEARN if row.kind == "rewards" else LIVE,
            label=f"**{plain(title_of(row))}**",
            icon=icon,
            query_params={"run": row.id},
        )
        if experiment and offers_judging(row.method, row.state):
            st.page_link(JUDGE, label="Judge", icon=":material/gavel:", query_params={"run": row.id})
        problem = found.title if found else row.problem
        about = [problem] if row.label else []
        st.caption(" · ".join(plain(fact) for fact in (*about, *facts_of(row), f"seed {row.seed}", row.id)))
        if row.tags:
            with st.container(horizontal=True, gap="xsmall"):
                for tag in row.tags:
                    st.badge(plain(tag), color="gray")
    with state:
        badge(row.state, stopped=row.status.reason == "stopped", laboratory=row.status.awaits_results)
    best.markdown("–" if row.best is None else f"{number(row.best)}  \n:small[{_quantity(row.kind, found)}]")
    if experiment and row.state == "finished":  # all that was needed was done, however much was allowed
        calls.progress(1.0, text=f"{row.calls:,} comparisons")
    else:
        unit = {"experiment": " comparisons", "rewards": " rounds"}.get(row.kind, "")
        calls.progress(min(row.calls / max(row.budget, 1), 1.0), text=f"{row.calls:,} of {row.budget:,}{unit}")
    took.markdown("–" if line.seconds is None else span(line.seconds))
    update.markdown(
        f"{ago(row.status.age)}  \n:small[started {ago(row.status.now - row.created)}]",
    )
    with acts:
        menu(line)


def _quantity(kind: str, entry: Entry | None) -> str:
    """What the best value of a run is, in words."""
    return "held-out reward" if kind == "rewards" else plain(quantity(entry.objective)) if entry else ""


page()
