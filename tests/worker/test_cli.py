"""The command line: specs, errors, and one real run from the shell to the archive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from poets_core.cli import app, main
from poets_core.cli.logs import mapped
from poets_core.cli.specs import located, spec_from
from poets_core.errors import InvalidSpec
from poets_core.runs import process
from poets_core.runs.launch import ROOT
from poets_core.runs.store import open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import METHODS, TaskSettings, TaskSpec, parse_spec
from poets_core.worker.worker import work
from tests.worker.fake import FAKES, fake_spec


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command line in this process; returns exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["poets_core", *words])
    with pytest.raises(SystemExit) as left:
        main()
    out = capsys.readouterr()
    return int(left.value.code or 0), out.out, out.err


def test_problems() -> None:
    listed = json.loads(CliRunner().invoke(app, ["problems", "--json"]).stdout)
    assert "protein/ehrlich" in [p["name"] for p in listed]
    assert "protein/ehrlich" in CliRunner().invoke(app, ["problems"]).stdout


def test_spec_is_whole_and_reads_back(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("spec", "protein/ehrlich", "--set", "search.beta=0.3", "--set", "problem.params.length=20", "--seed", "4")
    code, out, _ = call(monkeypatch, capsys, *words)
    assert code == 0
    spec = parse_spec(out)
    assert (spec.search.beta, spec.seed, spec.problem.params["length"]) == (0.3, 4, 20)
    assert spec.problem.params["motifs"] == 2  # the default is written down
    assert spec.search.edit_share == 1.0  # the entry's own setting
    assert spec.backbone.source == "library"  # its first backbone
    assert json.loads(out) == spec.model_dump(mode="json")


@pytest.mark.parametrize("method", METHODS)
def test_spec_prints_the_settings_of_the_method_and_no_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    code, out, _ = call(monkeypatch, capsys, "spec", "protein/ehrlich", "--set", f"search.method={method}")
    assert code == 0
    assert set(json.loads(out)["search"]) == set(METHODS[method].model_fields)
    assert parse_spec(out).search.method == method


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("spec", "protein/nothing"), "Expected a problem name"),
        (("spec", "protein/ehrlich", "--set", "search.beta=-1"), "search.beta"),
        (("spec", "protein/ehrlich", "--set", "search.betta=1"), "search.betta"),
        (("spec", "protein/ehrlich", "--set", "search.method=nothing"), "Expected a method, one of poets, gp"),
        (("spec", "protein/ehrlich", "--set", "search.method=ga", "--set", "search.beta=1"), "search.beta"),
        (("spec", "protein/ehrlich", "--set", "kind=task"), "task: Field required"),
        (("spec", "protein/ehrlich", "--set", "problem.params.lenght=1"), "lenght"),
        (("spec", "protein/ehrlich", "--set", "problem.params.length=many"), "length"),
        (("spec", "protein/ehrlich", "--set", "beta"), "KEY=VALUE"),
        (("spec", "protein/ehrlich", "--set", "=1"), "KEY=VALUE"),
        (("spec", "protein/ehrlich", "--set", "seed=1", "--set", "seed.x=1"), "seed"),
        (("spec", "protein/landscape"), "table"),
        (("spec", "protein/landscape", "--set", "problem.params.table=nowhere.csv"), "nowhere.csv"),
        (("run", "nowhere.json"), "nowhere.json"),
        (("show", "nothing"), "nothing"),
        (("resume", "nothing"), "nothing"),
        (("worker", "--run", "nothing"), "nothing"),
        (("export", "nothing", "x.zip"), "nothing"),
        (("show", "x", "--store", "mysql://x"), "store"),
    ],
)
def test_wrong_input_is_exit_2_and_one_message(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setenv("POETS_STORE", f"sqlite:///{tmp_path}/poets.db")
    monkeypatch.chdir(tmp_path)
    code, out, err = call(monkeypatch, capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err


def test_a_broken_spec_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"problem": {"name": "protein/ehrlich"}, "budget": {"rounds": 0}, "beta": 1}')
    code, _, err = call(monkeypatch, capsys, "run", str(path), "--store", f"sqlite:///{tmp_path}/poets.db")
    assert code == 2
    assert "budget.rounds" in err
    assert "beta" in err
    assert open_store(f"sqlite:///{tmp_path}/poets.db").runs() == []


def test_files_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("variant,value\nAA,1\n")
    Path("model").mkdir()
    spec = spec_from("protein/landscape", ["problem.params.table=t.csv", "backbone.source=model"])
    assert spec.problem.params["table"] == str(tmp_path / "t.csv")
    assert spec.backbone.source == str(tmp_path / "model")
    with pytest.raises(InvalidSpec, match=r"other\.csv"):
        spec_from("protein/landscape", ["problem.params.table=other.csv"])


def test_paths_of_a_written_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder first, then the spec's; names that are no paths stay names."""
    here, beside = tmp_path / "here", tmp_path / "beside"
    for folder in (here, beside):
        folder.mkdir()
        (folder / "both.csv").write_text("x")
    (beside / "only.csv").write_text("x")
    (beside / "model").mkdir()
    (here / "library").mkdir()
    monkeypatch.chdir(here)

    def made(table: str, source: str = "library") -> tuple[object, str]:
        raw = {"problem": {"name": "protein/landscape", "params": {"table": table}}, "backbone": {"source": source}}
        done = located(parse_spec(raw), Path("../beside"))
        return done.problem.params["table"], done.backbone.source

    assert made("both.csv") == (str(here / "both.csv"), "library")
    table, source = made("only.csv", "model")
    assert Path(str(table)).samefile(beside / "only.csv")
    assert Path(str(table)).is_absolute()
    assert Path(source).samefile(beside / "model")
    assert made("gone.csv", "gpt2") == (str(here / "gone.csv"), "gpt2")
    assert made(str(beside / "only.csv"), "org/model") == (str(beside / "only.csv"), "org/model")
    assert made("both.csv", "m.gguf")[1] == str(here / "m.gguf")
    assert spec_from("protein/ehrlich", ["backbone.source=m.gguf"]).backbone.source == str(here / "m.gguf")


def test_run_finds_a_table_beside_the_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "t.csv").write_text("variant,value\nAA,1\n")
    (folder / "s.json").write_text('{"problem": {"name": "protein/landscape", "params": {"table": "t.csv"}}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("poets_core.cli.launch", lambda store, run: 0)
    monkeypatch.setattr("poets_core.cli.followed", lambda *_: None)
    url = f"sqlite:///{tmp_path}/poets.db"
    call(monkeypatch, capsys, "run", "study/s.json", "--store", url)
    store = open_store(url)
    (row,) = store.runs()
    kept = Path(store.spec(row.id).problem.params["table"])
    assert kept.parent == tmp_path / "uploads"  # a copy: the run does not depend on where the table was
    assert kept.read_text() == (folder / "t.csv").read_text()


def test_a_run_is_renamed_put_away_and_deleted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/poets.db"
    store = open_store(url)
    run = store.create(fake_spec())
    assert call(monkeypatch, capsys, "rename", run, "a name", "--store", url)[0] == 0
    assert call(monkeypatch, capsys, "archive", run, "--store", url)[0] == 0
    assert (store.row(run).label, store.row(run).archived) == ("a name", True)
    assert call(monkeypatch, capsys, "archive", run, "--back", "--store", url)[0] == 0
    assert not store.row(run).archived
    code, out, _ = call(monkeypatch, capsys, "runs", "--json", "--store", url)
    assert (json.loads(out)[0]["id"], json.loads(out)[0]["seed"]) == (run, 0)
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    code, _, err = call(monkeypatch, capsys, "delete", run, "--yes", "--store", url)
    assert code == 2
    assert "Stop it first" in err
    store.release(lease)
    assert call(monkeypatch, capsys, "delete", run, "--yes", "--store", url)[0] == 0
    assert store.runs() == []
    code, _, err = call(monkeypatch, capsys, "delete", run, "--yes", "--store", url)
    assert code == 2
    assert run in err


def test_show_and_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/poets.db"
    store = open_store(url)
    run = store.create(fake_spec(rounds=2, batch=4))
    work(store, run, FAKES)
    capsys.readouterr()
    code, out, _ = call(monkeypatch, capsys, "show", run, "--json", "--store", url)
    shown = json.loads(out)
    assert code == 0
    assert (shown["run"], shown["state"], shown["calls"], shown["asked_again"]) == (run, "finished", 8, 0)
    assert set(shown["best"]) == {"value", "design", "id"}
    code, out, _ = call(monkeypatch, capsys, "runs", "--json", "--store", url)
    assert [r["id"] for r in json.loads(out)] == [run]
    code, out, _ = call(monkeypatch, capsys, "runs", "--store", url)
    assert code == 0
    assert f" {run} " in out  # whole, in 80 columns too: other commands ask for it
    code, _, err = call(monkeypatch, capsys, "resume", run, "--store", url)
    assert code == 2
    assert "finished" in err


def test_a_table_is_told_and_refused_as_a_run_would(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table, parent = tmp_path / "t.csv", tmp_path / "parent.fasta"
    table.write_text("Mutations;Kd (nM)\nV3A;1,5\nV3A/W5Y;0,5\nWT;1,0\n")
    parent.write_text(">p1 my protein\nMK\nVLW\n")
    code, out, _ = call(monkeypatch, capsys, "table", str(table), "--parent", str(parent), "--json")
    assert code == 0
    facts = json.loads(out)
    assert (facts["positions"], facts["wild_type"], facts["direction"]) == (["3", "5"], "VW", "minimise")
    code, out, _ = call(monkeypatch, capsys, "table", str(table), "--parent", "MKVLW", "--set", "direction=maximise")
    assert code == 0
    assert "Your table holds 3 of 400 possible variants" in out
    code, out, err = call(monkeypatch, capsys, "table", str(table))
    assert (code, out) == (2, "")
    # The same sentence from `spec`, which prints what was read on stderr where it is right.
    words = ("spec", "protein/landscape", "--set", f"problem.params.table={table}")
    assert call(monkeypatch, capsys, *words) == (2, "", err)
    code, out, told = call(monkeypatch, capsys, *words, "--set", "problem.params.wild_type=MKVLW")
    assert code == 0
    assert json.loads(out)["problem"]["params"]["bad_rows"] == "refuse"
    assert "less is better" in told


def test_text_that_reads_like_a_number_stays_text(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("variant,fitness\nA,1\nC,2\n")
    made = spec_from("protein/landscape", [f"problem.params.table={table}", "problem.params.positions=39"])
    assert made.problem.params["positions"] == "39"
    settings = ["laboratory.plate=384", "laboratory.controls=7", "laboratory.replicates=2", "label=5"]
    plan = spec_from("protein/campaign", ["problem.params.parent=MKV", *settings])
    assert plan.laboratory is not None
    assert (plan.laboratory.wells, plan.laboratory.control_names, plan.label) == (384, ("7",), "5")
    assert plan.laboratory.replicates == 2


def test_a_failed_run_is_exit_1(tmp_path: Path) -> None:
    """A layer that the model does not have: only the worker can know, and the command shows what it says."""
    spec = {"problem": {"name": "protein/ehrlich"}, "backbone": {"source": "library", "branch_from": 99}}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    done = shell(tmp_path, "run", str(path), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["state"] == "failed"
    assert "InvalidModel" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_a_model_is_refused_before_a_run_exists(tmp_path: Path) -> None:
    spec = {"problem": {"name": "protein/ehrlich"}, "backbone": {"source": str(tmp_path / "model")}}
    (tmp_path / "model").mkdir()
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    done = shell(tmp_path, "run", str(path), "--json")
    assert done.returncode == 2
    assert "config.json" in done.stderr
    assert open_store(f"sqlite:///{tmp_path}/store/poets.db").runs() == []


LOG = {"source": "log", "judge": "replay", "log": "log.csv", "policies": [{"name": "a"}, {"name": "b"}]}
PROMPTS = {
    "source": "prompts", "judge": "reference", "task": "sum",
    "policies": [{"name": "a", "prompt": "{input}"}, {"name": "b", "prompt": "{input}!"}],
}  # fmt: skip
BRANCHES = {"source": "branches", "judge": "oracle", "policies": [{"name": n, "run": "nothing"} for n in "ab"]}


def landscape(**params: object) -> dict[str, object]:
    return {"problem": {"name": "protein/landscape", "params": params}}


def experiment(fields: dict[str, object], **more: object) -> dict[str, object]:
    return {"kind": "experiment", "experiment": fields, **more}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"problem": {"name": "protein/nothing"}}, "Expected a problem name"),
        ({"problem": {"name": "protein/ehrlich", "params": {"lenght": 3}}}, "lenght"),
        ({"problem": {"name": "protein/ehrlich", "params": {"length": 3}}}, "'length' of protein/ehrlich between 4"),
        ({"problem": {"name": "protein/ehrlich", "params": {"length": 4, "motifs": 8}}}, "motif"),
        (landscape(), "Expected a value for parameter 'table'"),
        (landscape(table="nowhere.csv"), "nowhere.csv"),
        (landscape(table="."), "Expected a readable file for problem.params.table"),
        (landscape(table="noise.csv"), "noise.csv"),
        (landscape(table="t.csv", wild_type="AAA"), "AAA"),
        ({"problem": {"name": "protein/ehrlich"}, "device": "tpu"}, "device: Input should be 'auto', 'cpu' or 'cuda'"),
        ({"problem": {"name": "protein/ehrlich"}, "backbone": {"source": "./nowhere"}}, "backbone.source"),
        ({"problem": {"name": "protein/ehrlich"}, "search": {"method": "ga", "beta": 1}}, "search.beta"),
        ({"problem": {"name": "protein/ehrlich"}, "budget": {"rounds": 0}}, "budget.rounds"),
        (experiment({**LOG, "log": "nowhere.csv"}), "nowhere.csv"),
        (experiment({**LOG, "log": "t.csv"}), "Expected columns that name the two policies of a row"),
        (experiment({**PROMPTS, "task": "nothing"}), "Expected a language task"),
        (experiment({**PROMPTS, "items": 99_999}), "Ask for fewer"),
        (experiment({**PROMPTS, "model": "./nowhere"}), "experiment.model"),
        (experiment(BRANCHES, problem={"name": "protein/ehrlich"}), "Expected the id of a run in the store"),
        ({"kind": "task", "task": {"name": "export", "run": "nothing"}}, "Expected the id of a run in the store"),
    ],
)
def test_a_wrong_spec_is_exit_2_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    spec: dict[str, object],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("variant,value\nAA,1\nAC,2\n")
    Path("noise.csv").write_bytes(bytes(range(256)))
    Path("spec.json").write_text(json.dumps({"version": 2, **spec}))
    monkeypatch.setattr("poets_core.cli.launch", lambda *_: pytest.fail("a worker was started"))
    url = f"sqlite:///{tmp_path}/poets.db"
    code, out, err = call(monkeypatch, capsys, "run", "spec.json", "--store", url)
    assert (code, out) == (2, "")
    assert err.startswith("error: Expected")
    assert err.count("error:") == 1
    assert message in err
    assert "Traceback" not in err
    assert open_store(url).runs(kind=None) == []


def test_a_device_that_is_not_here_is_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"version": 2, "problem": {"name": "protein/ehrlich"}, "device": "cuda"}))
    code, _, err = call(monkeypatch, capsys, "run", str(path), "--store", f"sqlite:///{tmp_path}/poets.db")
    assert code == 2
    assert "Expected a CUDA device" in err


def test_branches_of_runs_of_another_problem_are_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/poets.db"
    run = open_store(url).create(spec_from("protein/instability", []))
    policies = [{"name": n, "run": run, "branch": b} for n, b in (("a", 0), ("b", 1))]
    spec = experiment({**BRANCHES, "policies": policies}, problem={"name": "protein/ehrlich"}, version=2)
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    code, _, err = call(monkeypatch, capsys, "run", str(path), "--store", url)
    assert code == 2
    assert "Expected runs of one problem" in err


def shell(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "POETS_STORE": f"sqlite:///{folder}/store/poets.db", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "poets_core", *words],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_real_run_from_the_shell(tmp_path: Path) -> None:
    """spec, run, show, export of one search with everything real in it; the best value is scored again."""
    settings = ("search.branches=2", "search.pool=4", "search.steps=8", "backbone.steps=60", "budget.rounds=3",
                "budget.batch=8", "device=\"cpu\"")  # fmt: skip
    made = shell(tmp_path, "spec", "protein/ehrlich", *(w for s in settings for w in ("--set", s)))
    assert made.returncode == 0, made.stderr
    (tmp_path / "spec.json").write_text(made.stdout)
    done = shell(tmp_path, "run", "spec.json", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["state"], shown["reason"], shown["calls"], shown["rounds"]) == ("finished", "budget", 24, 3)
    assert json.loads(shell(tmp_path, "show", shown["run"], "--json").stdout) == shown

    store = open_store(f"sqlite:///{tmp_path}/store/poets.db")
    prepared = next(e for e in store.read(shown["run"]) if e.kind == "prepared")
    assert prepared.event.backbone["source"] == "library"
    task = store.create(TaskSpec(task=TaskSettings(name="export", run=shown["run"], format="csv")))
    assert shell(tmp_path, "worker", "--run", task).returncode == 0
    artifact = next(e.event for e in store.read(task) if e.kind == "artifact")
    assert artifact.rescored == artifact.rows > 0
    assert artifact.max_difference <= 1e-9

    assert shell(tmp_path, "export", shown["run"], "run.zip").returncode == 0
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        names = archive.namelist()
        assert {"adapters/branch-0/adapter_model.safetensors", "checkpoints/round-000003.safetensors"} <= set(names)
        assert len(archive.read("events.jsonl").splitlines()) == len(store.read(shown["run"]))


def test_an_experiment_from_its_spec_to_the_archive(tmp_path: Path) -> None:
    """run, show, resume, export of the example: a comparison log beside its spec."""
    environment = os.environ | {"POETS_STORE": f"sqlite:///{tmp_path}/store/poets.db"}
    words = [sys.executable, "-m", "poets_core"]

    def said(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*words, *more], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)

    done = said("run", "examples/comparison_log.json", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["state"], shown["reason"], shown["judge"]) == ("finished", "verdict", "replay")
    assert (shown["verdict"]["kind"], shown["verdict"]["policy"]) == ("winner", "concise")
    assert shown["left"] == ["concise"]
    run, archive = shown["run"], tmp_path / "run.zip"
    assert json.loads(said("show", run, "--json").stdout) == shown
    assert ("concise" in said("show", run).stdout, said("resume", run).returncode) == (True, 2)
    assert said("export", run, str(archive)).returncode == 0
    with zipfile.ZipFile(archive) as members:
        lines = members.read("comparisons.csv").decode().splitlines()
    assert len(lines) == 1 + shown["comparisons"]
    listed = {r["id"]: r for r in json.loads(said("runs", "--json").stdout)}
    assert (listed[run]["kind"], listed[run]["calls"]) == ("experiment", shown["comparisons"])


def test_a_spec_of_a_log_runs_and_says_what_was_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pairs = [(n, a, b) for n in range(40) for a, b in ("xy", "yz", "xz")]
    rows = [f"q{n},{a},{b},{'tie (bothbad)' if n % 9 == 0 else 'model_a'}" for n, a, b in pairs]
    path = tmp_path / "arena.csv"
    path.write_text("\n".join(["question_id,model_a,model_b,winner", *rows, "q1,x,x,tie", rows[1]]) + "\n")
    code, out, err = call(monkeypatch, capsys, "spec", "--log", str(path), "--set", "experiment.assume_condorcet=true")
    assert code == 0
    assert "2 rows do not count: 1 of a policy compared with itself, 1 equal to an earlier row" in err
    made = parse_spec(out)
    assert made.experiment.mapping.words["tie (bothbad)"] == "both-bad"
    store = open_store(f"sqlite:///{tmp_path}/store/poets.db")
    run = store.create(made)
    assert work(store, run, FAKES) == 0
    compared = [r.event for r in store.read(run) if r.event.tag == "compared"]
    assert {c.outcome for c in compared if c.details.get("both_bad")} <= {"tie"}
    assert fold(store.read(run)).experiment.verdict.policy == "x"
    for words, says in (
        (("spec",), "Expected a problem"),
        (("spec", "protein/ehrlich", "--log", str(path)), "got both"),
        (("spec", "protein/ehrlich", "--word", "x=tie"), "Expected --log FILE"),
        (("spec", "--log", str(path), "--column", "outcome=question_id"), "--word WORD=MEANING"),
    ):
        code, out, err = call(monkeypatch, capsys, *words)
        assert (code, out, says in err) == (2, "", True), err


def test_a_spec_without_a_mapping_gets_the_one_that_is_proposed(tmp_path: Path) -> None:
    spec = json.loads((ROOT / "examples" / "comparison_log.json").read_text())
    made = mapped(located(parse_spec(json.dumps(spec)), ROOT / "examples"))
    assert made.experiment.mapping.words == {"a": "first", "b": "second", "tie": "tie"}
    assert made.experiment.mapping.order == "order"
    assert mapped(made) == made


def test_an_experiment_without_its_log_says_so(tmp_path: Path) -> None:
    spec = json.loads((ROOT / "examples" / "comparison_log.json").read_text())
    spec["experiment"]["log"] = "nowhere.csv"
    store = open_store(f"sqlite:///{tmp_path}/store/poets.db")
    run = store.create(located(parse_spec(json.dumps(spec)), tmp_path))
    assert work(store, run, FAKES) == 1
    assert "Expected a readable file in nowhere.csv" in store.status(run).reason
