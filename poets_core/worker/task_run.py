"""Short pieces of science that pages ask for: an export that was checked, a problem that answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from domains import catalog
from poets_core.errors import InvalidInput
from poets_core.keyed import rng_for
from poets_core.protocols import Problem
from poets_core.runs.artifacts import file_name
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import jsonable
from poets_core.runs.event_reader import stored_info
from poets_core.runs.events import ArtifactMade, Finished, Prepared
from poets_core.runs.views.fold import CandidateView, RunView, fold
from poets_core.search.loop import chunks
from poets_core.spec import TaskSpec
from poets_core.types import Record
from poets_core.worker.facts import require_same_problem
from poets_core.worker.rewards.deploy import Deployment
from poets_core.worker.session import Session

TOLERANCE = 1e-9
"""Largest difference between a stored value and its repetition, in the objective's unit."""
CHECKED = 8


class TaskRun:
    """One worker's work on one task; done again from the start when it was cut off."""

    def __init__(self, session: Session[TaskSpec]) -> None:
        self._session, self._spec, self._task = session, session.spec, session.spec.task

    def __call__(self) -> None:
        """Do the task.

        Raises:
            InvalidInput: wrong candidates or format, or a winner does not score what the run says.
            PoetsError: and whatever problem and oracle raise.
        """
        session = self._session
        if self._task.name == "deploy":
            Deployment(session)()
            return
        # A task that was cut off begins anew: it has written nothing that could be taken up.
        first = not any(isinstance(event, Prepared) for event in session.events())
        if self._task.name == "export":
            problem = session.science.load(session.store.spec(self._task.run))
            source = fold(session.store.read(self._task.run))
            # What is measured again must be measured by what the run was measured by.
            require_same_problem(self._task.run, source.info, problem.info)
            session.begin(Prepared(stored_info(problem.info)), first=first)
            done = [self._export(problem, source)]
        else:
            problem = session.science.load(self._spec)
            check = self._check(problem)
            session.begin(Prepared(stored_info(problem.info), check=check), first=first)
            done = []
        session.control.check()
        session.append(*done, Finished("task"))

    def _export(self, problem: Problem, source: RunView) -> ArtifactMade:
        task, wanted = self._task, self._chosen(source)
        if task.format not in problem.info.export_formats:
            raise InvalidInput(
                f"Expected an export format of {problem.info.name}, one of {list(problem.info.export_formats)}, "
                f"got {task.format!r}."
            )
        # Ids leave the run here: two files of two runs must not hold the same ones.
        seed = self._session.store.spec(task.run).seed
        records = [_record(c, task.run, seed) for c in wanted]
        data = problem.export(records, task.format)
        kind = catalog.export_of(problem.info.name, task.format)
        # The file is what people take away, so the file is checked and not the records it was made of. What is read by
        # nobody but its writer was checked there.
        back = problem.read_export(data, task.format) if kind.reads_back else records
        if [r.design for r in back] != [r.design for r in records]:
            wrong = next((i for i, (a, b) in enumerate(zip(back, records, strict=False)) if a.design != b.design), None)
            raise InvalidInput(
                f"Expected the {task.format} file to give back the {len(records)} designs it was made of, got "
                f"{len(back)}, the first difference at row {wrong}. Nothing was exported."
            )
        # Written only now: a file that does not score what the run says never appears.
        rescored, difference = self._rescore(problem, back, wanted)
        ending, media_type = kind.named(data)
        what = self._spec.label or ("designs" if task.candidates else "valid")
        name = file_name(problem.info.name, task.run, what, len(records), ending)
        checksum = self._session.write(self._session.folder / "artifacts" / name, data)
        return ArtifactMade(
            name,
            media_type,
            f"artifacts/{name}",
            checksum,
            rows=len(records),
            rescored=rescored,
            max_difference=difference,
            run=task.run,
            format=task.format,
        )

    def _chosen(self, source: RunView) -> list[CandidateView]:
        """The candidates to export: those named, or every valid observed one."""
        # Invalid designs have no value that could be measured again, so that nothing could be promised of them.
        valid = {c.id: c for c in source.candidates.values() if c.valid}
        unknown = [i for i in self._task.candidates if i not in valid]
        if unknown:
            raise InvalidInput(
                f"Expected valid, observed candidates of run {self._task.run}, got {unknown[:5]}. Choose others."
            )
        chosen = [valid[i] for i in self._task.candidates] or list(valid.values())
        if not chosen:
            raise InvalidInput(f"Expected at least one valid candidate in run {self._task.run}, got none yet.")
        return chosen

    def _rescore(self, problem: Problem, back: list[Record], wanted: list[CandidateView]) -> tuple[int, float | None]:
        """Measure what the file says again; noisy values are not comparable and are left out.

        Returns:
            how many were compared, and the largest absolute difference (None if none was).

        Raises:
            InvalidInput: a difference above `TOLERANCE`.
        """
        if (
            problem.info.answered_by == "people"
        ):  # nobody here can measure; that the file reads back is what was checked
            return 0, None
        # An oracle with noise answers otherwise every time; a difference would say nothing of the file. Given data are
        # not the oracle's answers at all.
        exact = [
            (r, c)
            for r, c in zip(back, wanted, strict=True)
            if c.std == 0.0 and c.value is not None and c.source != "given"
        ]
        largest = 0.0
        for index, rows in chunks(len(exact), problem.info.chunk):
            self._session.step(Doing("rescore", (index,)))
            part = exact[rows]
            # Designs out of the file, prompts out of the log: a file does not say what it was an answer to.
            rng = rng_for(self._spec.seed, "rescore", index)
            answer = problem.oracle.evaluate([r.design for r, _ in part], [c.prompt for _, c in part], rng=rng)
            for (record, candidate), value, valid in zip(part, answer.values[:, 0], answer.valid, strict=True):
                # A winner that is invalid the second time is the worst difference there is.
                difference = abs(float(value) - float(candidate.value or 0.0)) if valid else np.inf
                if difference > TOLERANCE:
                    raise InvalidInput(
                        f"Expected candidate {candidate.id} to score {candidate.value!r} again, got "
                        f"{float(value)!r} for {record.design[:60]!r}. Nothing was exported."
                    )
                largest = max(largest, difference)
        return len(exact), largest if exact else None

    def _check(self, problem: Problem) -> dict[str, Any]:
        """Measure a few designs of the problem's own prior."""
        texts = problem.library(CHECKED, rng=rng_for(self._spec.seed, "check"))
        designs = [problem.decode(text) for text in texts]
        answer = problem.oracle.evaluate(designs, [0] * len(designs), rng=rng_for(self._spec.seed, "check", "oracle"))
        rows = [
            {"design": design, "value": jsonable(value), "valid": bool(valid), "reason": reason}
            for design, value, valid, reason in zip(
                designs, answer.values[:, 0], answer.valid, answer.reason, strict=True
            )
        ]
        return {"asked": len(rows), "valid": int(answer.valid.sum()), "rows": rows}


def _record(candidate: CandidateView, run: str, seed: int) -> Record:
    metadata = {
        "run": run,
        "seed": seed,
        "round": candidate.round,
        "branch": candidate.branch,
        "source": candidate.source,
        "expected": candidate.expected,
        "expected_low": candidate.expected_low,
        "expected_high": candidate.expected_high,
        "std": candidate.std,
        **candidate.details,
    }
    # What was not measured has no value; a zero would be one.
    value = math.nan if candidate.value is None else float(candidate.value)
    return Record(f"{run}/{candidate.id}", candidate.design, value, metadata)
