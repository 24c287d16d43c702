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
from poets_core.errors import StoreUnavailable
from poets_core.runs.artifacts import sha256_of, write_atomic
from poets_core.runs.events import Finished, Prepared, Recorded, Updated
from poets_core.runs.kept import ADAPTERS, BACKBONE, PART, damage
from poets_core.runs.store import RunStore
from poets_core.runs.uploads import files_of, in_uploads, with_paths
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.fold import RunView, fold

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
    """Return the archive of a run as a zip.

    It holds spec.json, events.jsonl, candidates.csv, an experiment's comparisons.csv and responses/,
    the last checkpoint, adapters/ and artifacts/ where there are any, backbone/ if the run trained
    its own (its adapters fit no other), table/ with the uploaded tables the
    problem read, versions.json, and checksums.json with the SHA-256 of every
    other member.

    Raises:
        UnknownRun.
        StoreUnavailable: also where backbone or adapters are not those that the events name.
    """
    events, spec = store.read(run), store.spec(run)
    view, folder = fold(events), store.folder(run)
    if damaged := damages(folder, events):
        raise StoreUnavailable(
            f"Expected the files that run {run} names, got {damaged}. `poets export {run} FILE` makes them again; "
            "a run that is not finished makes them again when it is resumed."
        )
    # Files elsewhere are the user's own and stay out.
    uploads = [text for text in files_of(spec) if in_uploads(text, store.files) and Path(text).is_file()]
    tables = {text: f"table/{Path(text).name}" for text in uploads}
    members: dict[str, bytes] = {
        # Tables are named where they lie in the archive: `poets run spec.json` works in the unpacked folder.
        "spec.json": with_paths(spec, lambda path: tables.get(path, path)).model_dump_json(indent=2).encode(),
        "events.jsonl": "".join(json.dumps(e.to_json()) + "\n" for e in events).encode(),
        "candidates.csv": candidates_csv(view),
        "versions.json": json.dumps(_versions(), indent=2).encode(),
    }
    if view.experiment is not None:
        members["comparisons.csv"] = comparisons_csv(view.experiment)
    if view.rounds and (name := view.rounds[-1].checkpoint) and (folder / "checkpoints" / name).is_file():
        members[f"checkpoints/{name}"] = (folder / "checkpoints" / name).read_bytes()
    for table, name in tables.items():
        members[name] = Path(table).read_bytes()
    for part in ("adapters", "artifacts", "backbone", "responses"):
        for path in sorted((folder / part).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.endswith(PART):
                members[path.relative_to(folder).as_posix()] = path.read_bytes()
    checksums = {name: sha256_of(data) for name, data in members.items()}
    members["checksums.json"] = json.dumps(checksums, indent=2, sort_keys=True).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def export_archive(store: RunStore, run: str, path: Path) -> Path:
    """Write `archive_bytes` to a file, whole or not at all.

    Returns:
        `path`.

    Raises:
        UnknownRun, StoreUnavailable.
    """
    write_atomic(path, archive_bytes(store, run))
    return path
