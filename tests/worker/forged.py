"""Archives that somebody has changed, and has repaired what shows it; and what `poets verify` says of one."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from poets_core.cli import app
from poets_core.runs.chain import line_of, next_link, parts_of, spec_link
from poets_core.runs.event_reader import read_line
from poets_core.runs.export import candidates_csv, report_of
from poets_core.runs.tensors import tensor_checksums
from poets_core.runs.views.fold import fold

Members = dict[str, bytes]
Said = dict[str, Any]


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


def value(members: Members) -> Members:
    """Make the value of the first valid design a quarter better."""
    events = events_of(members)
    found = next(e["body"] for e in events if e["kind"] == "observed" and e["body"]["valid"])
    found["value"] = [found["value"][0] + 0.25]
    return with_events(members, events)


def letter(body: dict[str, Any]) -> None:
    c = body["candidates"][0]
    c["design"] = ("A" if c["design"][0] != "A" else "C") + c["design"][1:]


def designs_swapped(members: Members) -> Members:
    """Give two valid candidates whose values differ the designs of each other."""
    events = events_of(members)
    value = {e["body"]["candidate"]: e["body"]["value"][0] for e in events if e["kind"] == "observed"}
    proposed = [c for e in events if e["kind"] == "proposed" for c in e["body"]["candidates"]]
    valid = [c for c in proposed if value[c["id"]] is not None]
    first, other = next((a, b) for a, b in combinations(valid, 2) if value[a["id"]] != value[b["id"]])
    for name in ("design", "text", "tokens"):
        first[name], other[name] = other[name], first[name]
    return with_events(members, events)


def table(members: Members) -> bytes:
    """Return candidates.csv as the changed events have it."""
    return candidates_csv(fold([read_line(line) for line in members["events.jsonl"].splitlines()]))


def reported(members: Members) -> Members:
    """Write the report anew, out of the changed events."""
    view = fold([read_line(line) for line in members["events.jsonl"].splitlines()])
    return members | {"report.html": report_of(members, view)}
