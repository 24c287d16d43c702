"""`poets verify`: whatever is changed in an archive is found and named; what is hostile is refused within bounds."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from poets_core.cli import app
from poets_core.runs.export import archive_bytes
from poets_core.runs.store import SqlStore
from poets_core.spec import parse_spec
from poets_core.worker.worker import work
from tests.worker.forged import (
    Members,
    cell,
    designs_swapped,
    event,
    invalid,
    letter,
    log,
    numbered,
    places,
    rechained,
    reported,
    spec_change,
    summed,
    table,
    tensor,
    text,
    value,
    verified,
    without,
)

ROOT = Path(__file__).parents[2]
SPEC = {
    "problem": {"name": "protein/ehrlich", "params": {"length": 15}},
    "search": {"method": "poets", "branches": 2, "rank": 1, "steps": 2, "pool": 1},
    "backbone": {"source": "library", "width": 16, "steps": 60},
    "budget": {"rounds": 2, "batch": 8},
    "seed": 3,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """The archive of a small real run, by member."""
    folder = tmp_path_factory.mktemp("verified")
    store = SqlStore(f"sqlite:///{folder}/poets.db")
    run = store.create(parse_spec(SPEC))
    assert work(store, run) == 0
    with zipfile.ZipFile(io.BytesIO(archive_bytes(store, run))) as file:
        yield {name: file.read(name) for name in file.namelist()}
    store.close()


ADAPTER = "adapters/branch-1/adapter_model.safetensors"
CHECKPOINT = "checkpoints/round-000002.safetensors"
BOTH = ("spec.json", "spec-as-written.json")
# what is changed -> how -> how it is hidden -> check and file that must name it, row and field where they are known
CASES: dict[str, tuple[Callable[[Members], Members], str, tuple[str, str, str, str]]] = {
    "value in the log": (value, "", ("checksums", "events.jsonl", "", "")),
    "value in the log, summed": (value, "s", ("tables", "candidates.csv", "line ", "value")),
    "value in the log, its link": (value, "s", ("chain", "events.jsonl", "line ", "")),
    "value everywhere": (value, "lcs", ("measured again", "events.jsonl", "candidate ", "value")),
    "letter": (event("proposed", letter), "s", ("tables", "candidates.csv", "0-0", "design")),
    "letter, its link": (event("proposed", letter), "s", ("chain", "events.jsonl", "line 3", "")),
    "letter everywhere": (event("proposed", letter), "lcs", ("measured again", "events.jsonl", "0-0", "design")),
    "designs swapped": (designs_swapped, "lcs", ("measured again", "events.jsonl", "candidate ", "value")),
    "std": (event("observed", lambda b: b.update(std=[0.5])), "lcs", ("measured again", "events.jsonl", "0-0", "std")),
    "valid": (invalid, "lcs", ("measured again", "events.jsonl", "candidate ", "valid")),
    "key": (event("observed", lambda b: b.update(key="other/0/0")), "lcs", ("log", "events.jsonl", "0-0", "key")),
    "nobody's": (
        event("observed", lambda b: b.update(candidate="7-7")),
        "ls",
        ("log", "events.jsonl", "7-7", "candidate"),
    ),
    "metric": (event("updated", lambda b: b["metrics"].update(kl=[0.0])), "s", ("chain", "events.jsonl", "", "")),
    "detail": (event("observed", lambda b: b["details"].update(x=1)), "s", ("tables", "candidates.csv", "", "details")),
    "branch": (
        event("proposed", lambda b: b["candidates"][1].update(branch=1 - b["candidates"][1]["branch"])),
        "s",
        ("tables", "candidates.csv", "0-1", "branch"),
    ),
    "time": (log(lambda es: es[4].update(at=es[4]["at"] + 1)), "s", ("chain", "events.jsonl", "line 5", "")),
    "type": (event("observed", lambda b: b.update(valid="yes")), "s", ("events", "events.jsonl", "line 4", "")),
    "facts": (
        event("prepared", lambda b: b["info"]["facts"].update(length=99)),
        "lcs",
        ("measured again", "events.jsonl", "event 2 (prepared)", "info"),
    ),
    "problem": (
        event("prepared", lambda b: b["info"].update(name="protein/other")),
        "lcs",
        ("log", "events.jsonl", "", "info.name"),
    ),
    "events swapped": (log(lambda es: es.insert(4, es.pop(5))), "s", ("events", "events.jsonl", "line 6", "seq")),
    "swapped, numbered": (
        log(numbered(lambda es: es.insert(4, es.pop(5)))),
        "s",
        ("chain", "events.jsonl", "line 5", ""),
    ),
    "event deleted": (log(lambda es: es.pop(4)), "s", ("events", "events.jsonl", "line 5", "seq")),
    "deleted, numbered": (log(numbered(lambda es: es.pop(4))), "s", ("chain", "events.jsonl", "line 5", "")),
    "deleted, chained": (log(numbered(lambda es: es.pop(4))), "ls", ("tables", "candidates.csv", "line 3", "")),
    "last event deleted": (log(lambda es: es.pop()), "s", ("chain", "archive.json", "", "head")),
    "event doubled": (log(lambda es: es.insert(5, es[4])), "s", ("events", "events.jsonl", "line 6", "seq")),
    "doubled, chained": (
        log(numbered(lambda es: es.insert(5, dict(es[4])))),
        "lcs",
        ("log", "events.jsonl", "0-1", "candidate"),
    ),
    "event added": (
        log(lambda es: es.append({"seq": len(es) + 1, "at": 1.0, "kind": "finished", "body": {"reason": "budget"}})),
        "s",
        ("chain", "events.jsonl", "", ""),
    ),
    "link": (log(lambda es: es[0].update(link="0" * 64)), "s", ("chain", "events.jsonl", "line 1", "")),
    "all links gone": (log(lambda es: [e.pop("link") for e in es]), "s", ("chain", "archive.json", "", "unchained")),
    "more calls than budget": (
        spec_change("budget.rounds", 1, *BOTH),
        "lcs",
        ("log", "spec.json", "", "budget"),
    ),
    "cell of the value": (cell("value", "0.75"), "s", ("tables", "candidates.csv", "0-0", "value")),
    "cell of the design": (cell("design", "AAAA"), "s", ("tables", "candidates.csv", "0-0", "design")),
    "cell of the round": (cell("round", "1"), "s", ("tables", "candidates.csv", "0-0", "round")),
    "column": (
        text("candidates.csv", "expected_low", "expected_lower"),
        "s",
        ("tables", "candidates.csv", "line 1", ""),
    ),
    "row cut off": (
        lambda m: m | {"candidates.csv": b"\r\n".join(m["candidates.csv"].split(b"\r\n")[:-2]) + b"\r\n"},
        "s",
        ("tables", "candidates.csv", "line 17", ""),
    ),
    "tensor": (tensor(ADAPTER), "", ("tensors", ADAPTER, "tensor ", "values")),
    "tensor, summed": (tensor(ADAPTER), "s", ("named files", ADAPTER, "", "")),
    "checkpoint": (tensor(CHECKPOINT), "", ("tensors", CHECKPOINT, "tensor ", "values")),
    "checkpoint, summed": (tensor(CHECKPOINT), "s", ("named files", CHECKPOINT, "", "")),
    "backbone": (
        tensor("backbone/model.safetensors"),
        "s",
        ("named files", "backbone/model.safetensors", "", ""),
    ),
    "tensor's header": (tensor(ADAPTER, 0), "", ("tensors", ADAPTER, "", "")),
    "adapter's settings": (
        text("adapters/branch-0/adapter_config.json", '"r"', '"R"'),
        "s",
        ("named files", "adapters/branch-0/adapter_config.json", "", ""),
    ),
    "adapter gone": (without(ADAPTER), "s", ("named files", ADAPTER, "", "")),
    "file gone": (without("candidates.csv"), "", ("checksums", "candidates.csv", "", "")),
    "file gone, summed": (without("candidates.csv"), "s", ("members", "candidates.csv", "", "")),
    "facts gone": (without("archive.json"), "s", ("format", "archive.json", "", "")),
    "file added": (lambda m: m | {"more.txt": b"x"}, "", ("checksums", "more.txt", "", "")),
    "versions": (text("versions.json", '"numpy"', '"numPy"'), "", ("checksums", "versions.json", "", "")),
    "sum": (text("checksums.json", '"spec.json": "', '"spec.json": "0'), "", ("checksums", "spec.json", "", "")),
    "sums gone": (without("checksums.json"), "", ("members", "checksums.json", "", "")),
    "sums are no JSON": (lambda m: m | {"checksums.json": b"[" * 99}, "", ("checksums", "checksums.json", "", "")),
    "seed": (spec_change("seed", 4, "spec.json"), "s", ("spec", "spec.json", "", "seed")),
    "seed in both": (spec_change("seed", 4, *BOTH), "s", ("chain", "events.jsonl", "line 1", "")),
    "setting": (spec_change("search.beta", 0.5, "spec.json"), "s", ("spec", "spec.json", "", "search.beta")),
    "parameter": (
        spec_change("problem.params.length", 16, *BOTH),
        "lcs",
        ("measured again", "events.jsonl", "", "info"),
    ),
    "setting unknown": (text("spec.json", '"seed"', '"sead"'), "s", ("spec", "spec.json", "", "sead")),
    "run": (text("archive.json", '"run": "2', '"run": "3'), "s", ("log", "events.jsonl", "0-0", "key")),
}


def test_an_untouched_archive_is_verified(members: Members, tmp_path: Path) -> None:
    code, said = verified(members, tmp_path)
    assert (code, places(said)) == (0, set())
    assert {check["state"] for check in said["checks"]} == {"ok"}
    assert all(w["claimed"] == w["measured"] for w in said["winners"])
    assert said["verified"]


def test_a_forger_who_repairs_nothing_wrong_changes_nothing(members: Members) -> None:
    """The repairs of the cases are right: what is found there is found because of the change."""
    assert rechained(members) == members
    assert summed(members) == members


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_found_and_named(name: str, members: Members, tmp_path: Path) -> None:
    change, hidden, wanted = CASES[name]
    changed = change(members)
    assert changed != members
    if "l" in hidden:
        changed = rechained(changed)
    if "c" in hidden:  # the table is written anew, out of the changed events
        changed |= {"candidates.csv": table(changed)}
    if "s" in hidden:
        changed = summed(changed)
    code, said = verified(changed, tmp_path)
    assert code == 1
    assert not said["verified"]
    found = places(said)
    assert any(
        (check, file) == wanted[:2] and wanted[2] in row and field.startswith(wanted[3])
        for check, file, row, field in found
    ), found


def test_what_was_published_holds_everything(members: Members, tmp_path: Path) -> None:
    """A forger who writes everything anew is found by the head, or by the fingerprint."""
    _, said = verified(members, tmp_path, "--no-measure")
    forged = summed(reported(rechained(event("updated", lambda b: b["metrics"].update(kl=[0.0]))(members))))
    assert verified(forged, tmp_path, "--no-measure")[0] == 0
    code, found = verified(forged, tmp_path, "--no-measure", "--head", said["head"])
    assert (code, [c["name"] for c in found["checks"] if c["state"] == "wrong"]) == (1, ["chain"])
    code, found = verified(forged, tmp_path, "--no-measure", "--fingerprint", said["fingerprint"])
    assert (code, [c["name"] for c in found["checks"] if c["state"] == "wrong"]) == (1, ["format"])
    assert verified(members, tmp_path, "--no-measure", "--strict")[0] == 1


def test_the_best_alone_are_measured(members: Members, tmp_path: Path) -> None:
    _, said = verified(members, tmp_path, "--best", "2")
    (again,) = (c for c in said["checks"] if c["name"] == "measured again")
    assert again["said"].startswith("2 designs measured again")


def test_an_archive_of_an_older_program_is_said_to_be_unchained() -> None:
    path = Path(__file__).parents[1] / "runs" / "old_store" / "archive.zip"
    done = CliRunner().invoke(app, ["verify", str(path), "--json"])
    said = json.loads(done.stdout)
    states = {check["name"]: check["state"] for check in said["checks"]}
    assert done.exit_code == 0, places(said)
    assert (states["chain"], states["spec"], states["tables"], states["checksums"]) == (
        "not done",
        "not done",
        "ok",
        "ok",
    )
