"""`poets verify` of other runs than a plain search: on a table, of a noisy oracle, with contests, of a log."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from poets_core.cli.specs import kept_in
from poets_core.runs.export import archive_bytes
from poets_core.runs.store import SqlStore
from poets_core.spec import parse_spec
from poets_core.worker.worker import work
from tests.worker.forged import Members, Said, events_of, packed, places, rechained, summed, verified, with_events
from tests.worker.test_verify import ROOT

SMALL = {"backbone": {"source": "library", "width": 16, "steps": 20}, "seed": 5, "device": "cpu"}
NOISY = "def measure(design, seed):\n    return design.count('A') + seed % 1000 / 1000, {}\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    opened = SqlStore(f"sqlite:///{tmp_path_factory.mktemp('kinds')}/poets.db")
    yield opened
    opened.close()


def members_of(store: SqlStore, spec: dict[str, Any]) -> Members:
    run = store.create(kept_in(parse_spec(spec), store))
    assert work(store, run) == 0
    with zipfile.ZipFile(io.BytesIO(archive_bytes(store, run))) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="module")
def log(store: SqlStore, tmp_path_factory: pytest.TempPathFactory) -> Members:
    """An experiment on a log."""
    folder = tmp_path_factory.mktemp("log")
    path = folder / "comparisons.csv"
    rows = ["policy_a,policy_b,winner", *["one,two,policy_a"] * 40, *["two,one,policy_b"] * 40, "one,two,policy_b"]
    path.write_text("\n".join(rows) + "\n")
    from poets_core.cli.logs import spec_from_log

    spec, _ = spec_from_log(path, [], [], [], [], [], 3)
    return members_of(store, spec.model_dump(mode="json"))


def states(said: Said) -> dict[str, str]:
    return {check["name"]: check["state"] for check in said["checks"]}


def test_an_experiment_is_counted_again(log: Members, tmp_path: Path) -> None:
    code, said = verified(log, tmp_path)
    assert (code, states(said)["verdict"]) == (0, "ok")


@pytest.mark.parametrize("what", ["winner", "bound", "answer", "log"])
def test_a_forged_verdict_is_named(what: str, log: Members, tmp_path: Path) -> None:
    events, forged = events_of(log), dict(log)
    verdict = next(e["body"] for e in events if e["kind"] == "verdict")
    assert verdict["kind"] == "winner"
    wanted = {
        "winner": ("verdict", "events.jsonl", "policy"),
        "bound": ("verdict", "events.jsonl", "error_bound"),
        "answer": ("verdict", "events.jsonl", "outcome"),
        "log": ("data", "table/", ""),
    }[what]
    if what == "winner":
        verdict["policy"] = next(n for n in ("one", "two") if n != verdict["policy"])
    elif what == "bound":
        verdict["error_bound"] /= 10
    elif what == "answer":
        said = next(e["body"] for e in events if e["kind"] == "compared")
        said["outcome"] = "second" if said["outcome"] == "first" else "first"
    else:
        (name,) = (n for n in log if n.startswith("table/"))
        forged[name] = forged[name].replace(b"policy_b", b"policy_a", 1)
    forged = rechained(with_events(forged, events))
    code, said = verified(summed(forged), tmp_path)
    assert code == 1
    found = {(check, file, field) for check, file, _, field in places(said)}
    assert any(c == wanted[0] and f.startswith(wanted[1]) and n == wanted[2] for c, f, n in found), found


def test_a_run_on_a_table_is_measured_on_the_table_of_the_archive(store: SqlStore, tmp_path: Path) -> None:
    table = shutil.copy(ROOT / "examples" / "variants.csv", tmp_path / "mine.csv")
    params = {"table": str(table), "wild_type": "AAA", "positions": "1,2,3"}
    spec = {"problem": {"name": "protein/landscape", "params": params}, "search": {"method": "ga"}, **SMALL}
    members = members_of(store, spec | {"budget": {"rounds": 2, "batch": 4}})
    Path(table).unlink()
    code, said = verified(members, tmp_path)
    assert (code, states(said)["measured again"]) == (0, "ok"), places(said)
    (name,) = (n for n in members if n.startswith("table/"))
    changed = summed(members | {name: members[name].replace(b"0.0623", b"0.0624", 1)})
    code, said = verified(changed, tmp_path)
    assert code == 1
    assert ("data", name, "", "") in places(said)
    assert states(said)["measured again"] == "wrong"


def test_noise_and_contests_come_out_as_they_were(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POETS_RUN_ORACLES", "yes")
    (tmp_path / "noisy_of_a_test.py").write_text(NOISY)
    params = {"function": "noisy_of_a_test:measure", "folder": str(tmp_path), "min_length": 4, "max_length": 5}
    spec = {
        "problem": {"name": "strings/own", "params": params},
        "search": {"method": "poets", "branches": 2, "rank": 1, "steps": 2, "pool": 1},
        "budget": {"rounds": 3, "batch": 4},
        "contest": {"every": 1, "comparisons": 1},
        **SMALL,
    }
    members = members_of(store, spec)
    assert any(e["kind"] == "contest" for e in events_of(members))
    code, said = verified(members, tmp_path, "--run-oracle")
    assert (code, states(said)["measured again"]) == (0, "ok"), places(said)
    events = events_of(members)
    contested = next(e["body"] for e in events if e["kind"] == "observed" and e["body"]["candidate"].startswith("c"))
    contested["value"] = [contested["value"][0] + 0.001]
    forged = summed(rechained(with_events(members, events)))
    _, said = verified(forged, tmp_path, "--run-oracle")
    assert ("measured again", "events.jsonl", f"candidate {contested['candidate']}", "value") in places(said)


def test_a_terminal_is_shown_no_control_characters(log: Members, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from poets_core.cli import app

    facts = json.loads(log["archive.json"]) | {"run": "\x1b[2Jgone"}
    path = packed(log | {"archive.json": json.dumps(facts).encode()}, tmp_path / "run.zip")
    done = CliRunner().invoke(app, ["verify", str(path), "--no-measure"])
    assert "\x1b" not in done.stdout
    assert done.exit_code == 1
