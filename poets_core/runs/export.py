"""One archive of a run: everything needed to read it, check it and go on without this program."""

from __future__ import annotations

import csv
import io
import json
import platform
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from poets_core.cells import guarded
from poets_core.errors import InvalidModel, StoreUnavailable
from poets_core.runs.artifacts import sha256_of, write_atomic
from poets_core.runs.chain import parts_of
from poets_core.runs.events import Finished, Prepared, Recorded, Updated
from poets_core.runs.kept import ADAPTERS, BACKBONE, PART, damage
from poets_core.runs.laboratory_events import Extended
from poets_core.runs.report.report import report_html
from poets_core.runs.store import RunStore
from poets_core.runs.tensors import ENDING, tensor_checksums
from poets_core.runs.uploads import files_of, in_uploads, with_paths
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.fold import RunView, fold

FORMAT = 2
"""Of an archive. 1 had no archive.json, tensors.json, spec-as-written.json and links."""
REPORT_NAME = "report.html"
_PACKAGES = ("torch", "transformers", "peft", "safetensors", "numpy", "scipy", "qiskit", "biopython", "sqlalchemy")
_COLUMNS = (
    "id",
    "order",
    "round",
    "branch",
    "source",
    "prompt",
    "design",
    "text",
    "value",
    "std",
    "valid",
    "reason",
    "log_prob",
    "reference_log_prob",
    "expected",
    "expected_low",
    "expected_high",
)
_IN_REWARD_SD = {"predicted_mean": "predicted_mean_reward_sd", "predicted_std": "predicted_std_reward_sd"}
"""Attributes of a candidate that are in no unit of the objective -> columns that say so."""


def candidates_csv(view: RunView, run: str = "") -> bytes:
    """Return the candidates as UTF-8 CSV, in the order proposed; details as one JSON column.

    `value`, `std` and what was `expected` are in the objective's unit, which the column `unit` names. The prediction as
    the search made it follows, in deviations of the reward.

    Args:
        view: fold of the run's events.
        run: put before every id, for a file that leaves the run's own folder; "" for the ids of the log.

    Text cells that a spreadsheet would take for a formula get a leading
    apostrophe: designs and texts come out of a language model.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, "unit", *_IN_REWARD_SD.values(), "details"])
    unit = _cell(view.objective.unit)
    for candidate in view.candidates.values():
        fields = asdict(candidate)
        fields["id"] = f"{run}/{candidate.id}" if run else candidate.id
        known, raw = ([_cell(fields[name]) for name in names] for names in (_COLUMNS, _IN_REWARD_SD))
        writer.writerow([*known, unit, *raw, json.dumps(fields["details"], sort_keys=True)])
    return out.getvalue().encode()


_PAIR_COLUMNS = (
    "index", "first", "second", "outcome", "judge", "skipped", "item", "prompt", "first_response", "second_response",
    "first_value", "second_value",
)  # fmt: skip


def comparisons_csv(view: ExperimentView) -> bytes:
    """Return the pairs of an experiment as UTF-8 CSV, in the order asked; opinions and details as JSON columns.

    Text cells are guarded like those of `candidates_csv`.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*_PAIR_COLUMNS, "opinions", "details"])
    for p in view.pairs.values():
        row = (
            p.index,
            p.first,
            p.second,
            p.outcome,
            p.judge,
            p.skipped,
            p.item,
            p.prompt,
            *p.responses,
            *(p.values or (None, None)),
        )
        told = {**p.details, **({} if p.verdict is None else {"audited": p.verdict})}
        rest = [json.dumps(dict(data), sort_keys=True) for data in (p.opinions, told)]
        writer.writerow([*map(_cell, row), *rest])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    return "" if value is None else repr(value) if isinstance(value, float) else value


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def damages(folder: Path, events: Sequence[Recorded]) -> str:
    """Say what is wrong with backbone and adapters of a run, ``""`` if nothing is.

    Args:
        folder: of the run.
        events: of the run; they name the files by checksum, those of older runs do not.
    """
    named: dict[str, Mapping[str, str]] = {}
    for line in events:
        match line.event:
            case Prepared(files=files):
                named[BACKBONE] = files
            case Finished(files=files):
                named[ADAPTERS] = files
            # What was exported when the run was stopped is no longer meant once it has gone on.
            case Updated():
                named.pop(ADAPTERS, None)
    found = {name: damage(folder / name, files) for name, files in named.items()}
    return "; ".join(f"{name}: {said}" for name, said in found.items() if said)


def archive_bytes(store: RunStore, run: str) -> bytes:
    """Return the archive of a run as a zip; `poets verify` reads it on any machine.

    It holds spec.json, spec-as-written.json (as the chain of events begins with it), events.jsonl, candidates.csv, an
    experiment's comparisons.csv and responses/, the last checkpoint, adapters/ and artifacts/ where there are any,
    backbone/ if the run trained its own (its adapters fit no other), table/ with the uploaded tables the problem read,
    report.html, tensors.json with a checksum of each tensor, versions.json, archive.json (which run, and its head), and
    checksums.json with the SHA-256 of every other member.

    Raises:
        UnknownRun.
        StoreUnavailable: also where backbone or adapters are not those that the events name.
    """
    members, events, view, tables = _texts(store, run)
    folder = store.folder(run)
    if damaged := damages(folder, events):
        raise StoreUnavailable(
            f"Expected the files that run {run} names, got {damaged}. `poets export {run} FILE` makes them again; "
            "a run that is not finished makes them again when it is resumed."
        )
    if view.experiment is not None:
        members["comparisons.csv"] = comparisons_csv(view.experiment)
    if view.rounds and (name := view.rounds[-1].checkpoint) and (folder / "checkpoints" / name).is_file():
        members[f"checkpoints/{name}"] = (folder / "checkpoints" / name).read_bytes()
    for table, name in tables.items():
        members[name] = Path(table).read_bytes()
    for line in events:  # further rows that an experiment was given
        if isinstance(line.event, Extended) and line.event.log and not line.event.refused:
            members[f"table/{line.event.log}"] = (store.files / "uploads" / line.event.log).read_bytes()
    for part in ("adapters", "artifacts", "backbone", "responses"):
        for path in sorted((folder / part).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.endswith(PART):
                members[path.relative_to(folder).as_posix()] = path.read_bytes()
    members["tensors.json"] = json.dumps(_tensors(members), indent=1).encode()
    checksums = {name: sha256_of(data) for name, data in members.items()}
    members["checksums.json"] = json.dumps(checksums, indent=2, sort_keys=True).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _texts(store: RunStore, run: str) -> tuple[dict[str, bytes], Sequence[Recorded], RunView, dict[str, str]]:
    """Return what an archive says in words, the events, their fold, and the names of tables by where they lie."""
    spec, (written, lines) = store.spec(run), store.written(run)
    events = store.read(run, limit=len(lines))  # of the same moment: a log only grows at its end
    view = fold(events)
    # Files elsewhere are the user's own and stay out.
    uploads = [text for text in files_of(spec) if in_uploads(text, store.files) and Path(text).is_file()]
    tables = {text: f"table/{Path(text).name}" for text in uploads}
    links = [parts_of(line)[1] for line in lines]
    facts = {
        "format": FORMAT,
        "run": run,
        "events": len(lines),
        "unchained": sum(not link for link in links),
        "head": links[-1] if links else "",
    }
    members = {
        # Tables are named where they lie in the archive: `poets run spec.json` works in the unpacked folder.
        "spec.json": with_paths(spec, lambda path: tables.get(path, path)).model_dump_json(indent=2).encode(),
        "spec-as-written.json": written.encode(),
        "events.jsonl": "".join(f"{line}\n" for line in lines).encode(),
        "candidates.csv": candidates_csv(view),
        "versions.json": json.dumps(_versions(), indent=2).encode(),
        "archive.json": json.dumps(facts, indent=2).encode(),
    }
    members[REPORT_NAME] = report_of(members, view)
    return members, events, view, tables


def report_of(members: Mapping[str, bytes], view: RunView) -> bytes:
    """Return report.html of an archive, out of its other members.

    Args:
        members: spec.json, versions.json and archive.json.
        view: fold of the events.
    """
    facts = json.loads(members["archive.json"])
    spec, versions = members["spec.json"].decode(), json.loads(members["versions.json"])
    return report_html(view, facts["run"], spec, versions, facts)


def report_bytes(store: RunStore, run: str) -> bytes:
    """Return the report of a run as one HTML file.

    Raises:
        UnknownRun, StoreUnavailable.
    """
    return _texts(store, run)[0][REPORT_NAME]


def _tensors(members: Mapping[str, bytes]) -> dict[str, Any]:
    """Return checksums of all tensors by file; null for a file that cannot be read as tensors."""
    found: dict[str, Any] = {}
    for name in (name for name in members if name.endswith(ENDING)):
        try:
            found[name] = tensor_checksums(io.BytesIO(members[name]), name)
        except InvalidModel:
            found[name] = None  # it has its checksum as a whole
    return found


def export_archive(store: RunStore, run: str, path: Path) -> Path:
    """Write `archive_bytes` to a file, whole or not at all.

    Returns:
        `path`.

    Raises:
        UnknownRun, StoreUnavailable.
    """
    write_atomic(path, archive_bytes(store, run))
    return path
