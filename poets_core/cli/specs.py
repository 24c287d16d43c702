"""Specs at the command line: made of a problem and ``key=value`` changes, their paths found, checked before a start."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from domains import catalog
from poets_core.cli import rewards
from poets_core.errors import InvalidComparisons, InvalidSpec
from poets_core.intake import read_file
from poets_core.protocols import Problem
from poets_core.runs.artifacts import UPLOAD_LIMIT, save_upload
from poets_core.runs.examine import check_model, check_problem, preview_log
from poets_core.runs.room import available_bytes, on_cpu
from poets_core.runs.store import RunStore
from poets_core.runs.uploads import with_paths
from poets_core.spec import (
    ExperimentSettings,
    ExperimentSpec,
    LaboratorySpec,
    ProblemSpec,
    RewardsSpec,
    RunSpec,
    SearchSpec,
    TaskSpec,
)
from poets_core.spec.presets import default_spec
from poets_core.worker.science import REAL_SCIENCE, memory_of, resolve_backbone

S = TypeVar("S", bound=RunSpec)
TEXTS = {"label"} | {f"laboratory.{n}" for n, f in LaboratorySpec.model_fields.items() if f.annotation is not int}
TEXTS |= {f"experiment.{name}" for name in ("criterion", "judge_model", "judge_url")}
"""Settings that are texts though they may read like numbers: a plate of 384."""


def spec_from(problem: str, assignments: list[str], seed: int | None = None) -> SearchSpec:
    """Return the spec of a problem with ``key=value`` changes.

    Args:
        problem: catalog name.
        assignments: dotted keys; values are JSON, or text if they are not. A method among them decides the defaults.
        seed: wins over the assignments.

    Raises:
        InvalidSpec: unknown problem, key or parameter, or a value out of range.
    """
    entry = catalog.entry(problem)
    texts = {f"problem.params.{p.name}" for p in entry.parameters if p.kind in ("text", "file")} | TEXTS
    overrides = assigned(assignments, texts)
    if seed is not None:
        overrides["seed"] = seed
    made = default_spec(problem, params={}, settings=entry.settings, backbone=entry.backbones[0], overrides=overrides)
    params = catalog.check_params(made.problem.name, made.problem.params)
    made = made.model_copy(update={"problem": ProblemSpec(name=made.problem.name, params=params)})
    placed = located(made)
    _check_files(placed.problem)
    return placed


def assigned(assignments: Sequence[str], texts: Collection[str] = frozenset(TEXTS)) -> dict[str, Any]:
    """Return ``key=value`` changes with dotted keys as a tree.

    Args:
        assignments: the changes; values are JSON, or text if they are not.
        texts: keys whose values stay texts though they read like numbers: ``positions=39``.

    Raises:
        InvalidSpec: no such pair, or a key below one that has a value already.
    """
    tree: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not all(key.split(".")):
            raise InvalidSpec(f"Expected --set KEY=VALUE with a dotted key, got {assignment!r}.")
        value = _value(text)
        _assign(tree, key.split("."), value if isinstance(value, str) or key not in texts else text)
    return tree


def report_of(problem: ProblemSpec) -> dict[str, Any]:
    """Check a problem's files as the worker will; return what was found in them, see `runs.examine.check_problem`.

    Raises:
        InvalidInput: a parameter or file that cannot be used.
    """
    if not catalog.entry(problem.name).check:
        return {}
    return check_problem(problem.name, catalog.check_params(problem.name, problem.params))


def table_params(problem: str, file: Path, parent: str, positions: str, assignments: list[str]) -> ProblemSpec:
    """Return a problem that reads a table, for a look at the table alone.

    Args:
        problem: catalog name; its file parameter is called ``table``.
        file: the table.
        parent: letters, or a file with them.
        positions: of the sites, "" for none.
        assignments: further parameters, ``name=value``.

    Raises:
        InvalidSpec: a parameter that the problem has not.
    """
    known = {p.name for p in catalog.entry(problem).parameters}
    params = {"table": str(file.expanduser().absolute()), "wild_type": _letters(parent), "positions": positions}
    for assignment in assignments:
        name, equals, text = assignment.removeprefix("problem.params.").partition("=")
        if not equals:
            raise InvalidSpec(f"Expected --set NAME=VALUE with a parameter of the table, got {assignment!r}.")
        params[name] = text
    made = ProblemSpec(name=problem, params={k: v for k, v in params.items() if k in known or v})
    checked = made.model_copy(update={"params": catalog.check_params(problem, made.params)})
    _check_files(checked)
    return checked


def _letters(parent: str) -> str:
    """Return the text of a file with a sequence, or the letters themselves."""
    if not parent or "\n" in parent or len(parent) > 1000 or not Path(parent).expanduser().is_file():
        return parent
    refuse = partial(InvalidSpec, field="problem.params.wild_type")
    return read_file(Path(parent).expanduser(), 1 << 20, refuse).decode("utf-8-sig", "replace").strip()


def _assign(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise InvalidSpec(f"Expected {'.'.join(path)} to be below an object, got a value at {part!r} already.")
    tree[path[-1]] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def located(made: S, beside: Path | None = None) -> S:
    """Return a spec whose paths are absolute, because a worker has another current folder.

    Args:
        made: paths in it are relative to the current folder.
        beside: folder that is tried for what is not in the current one.

    Raises:
        InvalidSpec: unknown problem.
    """
    changed: dict[str, Any] = {}
    if isinstance(made, ExperimentSpec):
        changed["experiment"] = _located_experiment(made.experiment, beside)
    if isinstance(made, RewardsSpec):
        changed |= rewards.located(made, lambda path: str(_absolute(path, beside)))
    if made.problem is not None:
        params = dict(made.problem.params)
        for p in catalog.entry(made.problem.name).parameters:
            if p.kind == "file" and isinstance(value := params.get(p.name), str) and value:
                params[p.name] = str(_absolute(value, beside))
        changed["problem"] = made.problem.model_copy(update={"params": params})
    if isinstance(made, SearchSpec) and (source := made.backbone.source) not in ("library", *catalog.backbones()):
        found = _absolute(source, beside)
        source = str(resolve_backbone(str(found) if found.exists() else source))
        changed["backbone"] = made.backbone.model_copy(update={"source": source})
    return cast("S", made.model_copy(update=changed))


def kept_in(made: S, store: RunStore) -> S:
    """Return a spec whose data files lie in the store's uploads, so that the run does not depend on where they were.

    A file that is larger than an upload may be stays where it is.

    Args:
        made: a spec whose paths are absolute, and whose files were read once.
        store: that keeps copies.

    Raises:
        StoreUnavailable: they cannot be written.
    """
    names = {p.name for p in catalog.entry(made.problem.name).parameters if p.kind == "file"} if made.problem else set()
    wanted = (
        {str(made.problem.params[name]) for name in names if made.problem.params.get(name)} if made.problem else set()
    )
    wanted |= rewards.files(made) if isinstance(made, RewardsSpec) else set()
    wanted |= {made.experiment.log} if isinstance(made, ExperimentSpec) and made.experiment.log else set()
    paths = {}
    for path in map(Path, sorted(wanted)):
        if 0 < path.stat().st_size <= UPLOAD_LIMIT:
            paths[str(path)] = str(save_upload(store, path.name, path.read_bytes()))
    return with_paths(made, lambda path: paths.get(path, path))


def _located_experiment(made: ExperimentSettings, beside: Path | None) -> ExperimentSettings:
    model, log = made.model, made.log
    if log:
        log = str(_absolute(log, beside))
    if made.source == "prompts" and (found := _absolute(model, beside)).exists():
        model = str(found)
    judge = made.judge_model
    if judge and not made.judge_url and (found := _absolute(judge, beside)).exists():
        judge = str(found)
    return made.model_copy(update={"model": model, "log": log, "judge_model": judge})


def _absolute(path: str, beside: Path | None) -> Path:
    here = Path(path).expanduser().absolute()
    there = None if beside is None else beside.absolute() / Path(path).expanduser()
    return there if there is not None and there.exists() and not here.exists() else here


def check(made: RunSpec, store: RunStore) -> None:
    """Find out what can be wrong with a run before anything is started.

    The problem is loaded as the worker will load it, so that a table is read and parameters that contradict each other
    are found. What only a started search can know, like a model that does not load, is left to the worker.

    Args:
        made: the run, its paths absolute.
        store: where the runs are that it names.

    Raises:
        InvalidInput: a problem, parameter, file, device, task or log that cannot be used.
        UnknownRun: a run that it names.
    """
    if made.device == "cuda":
        from poets_core.search.registry import device_of  # torch: seconds, and this device alone needs it

        device_of(made.device)
    if made.problem is not None:
        problem = _load(made.problem)
        if isinstance(made, SearchSpec):
            _check_search(made, problem)
    if isinstance(made, ExperimentSpec):
        _check_experiment(made, store)
    if isinstance(made, RewardsSpec):
        rewards.check(made)
    if isinstance(made, TaskSpec) and made.task.name == "export":
        store.row(made.task.run)


def _load(problem: ProblemSpec) -> Problem:
    params = catalog.check_params(problem.name, problem.params)
    _check_files(problem.model_copy(update={"params": params}))
    # In a process with limits of memory and time, before this one reads the same file.
    if catalog.entry(problem.name).check:
        check_problem(problem.name, params)
    return catalog.load(problem.name, **params)


def _check_files(problem: ProblemSpec) -> None:
    for p in catalog.entry(problem.name).parameters:
        path = Path(str(problem.params[p.name]))
        # A file that need not be given is an empty text where it is not.
        if (
            p.kind == "file"
            and problem.params[p.name] != p.default
            and not (path.is_file() and os.access(path, os.R_OK))
        ):
            field = f"problem.params.{p.name}"
            raise InvalidSpec(f"Expected a readable file for {field}, got none at {path}.", field=field)


def _check_search(made: SearchSpec, problem: Problem) -> None:
    _check_model(made.backbone.source, "backbone.source")
    needed = memory_of(made, problem.info.max_tokens)
    if needed is not None and on_cpu(made.device):
        needed.refuse(available_bytes())
    if made.search.transform == "log":
        from poets_core.search.registry import check_transform  # torch: seconds, and this transform alone needs it

        check_transform(problem, made)


def _check_model(source: str, field: str) -> None:
    path = resolve_backbone(source)
    if not isinstance(path, Path):
        return  # a name of the hub, or a model that the run trains
    if not path.exists():
        raise InvalidSpec(f"Expected a model for {field}, got nothing at {path}. Check the path.", field=field)
    check_model(source, field)


def _check_experiment(made: ExperimentSpec, store: RunStore) -> None:
    from poets_core.worker.experiment.audit_run import require_auditable
    from poets_core.worker.experiment.sources.log import LogSource
    from poets_core.worker.experiment.sources.prompt import PromptSource

    chosen = made.experiment
    if chosen.source == "log":
        names = [policy.name for policy in chosen.policies]
        if chosen.mapping is not None:
            seen = preview_log(Path(chosen.log), Path(chosen.log).name, chosen.mapping, names)
            if seen.wrong:
                raise InvalidComparisons(next(iter(seen.wrong.values())), fields=seen.wrong)
        found = LogSource(chosen, made.seed)
        if chosen.audit:
            require_auditable(found)
    elif chosen.source == "prompts":
        PromptSource(chosen, REAL_SCIENCE, made.seed, Path())
        _check_model(chosen.model, "experiment.model")
        if chosen.judge == "model" and not chosen.judge_url:
            _check_model(chosen.judge_model, "experiment.judge_model")
    else:
        for policy in chosen.policies:
            theirs = store.spec(policy.run)
            if theirs.problem != made.problem:
                raise InvalidSpec(
                    f"Expected runs of one problem, {made.about!r} with the same parameters, got another in run "
                    f"{policy.run} of policy {policy.name!r}.",
                    field="experiment.policies",
                )
