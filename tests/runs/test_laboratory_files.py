"""Batches that go out and results that come back: every row is told what becomes of it."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from poets_core.errors import InvalidInput, InvalidTable
from poets_core.intake import TableBounds
from poets_core.intake.sheet import Sheet, read_sheet
from poets_core.runs.event_fields import MeasuredWell
from poets_core.runs.laboratory.batch import Batch, Campaign
from poets_core.runs.laboratory.hand_out import LIST as LIST_SHEET
from poets_core.runs.laboratory.hand_out import HandOut, as_csv, as_xlsx, heading_of, maps_as_csv
from poets_core.runs.laboratory.orders import Results, read_order
from poets_core.runs.laboratory.plate import public_id, read_place, read_public_id, wells_of
from poets_core.runs.laboratory.results import Known, Report, read_results
from poets_core.spec import LaboratorySpec

LIST = LaboratorySpec(plate="none", parent_wells=0)
RUN = "20261127-101500-0a1b7fbc"
DESIGNS = {"0-0": "AV", "0-1": "CD", "0-2": "EE", "0-3": "WY"}


def campaign(*lines: MeasuredWell, complete: bool = False, parent: float | None = None) -> Campaign:
    batch = Batch(0, list(DESIGNS), {}, [(k, line) for k, line in enumerate(lines, 1)], complete)
    return Campaign({0: batch}, parent_value=parent, people=True)


def known(*lines: MeasuredWell, spec: LaboratorySpec | None = None, unit: str = "U/mg") -> Known:
    names = {id: (d, f"M{d}K", f"V39{d[0]} D40{d[1]}") for id, d in DESIGNS.items()}
    plan = spec or LaboratorySpec(plate="96", parent_wells=1, controls="empty")
    return Known.of(RUN, campaign(*lines), plan, names, parent=True, name="activity", unit=unit)


def sheet(columns: dict[str, Sequence[str]]) -> Sheet:
    n = len(next(iter(columns.values())))
    return Sheet("results.csv", columns, range(2, n + 2), (), ",")


def ids(*numbers: int, round: int = 0, run: str = RUN) -> list[str]:
    return [public_id(run, round, k) for k in numbers]


def kinds(report: Report) -> list[str]:
    return [row.kind for row in report.rows]


@given(st.integers(0, 500), st.integers(0, 5000))
def test_ids_come_back_and_are_neither_dates_nor_numbers(round: int, number: int) -> None:
    text = public_id(RUN, round, number)
    again = public_id(RUN, round, number, replicate=2)
    control = public_id(RUN, round, number, control=True)
    assert len({text, again, control}) == 3
    for written in (text, again, control, f" {text.upper()} "):
        assert read_public_id(written) == ("7fbc", round)
    assert "_b" in text
    assert not set(text) & set("-/.+=@:, ")


@pytest.mark.parametrize(
    ("well", "plate", "place"),
    [("A1", "", "1:A01"), ("a01", "2", "2:A01"), ("H12", "Plate 3", "3:H12"), ("2-B7", "", "2:B07"),
     ("P24", "", "1:P24"), ("plate 4: C05", "", "4:C05"),
     ("A1", "9" * 5000, ""), ("Z1", "", ""), ("A0", "", ""), ("", "1", "")],
)  # fmt: skip
def test_wells_are_read_as_people_write_them(well: str, plate: str, place: str) -> None:
    assert read_place(well, plate) == place


@given(
    st.integers(1, 120),
    st.integers(0, 6),
    st.sampled_from(("none", "24", "48", "96", "384")),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_layout_holds_every_design_and_control_once_a_replicate(
    n: int, parents: int, plate: str, replicates: int, parent: bool
) -> None:
    candidates = [f"0-{k}" for k in range(n)]
    spec = LaboratorySpec(plate=plate, parent_wells=parents, replicates=replicates, controls="empty, sterile")  # type: ignore[arg-type]
    wells = wells_of(RUN, 0, candidates, spec, parent=parent)
    assert len(wells) == n * replicates + 2 + parents * parent
    for id in candidates:
        assert sum(w.candidate == id for w in wells) == replicates
    assert [w.control for w in wells if w.control].count("parent") == parents * parent
    assert all(bool(w.candidate) != bool(w.control) for w in wells)
    places = [w.place for w in wells]
    assert len(set(places)) == (len(wells) if plate != "none" else 1)
    assert len({w.id for w in wells}) == len(wells)


def test_results_in_any_order_with_controls_failures_and_strangers() -> None:
    wells = wells_of(RUN, 0, list(DESIGNS), LaboratorySpec(parent_wells=1, controls="empty"), parent=True)
    at = {w.candidate or w.control: w.id for w in wells}
    rows = [
        (at["0-2"], "0.5", "", "new"),
        (at["parent"], "1.0", "", "control"),
        (at["0-0"], "", "no growth", "failed"),
        (ids(1, run="20261127-101500-0a1b9999")[0], "3", "", "another run"),
        (ids(3, round=4)[0], "3", "", "another batch"),
        ("my own clone", "3", "", "unknown"),
        (at["0-3"], "<0.01", "", "no number"),
        (at["empty"], "0.0", "", "control"),
        (at["0-1"], "", "", "not yet"),
        (at["0-3"], "failed", "", "failed"),
    ]
    report = read_results(
        sheet({"id": [r[0] for r in rows], "activity (U/mg)": [r[1] for r in rows], "note": [r[2] for r in rows]}),
        known(),
        sha256="0" * 64,
    )
    assert kinds(report) == [r[3] for r in rows]
    (order,) = report.orders
    assert {(w.candidate, w.control, w.value, w.note) for w in order.wells} == {
        ("0-2", "", 0.5, ""), ("", "parent", 1.0, ""), ("0-0", "", None, "no growth"), ("", "empty", 0.0, ""),
        ("0-3", "", None, "failed"),
    }  # fmt: skip
    assert all(w.place.startswith("1:") for w in order.wells)
    assert report.missing == {0: 1}
    assert not report.unit_in_doubt
    text = " ".join(report.lines())
    for part in ("ends in 9999", "my own clone", "<0.01", "row 4", "1 designs of batch 1 still have no result"):
        assert part in text
    assert read_order("results", order.body()) == order


def test_corrections_replicates_and_what_is_known_already() -> None:
    before = MeasuredWell("0-0", "", "", 1.0), MeasuredWell("0-1", "", "", 2.0)
    spec = LaboratorySpec(plate="none", parent_wells=0)
    report = read_results(sheet({"id": ids(0, 1, 2, 2), "value": ["1.5", "2", "3", "3.5"]}), known(*before, spec=spec))
    assert kinds(report) == ["correction", "unchanged", "new", "new"]
    assert report.rows[0].was == 1.0
    assert "1 becomes 1.5" in report.rows[0].says
    # a file without wells that names a design twice holds replicates, and the correction stands alone
    found = campaign(*before)
    found.batches[0].lines += [(9, w) for w in report.orders[0].wells]
    said = found.observations(0, spec)
    assert (said["0-0"][0].value, said["0-2"][0].value, said["0-3"][0].missing) == ((1.5,), (3.25,), True)


def test_one_well_twice_with_two_values_is_left_out() -> None:
    report = read_results(
        sheet({"id": ids(0, 0, 1, 1), "value": ["1", "2", "5", "5"]}), known(spec=LaboratorySpec(parent_wells=0))
    )
    assert kinds(report) == ["twice", "twice", "new", "unchanged"]
    assert "has 1, 2" in report.rows[0].says


def test_one_well_a_hundred_thousand_times_is_told_at_once() -> None:
    rows = 100_000
    began = time.process_time()
    report = read_results(sheet({"id": ids(0) * rows, "value": list(map(str, range(rows)))}), known())
    assert report.counts == {"twice": rows}
    assert "and 99,996 more" in report.rows[0].says
    assert time.process_time() - began < 20


def test_rows_named_by_well_by_sequence_and_by_mutations() -> None:
    laid_out = wells_of(RUN, 0, list(DESIGNS), LaboratorySpec(parent_wells=1, controls="empty"), parent=True)
    wells = {w.candidate: w.well for w in laid_out}
    by_well = sheet({"Well": [wells["0-1"], "H12"], "activity": ["1", "2"]})
    assert [(r.kind, r.line and r.line.candidate) for r in read_results(by_well, known()).rows] == [
        ("new", "0-1"), ("extra", None),
    ]  # fmt: skip
    for name, cells in (
        ("Sequence", ["meek", "MWYK"]),
        ("mutations", ["V39E D40E", "V39W D40Y"]),
        ("variant", ["EE", "wy"]),
    ):
        report = read_results(sheet({name: cells, "activity": ["1", "2"]}), known())
        assert [r.line.candidate for r in report.rows if r.line] == ["0-2", "0-3"]
    wt = read_results(sheet({"variant": ["WT", "EE"], "activity": ["1", "2"]}), known())
    assert kinds(wt) == ["control", "new"]


def test_a_heading_with_another_unit_is_asked_about() -> None:
    report = read_results(sheet({"id": ids(0), "activity (kU/mg)": ["1"]}), known())
    assert report.unit_in_doubt == "kU/mg"
    assert any("not the unit of this run" in line for line in report.lines())


def test_the_heading_that_went_out_is_known_again_whatever_it_holds() -> None:
    plan = LaboratorySpec(plate="96", parent_wells=1)
    names = {id: (d,) for id, d in DESIGNS.items()}
    own = Known.of(RUN, campaign(), plan, names, parent=True, name="kcat (1/s)", unit="units of the table")
    for heading in (heading_of(own.name, own.unit), own.name):
        report = read_results(sheet({"id": ids(0, 1), heading: ["failed", "failed"], "od": ["1", "2"]}), own)
        assert (report.value_column, report.unit_in_doubt, kinds(report)) == (heading, "", ["failed", "failed"])
    assert read_results(sheet({"id": ids(0), "kcat (1/min)": ["1"]}), own).unit_in_doubt == "1/min"


@pytest.mark.parametrize(
    ("columns", "field", "says"),
    [
        ({"a": ["x"], "b": ["1"]}, "id_column", "ids of the wells"),
        ({"id": ids(0, 1), "od600": ["1", "2"], "rfu": ["3", "4"]}, "value_column", "od600"),
        ({"id": ids(0), "comment": ["hello"]}, "value_column", "none with numbers"),
        ({"id": ids(0, 1), "activity": ["1.204", "12.930"]}, "decimal", "1.204"),
    ],
)
def test_what_is_not_clear_is_asked(columns: dict[str, list[str]], field: str, says: str) -> None:
    made = sheet(columns)
    made = Sheet(made.name, made.columns, made.rows, (), ";")
    with pytest.raises(InvalidTable, match=says.replace(".", r"\.")) as caught:
        read_results(made, known())
    assert list(caught.value.fields) == [field]
    if field == "value_column" and "rfu" in columns:
        assert kinds(read_results(made, known(spec=LIST), value_column="rfu")) == ["new", "new"]


def test_batches_are_brought_to_one_level_by_the_parent() -> None:
    def batch(round: int, parents: Iterable[float], value: float) -> Batch:
        wells = [MeasuredWell("", "parent", f"1:A0{k}", v) for k, v in enumerate(parents, 1)]
        lines = [(round + 1, w) for w in [*wells, MeasuredWell(f"{round}-0", "", "1:B01", value)]]
        return Batch(round, [f"{round}-0"], {}, lines)

    auto = LaboratorySpec()
    both = Campaign({0: batch(0, (1.0, 3.0), 4.0), 1: batch(1, (4.0, 4.0), 4.0)})
    assert both.observations(0, auto)["0-0"][0].value == (4.0,)
    observation, details = both.observations(1, auto)["1-0"]
    assert observation.value == (2.0,)  # the parent came out twice as high
    assert details == {"wells": 1, "as measured": 4.0}
    assert "times 0.5" in str(both.correction(1, auto))
    assert both.observations(1, LaboratorySpec(correct="none"))["1-0"][0].value == (4.0,)
    negative = Campaign({0: batch(0, (-1.0, 1.0), 4.0), 1: batch(1, (1.0, 1.0), 4.0)})
    assert negative.observations(1, auto)["1-0"][0].value == (3.0,)
    known_parent = Campaign({0: batch(0, (2.0, 2.0), 4.0)}, parent_value=1.0)
    assert known_parent.observations(0, auto)["0-0"][0].value == (2.0,)
    one_well = Campaign({0: batch(0, (1.0,), 4.0), 1: batch(1, (4.0,), 4.0)})
    assert one_well.observations(1, auto)["1-0"][0].value == (4.0,)


def test_no_value_is_too_large_to_be_averaged() -> None:
    values = ["1e308", "-1e308", "1e150", "1e150"]
    report = read_results(sheet({"id": ids(0, 0, 1, 1), "value": values}), known(spec=LIST))
    assert kinds(report) == ["no number", "no number", "new", "new"]
    wells = [MeasuredWell("0-0", "", "1:A01", 1e150)]
    wells += [MeasuredWell("", "parent", f"1:B0{k}", 1e-300) for k in (1, 2)]
    batch = Batch(0, ["0-0"], {}, [(1, w) for w in wells])
    found = Campaign({0: batch}, parent_value=1.0, people=True)
    assert str(found.correction(0, LaboratorySpec())).endswith(": +1")
    assert found.observations(0, LaboratorySpec())["0-0"][0].value == (1e150,)


def hand_out(plate: str = "96") -> HandOut:
    spec = LaboratorySpec(plate=plate, parent_wells=1, controls="=empty")  # type: ignore[arg-type]
    texts = {id: {"mutations": f"V39{d[0]}", "sequence": f"M{d}"} for id, d in DESIGNS.items()}
    wells = wells_of(RUN, 0, list(DESIGNS), spec, parent=True)
    return HandOut(
        wells, texts, {"mutations": "wild type", "sequence": "MVD"}, heading_of("activity", "U/mg"), spec.wells
    )


def test_what_goes_out_comes_back(tmp_path: Path) -> None:
    batch = hand_out()
    for name, data in (("batch.csv", as_csv(batch)), ("batch.xlsx", as_xlsx(batch))):
        path = tmp_path / name
        if name.endswith("csv"):
            rows = list(csv.reader(io.StringIO(data.decode())))
            at = rows[0].index("activity (U/mg)")
            for k, row in enumerate(rows[1:]):
                row[at] = str(k / 2)
            buffer = io.StringIO()
            csv.writer(buffer).writerows([rows[0], *reversed(rows[1:])])
            path.write_text(buffer.getvalue())
        else:
            book = load_workbook(io.BytesIO(data))
            assert book.sheetnames == ["results", "plate 1"]
            page = book["results"]
            assert all(cell.data_type != "f" for line in page.iter_rows() for cell in line)
            column = [c.value for c in page[1]].index("activity (U/mg)") + 1
            for k in range(2, page.max_row + 1):
                page.cell(k, column, (k - 2) / 2)
            raw = book.create_sheet("raw", 0)
            for line in (("well", "OD"), ("A1", 0.5), ("A2", 0.6)):
                raw.append(line)
            book.save(path)
        read = read_sheet(path, TableBounds(), InvalidTable, first_sheet=LIST_SHEET)
        report = read_results(read, known(spec=LaboratorySpec(parent_wells=1, controls="=empty")))
        assert sorted(kinds(report)) == ["control", "control", "new", "new", "new", "new"]
        assert report.missing == {0: 0}
        assert {r.line.value for r in report.rows if r.line} == {k / 2 for k in range(6)}


def test_a_plate_is_drawn_with_its_letters_and_numbers() -> None:
    text = maps_as_csv(hand_out("24")).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["plate 1"]
    assert rows[1][1:] == [str(k) for k in range(1, 7)]
    assert [r[0] for r in rows[2:6]] == ["A", "B", "C", "D"]
    assert rows[2][1].startswith("001 ")
    assert maps_as_csv(hand_out("none")) == b""
    assert "plate" not in as_csv(hand_out("none")).decode().splitlines()[0]


def test_control_characters_do_not_keep_a_workbook_from_being_written() -> None:
    plan = LaboratorySpec(controls="e\x08mpty")
    wells = wells_of(RUN, 0, ["0-0"], plan, parent=True)
    batch = HandOut(wells, {"0-0": {"mutations": "V39A"}}, {}, heading_of("a\x00b", "U"), plan.wells)
    cells = [[c.value for c in line] for line in load_workbook(io.BytesIO(as_xlsx(batch)))["results"].iter_rows()]
    assert "ab (U)" in cells[0]
    assert any("empty" in line for line in cells)


def test_orders_that_are_none_are_refused() -> None:
    good = Results(0, (MeasuredWell("0-0", "", "1:A01", 1.0),)).body()
    for change in (
        {"round": -1}, {"round": "0"}, {"wells": []}, {"wells": [["0-0", "", "", "1", "", 2]]}, {"sha256": "x"},
        {"wells": [["0-0", "parent", "", 1.0, "", 2]]}, {"wells": [["", "", "", 1.0, "", 2]]}, {"file": "x" * 201},
        {"wells": [["0-0", "", "", float("nan"), "", 2]]}, {"wells": [["0-0", "", "", True, "", 2]]},
        {"wells": [["0-0", "", "", 1e308, "", 2]]},
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match="Expected"):
            read_order("results", good | change)
    for body in ({"rounds": 0, "batch": 4}, {"rounds": 2}, {"rounds": 2, "batch": 5000}):
        with pytest.raises(InvalidInput, match="Expected a whole number"):
            read_order("budget", body)
