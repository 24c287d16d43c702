"""What a file or a parameter is worth, found out in a process of its own before a run exists.

The server reads nothing that a browser sends: a short-lived child does, within limits of memory, processor and wall
time, and answers in JSON. If it is killed, that is a sentence too.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from poets_core import errors
from poets_core.errors import InvalidInput, PoetsError, StoreUnavailable
from poets_core.intake.sheet import Sheet
from poets_core.runs.uploads import files_of
from poets_core.spec import RewardsSpec
from poets_core.spec.log_mapping import LogMapping, Meaning, Shown

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30
"""Wall time of a child; its processor time and memory are limited by itself, see `poets_core.worker.examine`."""
VERIFIER_SECONDS = 48
"""The same where a verifier of somebody is tried: it may take half a minute to start, and be as slow as was said."""
KEPT = 64
"""Answers that are remembered, by what was asked and the files' sizes and times."""
AGAIN = 60.0
"""Seconds for which it is remembered that a child ended without an answer."""
_AT_ONCE = threading.BoundedSemaphore(2)
"""Children at a time, whoever asks: memory is shared."""
_answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Preview:
    """The beginning of a table.

    Attributes:
        rows, columns: of the whole.
        names: of the columns shown; head: first rows of them, cells cut.
    """

    rows: int
    columns: int
    names: tuple[str, ...]
    head: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class LogWord:
    """An outcome word of a log: its text, the rows that say it, the first of them, and what is proposed for it."""

    text: str
    count: int
    number: int
    meaning: Meaning | None


@dataclass(frozen=True)
class LogPreview(Preview):
    """A comparison log: how it is meant, what counts of it, and its beginning.

    Attributes:
        titles: of the columns, to choose from.
        policies: name -> rows; counted: those of the rows that count.
        comparisons: that count; 0 where anything is wrong.
        mapping: proposed; of a mapping that was given, with what it leaves open proposed.
        words: outcome words, the most frequent first; those that are numbers or names, by the mapping, left out.
        questions: what a person must say, by field.
        wrong: what is wrong with what was asked to be read, by field.
        says: what counts and what does not, in sentences, where nothing is wrong.
        warns: what makes a verdict on these rows less than it looks.
        orders: words of the column of orders: text, rows, and which policy was shown first, None where nobody can know.
        numeric: whether some outcome words are numbers.
    """

    titles: tuple[str, ...]
    policies: Mapping[str, int]
    counted: tuple[str, ...]
    comparisons: int
    mapping: LogMapping
    words: tuple[LogWord, ...]
    questions: Mapping[str, str]
    wrong: Mapping[str, str]
    says: tuple[str, ...]
    warns: tuple[str, ...]
    orders: tuple[tuple[str, int, Shown | None], ...]
    numeric: bool


def preview_table(path: Path, name: str, field: str) -> Preview:
    """Return the beginning of a table.

    Args:
        path: where it lies; name: as a person calls it; field: of the form it belongs to.

    Raises:
        InvalidTable: unreadable, or beyond the bounds of a table.
        InvalidInput: reading it took too much memory or time.
    """
    told = _asked("table", path=str(path), name=name, field=field)
    return Preview(told["rows"], told["columns"], tuple(told["names"]), tuple(map(tuple, told["head"])))


def results_sheet(path: Path, name: str) -> Sheet:
    """Return a file of results as text.

    Raises:
        InvalidTable: unreadable, or beyond the bounds of a table.
        InvalidInput: reading it took too much memory or time.
    """
    told = _asked("sheet", path=str(path), name=name)
    return Sheet(name, told["columns"], told["rows"], tuple(told["notes"]), told["separator"])


def structure_view(
    problem: str, path: Path, name: str, facts: Mapping[str, Any], colours: Sequence[str]
) -> dict[str, Any]:
    """Return a structure beside the designs of a problem, as the fields of `domains.entry.View`.

    Raises:
        InvalidInput: it cannot be read, or reading it took too much memory or time.
    """
    return _asked("structure", problem=problem, path=str(path), name=name, facts=dict(facts), colours=list(colours))


def preview_log(
    path: Path, name: str, mapping: LogMapping | None = None, policies: Sequence[str] | None = None
) -> LogPreview:
    """Read a whole comparison log as the worker will.

    Args:
        path: where it lies; name: as a person calls it.
        mapping: what its columns and words mean; None: what is proposed.
        policies: whose rows count; None: all.

    Raises:
        InvalidComparisons: the file cannot be read at all. What is wrong with mapping and policies is in `wrong`.
        InvalidInput: reading it took too much memory or time.
    """
    given = None if mapping is None else mapping.model_dump(mode="json")
    chosen = None if policies is None else list(policies)
    told = _asked("log", path=str(path), name=name, mapping=given, policies=chosen)
    return LogPreview(
        told["rows"],
        told["columns"],
        tuple(told["names"]),
        tuple(map(tuple, told["head"])),
        tuple(told["titles"]),
        told["policies"],
        tuple(told["counted"]),
        told["comparisons"],
        LogMapping.model_validate(told["mapping"]),
        tuple(LogWord(*word) for word in told["words"]),
        told["questions"],
        told["wrong"],
        tuple(told["says"]),
        tuple(told["warns"]),
        tuple((text, count, first) for text, count, first in told["orders"]),
        told["numeric"],
    )


def check_problem(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Check a problem's parameters as the worker will, its files too; quick once it was asked.

    Returns:
        what was found in its files: ``"lines"`` for people, ``"facts"`` as JSON values; empty where nothing is to be
        said.

    Raises:
        InvalidInput: with the field that is wrong (``"problem.params.wild_type"``).
        MissingPackage: a package that the problem needs is not installed.
        StoreUnavailable: no process can be started.
    """
    return _asked("problem", name=name, params=dict(params))


def score_designs(name: str, params: Mapping[str, Any], files: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Score designs that a person brings, as the fields of `domains.brought.Scored`, one for each.

    Args:
        name, params: of the problem.
        files: (name, text) of each file.

    Raises:
        InvalidInput: the science reads no files of designs, or reading took too much memory or time.
    """
    return cast("list[dict[str, Any]]", _asked("score", name=name, params=dict(params), files=list(files))["scored"])


def prune_design(
    name: str, params: Mapping[str, Any], design: str, details: Mapping[str, Any], allowed: float
) -> dict[str, Any]:
    """Take out of a design what does not matter; return the fields of `domains.brought.Pruned`.

    Args:
        name, params: of the problem.
        design: canonical; details: what the oracle said of it.
        allowed: how much worse it may become, in the unit of its error.

    Raises:
        InvalidInput: it cannot be pruned, or pruning took too much memory or time.
    """
    return _asked("prune", name=name, params=dict(params), design=design, details=dict(details), allowed=allowed)


def check_model(source: str, field: str) -> None:
    """Check the files of a model that lies on this machine, by arithmetic; names of hubs are left alone.

    Raises:
        InvalidModel: with `field`.
    """
    _asked("model", source=source, field=field)


def check_rewards(spec: RewardsSpec) -> dict[str, Any]:
    """Check a run that learns from rewards as the worker will, without the weights of its model.

    Returns:
        ``"lines"`` for people: what was read, what was left out, what the verifier makes of answers; ``"facts"``.

    Raises:
        InvalidInput: with the field that is wrong (``"task.params.file"``, ``"backbone.template"``).
        MissingPackage: a package that the task needs is not installed.
        StoreUnavailable: no process can be started.
    """
    files = sorted(text for text in files_of(spec) if "/" in text)
    return _asked("rewards", VERIFIER_SECONDS, spec=spec.model_dump(mode="json"), files=files)


def found_in(name: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was found in a problem's files, in sentences; none while anything is wrong with them.

    Args:
        name, params: of the problem, defaults filled in.
    """
    try:
        return tuple(map(str, check_problem(name, params).get("lines", ())))
    except PoetsError:
        return ()


def wrong_with(name: str, params: Mapping[str, Any], source: str = "") -> dict[str, str]:
    """Return what is wrong with a problem's parameters and with a model, by the form's field; empty if nothing is.

    Args:
        name, params: of the problem, defaults filled in.
        source: of the backbone; ``""``: not asked about.
    """
    found: dict[str, str] = {}
    try:
        check_problem(name, params)
    except PoetsError as error:
        found |= (error.fields if isinstance(error, InvalidInput) else {}) or {"problem.params": str(error)}
    if source:
        try:
            check_model(source, "backbone.source")
        except InvalidInput as error:
            found |= error.fields or {"backbone.source": str(error)}
    return found


def _asked(job: str, seconds: int | None = None, **arguments: Any) -> dict[str, Any]:
    """Return a child's answer, or raise the error that it tells; the same question is asked once."""
    question = json.dumps([job, arguments], sort_keys=True)
    key = question + _stamps(arguments)
    with _lock:
        told = _answers.get(key)
        if told is not None and told.get("until", math.inf) < time.monotonic():
            told = None
        if told is not None:
            _answers.move_to_end(key)
    if told is None:
        with _AT_ONCE:
            if seconds is not None:
                # Whoever brought a verifier that hangs need not wait for it twice.
                told = _answer(question, seconds)
            elif "until" in (told := _answer(question)):
                # Where a science compiles its loops at the first call, what was compiled is kept: the second is quick.
                told = _answer(question)
        with _lock:
            _answers[key] = told
            while len(_answers) > KEPT:
                _answers.popitem(last=False)
    if "error" in told:
        kind: type[PoetsError] = getattr(errors, told["error"], PoetsError)
        raise kind(told["message"], fields=told["fields"]) if issubclass(kind, InvalidInput) else kind(told["message"])
    return cast("dict[str, Any]", told["answer"])


def _stamps(arguments: Mapping[str, Any]) -> str:
    """Sizes and times of the files that are named, so that a changed one is read again."""
    named = (*arguments.values(), *arguments.get("params", {}).values(), *arguments.get("files", ()))
    texts = [v for v in named if isinstance(v, str)]
    stamps = []
    for text in texts:
        try:
            about = Path(text).stat()
            stamps.append(f"{about.st_dev}/{about.st_ino}/{about.st_size}/{about.st_mtime_ns}")
        except (OSError, ValueError):
            continue
    return "".join(f"|{s}" for s in stamps)


def _answer(question: str, seconds: int | None = None) -> dict[str, Any]:
    limit = SECONDS if seconds is None else seconds
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment["HF_HUB_OFFLINE"] = "1"
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "poets_core.worker.examine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise StoreUnavailable(f"Expected to start a process that reads the file, got: {error.strerror}.") from error
    try:
        out, _ = child.communicate(question.encode(), timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return _over(f"more than {limit} s", limit)
    try:
        told = json.loads(out)
    except ValueError:
        cpu = child.returncode in (-signal.SIGXCPU, -signal.SIGALRM)
        how = "more time than it may take" if cpu else f"an end without an answer (code {child.returncode})"
        return _over(how, limit)
    return cast("dict[str, Any]", told)


def _over(got: str, limit: int | None = None) -> dict[str, Any]:
    within = SECONDS if limit is None else limit
    message = (
        f"Expected input that can be read within {within} s and the memory for it, got {got}. Make it smaller; where "
        "the machine is busy, try again in a minute."
    )
    # Later the machine may be less busy.
    return {"error": "InvalidInput", "message": message, "fields": {}, "until": time.monotonic() + AGAIN}
