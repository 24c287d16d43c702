"""What every run store must do with the list of runs: search, order, names, tags, deletion; run beside the contract."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from poets_core.errors import InvalidInput, UnknownRun
from poets_core.runs.events import Finished
from poets_core.runs.listing import RunQuery
from poets_core.runs.store import SqlStore, open_store
from poets_core.spec import TaskSettings, TaskSpec
from tests.contracts.store_contract import CLAIMED, named, observed, taken


class ListingContract:
    """Subclasses give a `store` fixture with a fresh store."""

    def test_runs_are_searched_filtered_and_sorted(self, store: SqlStore) -> None:
        def ids(**query: object) -> list[str]:
            return [line.row.id for line in store.listed(RunQuery(**query))]  # type: ignore[arg-type]

        old = store.create(named(label="First 100% a_b"))
        new = store.create(named(label="second", method="ga"))
        lease = taken(store, old)
        store.append(lease, [CLAIMED, observed(0.5), Finished("budget")])
        store.release(lease)
        assert ids() == [new, old]
        assert ids(order="oldest") == ids(order="name") == ids(order="best") == ids(order="calls") == [old, new]
        assert ids(words=("FIRST",)) == ids(words=("100%", "a_b")) == [old]
        assert ids(words=("a%b",)) == ids(words=("first", "second")) == []
        assert ids(words=("title",), synonyms=(("title", ("ga",)),)) == [new]
        assert ids(words=(old[-4:],)) == [old]
        assert ids(method="ga") == ids(ended="unfinished") == [new]
        assert ids(ended="finished") == [old]
        assert ids(ended="stopped") == ids(ended="failed") == ids(problem="other") == ids(kinds=("task",)) == []
        assert store.listed(RunQuery(), limit=1, offset=1)[0].row.id == old
        (line,) = store.listed(RunQuery(ended="finished"))
        assert line.began is not None
        assert line.last is not None
        assert line.seconds == line.last - line.began >= 0
        assert store.listed(RunQuery(ended="unfinished"))[0].seconds is None

    def test_baselines_stand_under_their_run(self, store: SqlStore) -> None:
        ours, ga, gp = store.create_group([named(), named(method="ga"), named(method="gp")])
        other = store.create(named())
        lines = store.listed(RunQuery())
        assert [line.row.id for line in lines] == [other, ours]
        assert {b.row.id for b in lines[1].beside} == {ga, gp}
        assert [line.row.id for line in store.listed(RunQuery(method="ga"))] == [ga]  # its own run is not wanted
        store.archive(ours)
        assert {line.row.id for line in store.listed(RunQuery())} == {other, ga, gp}
        store.archive(ours, away=False)
        store.delete(ours)
        heads = {line.row.id: {b.row.id for b in line.beside} for line in store.listed(RunQuery())}
        assert heads in ({other: set(), ga: {gp}}, {other: set(), gp: {ga}})

    def test_a_run_is_renamed_tagged_and_put_away(self, store: SqlStore) -> None:
        run = store.create(named(label="before"))
        store.rename(run, "  after ")
        assert (store.row(run).label, store.spec(run).label) == ("after", "after")
        store.tag(run, ["plate 3", "ab%", " plate 3 ", ""])
        assert (store.row(run).tags, store.tags()) == (("plate 3", "ab%"), ["ab%", "plate 3"])
        assert [line.row.id for line in store.listed(RunQuery(tag="plate 3"))] == [run]
        assert store.listed(RunQuery(tag="plate")) == []
        assert [line.row.id for line in store.listed(RunQuery(words=("plate",)))] == [run]
        store.archive(run)
        assert store.listed(RunQuery()) == []
        assert [line.row.id for line in store.listed(RunQuery(archived=True))] == [run]
        assert store.row(run).archived
        store.archive(run, away=False)
        store.tag(run, [])
        assert (store.row(run).tags, store.row(run).archived, store.tags()) == ((), False, [])
        for wrong in ("x" * 121, "two\nlines", "\x00"):
            with pytest.raises(InvalidInput):
                store.rename(run, wrong)
        for tags in (["a,b"], ["x" * 41], [str(i) for i in range(21)]):
            with pytest.raises(InvalidInput):
                store.tag(run, tags)
        for act in (
            store.archive,
            store.holding,
            store.delete,
            lambda r: store.rename(r, ""),
            lambda r: store.tag(r, []),
        ):
            with pytest.raises(UnknownRun):
                act("nowhere")

    def test_a_run_is_deleted_with_its_exports_and_nothing_else(self, store: SqlStore) -> None:
        run, other = store.create(named()), store.create(named())
        task = store.create(TaskSpec(task=TaskSettings(name="export", run=run, format="csv")))
        for name in (run, other, task):
            (store.folder(name) / "sub").mkdir()
            (store.folder(name) / "sub" / "file").write_bytes(b"x" * 1000)
        upload = store.files / "uploads" / "table.csv"
        upload.parent.mkdir(exist_ok=True)
        upload.write_text("kept")
        for name in (run, other):
            lease = taken(store, name)
            store.append(lease, [CLAIMED, observed(0.5)])
            if name == run:
                with pytest.raises(InvalidInput, match="running"):
                    store.delete(run)
                assert len(store.read(run)) == 2
            store.release(lease)
        store.send(run, "stop")
        held = store.holding(run)
        assert held.files >= 2000
        assert held.records > 0
        assert (held.tasks, held.used_by) == ((task,), ())
        store.delete(run)
        for name in (run, task):
            assert not (store.files / "runs" / name).exists()
            with pytest.raises(UnknownRun):
                store.row(name)
        assert [line.row.id for line in store.listed(RunQuery())] == [other]
        assert len(store.read(other)) == 2
        assert (store.folder(other) / "sub" / "file").stat().st_size == 1000
        assert upload.read_text() == "kept"

    def test_a_store_of_an_older_program_gets_the_new_columns(self, store: SqlStore) -> None:
        run = store.create(named(label="old"))
        with store._engine.begin() as connection:
            for column in ("tags", "archived", "lead"):
                connection.execute(text(f"ALTER TABLE runs DROP COLUMN {column}"))
        with ThreadPoolExecutor(4) as pool:  # programs that open it at once
            opened = list(pool.map(open_store, [store.url] * 4))
        for one in opened:
            assert (one.row(run).tags, one.row(run).archived, one.row(run).lead) == ((), False, "")
            one.archive(run)
            assert one.row(run).archived
            one.archive(run, away=False)
            one.close()
