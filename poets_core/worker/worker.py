"""How a worker claims a run, works on it, says how it ended, and gives it back."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from poets_core.errors import (
    InvalidComparisons,
    InvalidModel,
    InvalidTable,
    LeaseLost,
    PoetsError,
    StoreError,
    short_paths,
    told,
    unquoted,
)
from poets_core.runs import process
from poets_core.runs.events import Event, Failed, Finished, StateChanged
from poets_core.runs.kept import sweep
from poets_core.runs.lease import Lease
from poets_core.runs.store import RunStore
from poets_core.spec import ExperimentSpec, RewardsSpec, RunSpec, SearchSpec
from poets_core.worker.control import Control, Stopped, Terminated
from poets_core.worker.experiment.audit_run import AuditRun
from poets_core.worker.experiment.run import ExperimentRun
from poets_core.worker.laboratory import has_work
from poets_core.worker.named_files import names_other_files
from poets_core.worker.patience import Patience, PatientStore, patience_seconds
from poets_core.worker.rewards.run import RewardsRun
from poets_core.worker.science import REAL_SCIENCE, Science
from poets_core.worker.search_run import BATCHES, SearchRun
from poets_core.worker.session import Session
from poets_core.worker.task_run import TaskRun

FINISHED, FAILED, NOT_MINE = 0, 1, 3
"""Exit codes: done or put down in good order; the run failed; another worker has it."""


def work(store: RunStore, run: str | None, science: Science = REAL_SCIENCE) -> int:
    """Claim a run and work on it until it is finished, stopped, failed or taken away.

    Args:
        store: where the run is.
        run: run id, None for the oldest waiting one.
        science: how problem and search are made.

    Returns:
        an exit code.

    Raises:
        UnknownRun, StoreUnavailable: before anything was claimed.
        InvalidInput: POETS_STORE_PATIENCE is no number of seconds.
    """
    pid, patient = os.getpid(), PatientStore(store, Patience(patience_seconds()))
    if run is not None and patient.status(run).reason == BATCHES and not has_work(patient, run):
        _say(f"Expected something to do for run {run}, got none: all its batches are measured.")
        return NOT_MINE
    # A pid alone may belong to another process by the time somebody asks; with its start time it cannot.
    lease = patient.claim(run, f"{process.host()}:{pid}", pid, process.started(pid))
    if lease is None:
        wanted = "any run" if run is None else f"run {run}"
        _say(f"Expected {wanted} to be free, got none: another worker has it, or it is finished.")
        return FINISHED if run is None else NOT_MINE
    _say(f"run {lease.run}: epoch {lease.epoch}, pid {pid}")
    while True:
        with Control(patient, lease) as control:
            code = _work(patient, lease, control, science)
        # What people sent while this worker was leaving found it still at work, and started nobody.
        if code != FINISHED or not has_work(patient, lease.run):
            return code
        again = patient.claim(lease.run, f"{process.host()}:{pid}", pid, process.started(pid))
        if again is None:
            return code
        lease = again


def _work(store: PatientStore, lease: Lease, control: Control, science: Science) -> int:
    spec: RunSpec | None = None
    try:
        # Inside, so that a spec of another version ends in the log of the run and not in a worker that nobody sees.
        spec = store.spec(lease.run)
        # What a worker that was killed or shut out has written aside; nobody else may write here now.
        if swept := sweep(store.folder(lease.run)):
            _say(f"removed what was left half written: {', '.join(swept)}")
        if isinstance(spec, SearchSpec):
            SearchRun(Session(store, lease, spec, control, science))()
        elif isinstance(spec, ExperimentSpec):
            run = AuditRun if spec.experiment.audit else ExperimentRun
            run(Session(store, lease, spec, control, science))()
        elif isinstance(spec, RewardsSpec):
            RewardsRun(Session(store, lease, spec, control, science))()
        else:
            TaskRun(Session(store, lease, spec, control, science))()
    except Terminated:
        _say("told to end: the run is given back and can be resumed")
        return _leave(store, lease, [StateChanged("stopped")], FINISHED)
    # Searches and experiments deal with Stop themselves, since they have something to keep; this is a task's.
    except Stopped:
        return _leave(store, lease, [Finished("stopped")], FINISHED, obeyed=control)
    # Another worker writes the run now. Nothing may be said here: the log is no longer ours.
    except LeaseLost as error:
        _say(str(error))
        return NOT_MINE
    except PoetsError as error:
        _say(f"failed: {error}")
        return _leave(store, lease, [_failed(error, store, spec)], FAILED)
    # Oracles are other people's code: whatever they raise must end in the log, not in a run that looks dead.
    except Exception as error:
        for line in traceback.format_exception(error):
            _say(told(line).rstrip("\n"))
        return _leave(store, lease, [_failed(error, store, spec)], FAILED)
    return _leave(store, lease, [], FINISHED)


def _failed(error: Exception, store: RunStore, spec: RunSpec | None) -> Failed:
    """Return what is said of a failure in the log, which every page shows and every archive holds.

    What an error quotes of a file is shown where the file lies in the uploads of the store: whoever sees the page has
    put it there. A spec may name any other file; nothing of such a one is quoted.
    """
    message = told(error) or "no message"
    of_a_file = not isinstance(error, PoetsError) or isinstance(error, InvalidTable | InvalidComparisons | InvalidModel)
    if of_a_file and (spec is None or names_other_files(spec, store.files / "uploads")):
        message = unquoted(message)
    return Failed(type(error).__name__, told(short_paths(message)))


def _leave(store: PatientStore, lease: Lease, last: Sequence[Event], code: int, obeyed: Control | None = None) -> int:
    """Say the last word, acknowledge the command that `obeyed` it, and release.

    A store that cannot be written leaves the run to be seen as dead.
    """
    try:
        # The word first, then the command it answers, then the lease: cut off anywhere, the next worker does the rest.
        store.append(lease, last)
        if obeyed is not None:
            obeyed.acknowledge()
        store.release(lease)
    except (StoreError, Terminated) as error:
        _say(f"could not say how it ended: {error}")
        return FAILED
    return code


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
