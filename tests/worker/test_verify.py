"""`poets verify`: whatever is changed in an archive is found and named; what is hostile is refused within bounds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from poets_core.cli import app
from poets_core.errors import InvalidInput
from poets_core.runs.chain import line_of, next_link, parts_of, spec_link
from poets_core.runs.export import archive_bytes
from poets_core.runs.store import SqlStore
from poets_core.runs.tensors import tensor_checksums
from poets_core.runs.verify import archive as archive_module
from poets_core.runs.verify.archive import open_archive
from poets_core.spec import parse_spec
from poets_core.worker.worker import work

ROOT = Path(__file__).parents[2]
SPEC = {
    "problem": {"name": "protein/ehrlich", "params": {"length": 15}},
    "search": {"method": "poets", "branches": 2, "rank": 1, "steps": 2, "pool": 1},
    "backbone": {"source": "library", "width": 16, "steps": 60},
    "budget": {"rounds": 2, "batch": 6},
    "seed": 3,
    "device": "cpu",
}
Members = dict[str, bytes]
Said = dict[str, Any]


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


def packed(members: Members, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def verified(members: Members, folder: Path, *words: str) -> tuple[int, Said]:
    path = packed(members, folder / "run.zip")
    done = CliRunner().invoke(app, ["verify", str(path), "--json", *words])
    return done.exit_code, json.loads(done.stdout)


def places(said: Said) -> set[tuple[str, str, str, str]]:
    """Check, file, row and field of everything that was found."""
    return {
        (check["name"], found["file"], found["row"], found["field"])
        for check in said["checks"]
        for found in check["findings"]
    }


# -- how a forger repairs what he has changed ------------------------------------------------------------------------


def summed(members: Members) -> Members:
    """Write checksums.json, and tensors.json, to fit."""
    files = {name: data for name, data in members.items() if name != "checksums.json"}
    tensors = json.loads(files["tensors.json"])
    for name in tensors:
        if name in files:
            tensors[name] = tensor_checksums(io.BytesIO(files[name]), name)
    files["tensors.json"] = json.dumps(tensors, indent=1).encode()
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return files | {"checksums.json": json.dumps(sums, indent=2, sort_keys=True).encode()}


def rechained(members: Members) -> Members:
    """Write every link anew, and the head."""
    link, lines = spec_link(members["spec-as-written.json"].decode()), list[str]()
    for line in members["events.jsonl"].decode().splitlines():
        text = parts_of(line)[0]
        link = next_link(link, [text])
        lines.append(line_of(text, link))
    facts = json.loads(members["archive.json"]) | {"events": len(lines), "head": link, "unchained": 0}
    return members | {
        "events.jsonl": "".join(f"{line}\n" for line in lines).encode(),
        "archive.json": json.dumps(facts, indent=2).encode(),
    }


def events_of(members: Members) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members["events.jsonl"].decode().splitlines()]


def with_events(members: Members, events: list[dict[str, Any]]) -> Members:
    def line(e: dict[str, Any]) -> str:
        body = json.dumps(e["body"], separators=(",", ":"))
        return line_of(
            f'{{"seq": {e["seq"]}, "at": {e["at"]!r}, "kind": "{e["kind"]}", "body": {body}', e.get("link", "")
        )

    return members | {"events.jsonl": "".join(f"{line(e)}\n" for e in events).encode()}


def number_of(members: Members, kind: str, nth: int = 0) -> int:
    """Place of the nth event of a kind."""
    return [i for i, e in enumerate(events_of(members)) if e["kind"] == kind][nth]


def event(kind: str, change: Callable[[dict[str, Any]], Any], nth: int = 0) -> Callable[[Members], Members]:
    """Change the body of the nth event of a kind."""

    def changed(members: Members) -> Members:
        events = events_of(members)
        change(events[number_of(members, kind, nth)]["body"])
        return with_events(members, events)

    return changed


def log(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Members], Members]:
    """Change the list of events."""

    def changed(members: Members) -> Members:
        events = events_of(members)
        change(events)
        return with_events(members, events)

    return changed


def numbered(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[list[dict[str, Any]]], None]:
    """Change the list of events, and number them anew."""

    def changed(events: list[dict[str, Any]]) -> None:
        change(events)
        for seq, e in enumerate(events, 1):
            e["seq"] = seq

    return changed


def text(name: str, old: str, new: str) -> Callable[[Members], Members]:
    """Replace a text in a member, once."""

    def changed(members: Members) -> Members:
        found = members[name].decode()
        assert old in found
        return members | {name: found.replace(old, new, 1).encode()}

    return changed


def cell(column: str, value: str) -> Callable[[Members], Members]:
    """Change a cell of the first candidate with a value."""

    def changed(members: Members) -> Members:
        head, *rows = members["candidates.csv"].decode().split("\r\n")
        at = head.split(",").index(column)
        cells = rows[0].split(",")
        assert cells[at] != value
        cells[at] = value
        return members | {"candidates.csv": "\r\n".join([head, ",".join(cells), *rows[1:]]).encode()}

    return changed


def tensor(name: str, at: int = -3) -> Callable[[Members], Members]:
    """Change one byte of the values of a file of tensors."""

    def changed(members: Members) -> Members:
        data = bytearray(members[name])
        data[at] ^= 1
        return members | {name: bytes(data)}

    return changed


def without(name: str) -> Callable[[Members], Members]:
    return lambda members: {n: data for n, data in members.items() if n != name}


def spec_change(path: str, value: Any, *names: str) -> Callable[[Members], Members]:
    def changed(members: Members) -> Members:
        out = dict(members)
        for name in names:
            tree = json.loads(out[name])
            at = tree
            *parents, last = path.split(".")
            for part in parents:
                at = at[part]
            assert at[last] != value
            at[last] = value
            out[name] = json.dumps(tree, indent=2).encode()
        return out

    return changed


def invalid(members: Members) -> Members:
    """Say that the first valid design is none."""
    events = events_of(members)
    found = next(e["body"] for e in events if e["kind"] == "observed" and e["body"]["valid"])
    found.update(valid=False, value=[None], reason="x")
    return with_events(members, events)


def value_of(body: dict[str, Any]) -> None:
    body["value"] = [body["value"][0] + 0.25 if body["valid"] else 0.25]
    body["valid"], body["reason"] = True, ""


def letter(body: dict[str, Any]) -> None:
    c = body["candidates"][0]
    c["design"] = ("A" if c["design"][0] != "A" else "C") + c["design"][1:]


def designs_swapped(members: Members) -> Members:
    """Give two candidates of one round, whose values differ, the designs of each other."""
    events = events_of(members)
    value = {e["body"]["candidate"]: e["body"]["value"] for e in events if e["kind"] == "observed"}
    for e in (e for e in events if e["kind"] == "proposed"):
        first, *others = e["body"]["candidates"]
        for other in (c for c in others if value[c["id"]] != value[first["id"]]):
            for name in ("design", "text", "tokens"):
                first[name], other[name] = other[name], first[name]
            return with_events(members, events)
    raise ValueError("Expected two values that differ.")


ADAPTER = "adapters/branch-1/adapter_model.safetensors"
CHECKPOINT = "checkpoints/round-000002.safetensors"
BOTH = ("spec.json", "spec-as-written.json")
# what is changed -> how -> how it is hidden -> check and file that must name it, row and field where they are known
CASES: dict[str, tuple[Callable[[Members], Members], str, tuple[str, str, str, str]]] = {
    "value in the log": (event("observed", value_of), "", ("checksums", "events.jsonl", "", "")),
    "value in the log, summed": (event("observed", value_of), "s", ("tables", "candidates.csv", "0-0", "value")),
    "value in the log, its link": (event("observed", value_of), "s", ("chain", "events.jsonl", "line 4", "")),
    "value everywhere": (event("observed", value_of), "lcs", ("measured again", "events.jsonl", "candidate 0-0", "v")),
    "letter": (event("proposed", letter), "s", ("tables", "candidates.csv", "0-0", "design")),
    "letter, its link": (event("proposed", letter), "s", ("chain", "events.jsonl", "line 3", "")),
    "letter everywhere": (event("proposed", letter), "lcs", ("measured again", "events.jsonl", "0-0", "design")),
    "designs swapped": (designs_swapped, "lcs", ("measured again", "events.jsonl", "candidate ", "va")),
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
        ("tables", "candidates.csv", "line 13", ""),
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


def table(members: Members) -> bytes:
    from poets_core.runs.event_reader import read_line
    from poets_core.runs.export import candidates_csv
    from poets_core.runs.views.fold import fold

    return candidates_csv(fold([read_line(line) for line in members["events.jsonl"].splitlines()]))


def test_what_was_published_holds_everything(members: Members, tmp_path: Path) -> None:
    """A forger who writes everything anew is found by the head, or by the fingerprint."""
    _, said = verified(members, tmp_path, "--no-measure")
    forged = summed(rechained(event("updated", lambda b: b["metrics"].update(kl=[0.0]))(members)))
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


# -- hostile archives ------------------------------------------------------------------------------------------------


def raw(path: Path, *entries: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for info, data in entries:
            file.writestr(info, data)
    return path


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("spec.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name", ["../spec.json", "/etc/passwd", "a/../../b", "a\\b", "C:x", "a//b", "./a", "a\x07", "adapters/"]
)
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    path = raw(tmp_path / "x.zip", (zipfile.ZipInfo(name), b""))
    with pytest.raises(InvalidInput, match="archive"), open_archive(path):
        pass


def test_links_and_doubled_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="link"), open_archive(raw(tmp_path / "x.zip", (link(), b"/etc/passwd"))):
        pass
    with pytest.warns(UserWarning, match="Duplicate"):
        path = raw(tmp_path / "y.zip", (zipfile.ZipInfo("a"), b"1"), (zipfile.ZipInfo("a"), b"2"))
    with pytest.raises(InvalidInput, match="once"), open_archive(path):
        pass


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the directory says of sizes, and by what comes out where it lies."""
    monkeypatch.setattr(archive_module, "UNPACKED", 1 << 20)
    bomb = packed({"events.jsonl": b"0" * (2 << 20)}, tmp_path / "x.zip")
    with pytest.raises(InvalidInput, match="GiB"), open_archive(bomb):
        pass
    many = packed({f"{i}": b"0" * (1 << 19) for i in range(2)}, tmp_path / "y.zip")
    with open_archive(many) as opened:
        assert all(len(opened.read(str(i))) == 1 << 19 for i in range(2))
        with pytest.raises(InvalidInput, match="unpack"):
            opened.read("0")


def test_millions_of_entries_are_refused_before_they_are_read(tmp_path: Path) -> None:
    data = bytearray(packed({"a": b""}, tmp_path / "x.zip").read_bytes())
    data[-14:-10] = struct.pack("<HH", 0xFFFE, 0xFFFE)
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(InvalidInput, match="files"), open_archive(tmp_path / "x.zip"):
        pass
    end = bytes(data[-22:])
    (tmp_path / "y.zip").write_bytes(bytes(data[:-22]) + b"PK\x06\x07" + bytes(16) + end)
    with pytest.raises(InvalidInput, match="ZIP64"), open_archive(tmp_path / "y.zip"):
        pass


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(17), os.urandom(5000)])
def test_what_is_no_archive_ends_with_code_2(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(InvalidInput, match="zip"), open_archive(tmp_path / "x.zip"):
        pass


def test_a_byte_that_was_flipped_in_the_zip_is_named(members: Members, tmp_path: Path) -> None:
    path = packed(members, tmp_path / "run.zip")
    with zipfile.ZipFile(path) as file:
        info = file.getinfo("candidates.csv")
    data = bytearray(path.read_bytes())
    data[info.header_offset + 60] ^= 0xFF
    path.write_bytes(data)
    done = CliRunner().invoke(app, ["verify", str(path), "--json", "--no-measure"])
    assert done.exit_code == 1
    assert ("checksums", "candidates.csv", "", "") in places(json.loads(done.stdout))


def test_a_table_outside_the_archive_is_never_read(members: Members, tmp_path: Path) -> None:
    """The spec of anybody may name any file of this machine."""
    (tmp_path / "mine.csv").write_text("variant,value\nAA,1\n")
    spec = json.loads(members["spec.json"])
    spec["problem"] = {"name": "protein/landscape", "params": {"table": str(tmp_path / "mine.csv"), "wild_type": "AA"}}
    forged = summed(members | {"spec.json": json.dumps(spec).encode()})
    _, said = verified(forged, tmp_path)
    assert ("measured again", "spec.json", "", "problem") in places(said)
