"""A run that learns from verifiable rewards: write, verify, learn, judge, each round in the log with its checkpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poets_core.errors import InvalidSpec
from poets_core.runs.doing import EXPORTING, Doing
from poets_core.runs.event_fields import jsonable
from poets_core.runs.events import Event, Finished, Prepared, Updated
from poets_core.runs.kept import ADAPTERS
from poets_core.runs.reward_events import Answered, RewardsBegun, SampledAnswer, ShownPrompt
from poets_core.runs.room import available_bytes, on_cpu
from poets_core.spec import RewardsSpec
from poets_core.types import BEFORE, REFERENCE
from poets_core.worker import checkpoint
from poets_core.worker.control import Stopped
from poets_core.worker.facts import changes
from poets_core.worker.rewards.check import memory_of
from poets_core.worker.rewards.lesson import Lesson, Watched, load_lesson, model_folder
from poets_core.worker.rewards.restore import RewardsLog, read_rewards_log, require_same_task, restore
from poets_core.worker.session import Session

if TYPE_CHECKING:
    from poets_core.rewards.learner import Learner

SHOWN_CHARACTERS = 1000
"""Of an answer that is kept to look at."""
SHOWN_BRANCHES = 8
"""Branches whose answers are kept: the first ones that write."""


class RewardsRun:
    """One worker's work on one such run.

    Interrupted anywhere and resumed, it appends what an uninterrupted one would have: a round is in the log when its
    checkpoint is on the disk, and a round that was cut off is played again with the same random numbers.
    """

    def __init__(self, session: Session[RewardsSpec]) -> None:
        self._session, self._spec = session, session.spec
        self._log = RewardsLog()
        self._clean = True  # whether the branches are those of a complete round

    def __call__(self) -> None:
        """Work until the run is finished.

        Raises:
            Terminated: told to leave; the run can be resumed.
            PoetsError: and whatever the task and its verifier raise.
        """
        session = self._session
        self._log = log = read_rewards_log(session.events())
        if log.prepared is None:
            session.store.progress(session.lease, Doing("problem"))
        # Before the model: reading the task takes seconds, loading a model may take minutes.
        lesson = load_lesson(self._spec)
        require_same_task(session.run, log, lesson)
        if log.prepared is None:
            session.store.progress(session.lease, Doing("model"))
        try:
            learner = self._build(lesson, commands=True)
        except Stopped:
            self._end("stopped", log.exported)
            return
        self._begin(lesson, learner)
        try:
            self._restore(learner, lesson)
            self._untrained(learner, lesson)
            self._rounds(learner, lesson)
            reason = "budget"
        except Stopped:
            reason = "stopped"
            if not self._clean:
                # Cut off in the middle of a fit: the branches are nobody's, and are brought back.
                learner = self._build(lesson, commands=False)
                self._restore(learner, lesson)
        session.store.progress(session.lease, EXPORTING)
        self._end(reason, session.place(ADAPTERS, lambda folder: leave(learner, folder)))

    def _end(self, reason: str, files: dict[str, str]) -> None:
        # Stop is acknowledged when `finished` is in the log, so that a worker killed in between stops again.
        self._session.append(Finished(reason, dict(files)))
        self._session.control.acknowledge()

    def _build(self, lesson: Lesson, *, commands: bool) -> Learner:
        # On use only: torch takes seconds.
        from poets_core.rewards.build import build_learner

        self._refuse_what_cannot_fit()
        check = self._session.control.listen(commands=commands)
        return build_learner(self._spec, Watched(lesson.task, check), model_folder(self._spec), check)

    def _refuse_what_cannot_fit(self) -> None:
        """Before minutes are spent: a process that the system kills for its memory says nothing."""
        needed = memory_of(self._spec, self._spec.rewards.max_tokens)
        if needed is not None and on_cpu(self._spec.device):
            needed.refuse(available_bytes())

    def _begin(self, lesson: Lesson, learner: Learner) -> None:
        from poets_core.rewards.build import facts_of
        from poets_core.rewards.shown import shown_items

        session, log, facts = self._session, self._log, jsonable(facts_of(learner))
        if log.prepared is not None and (differ := changes(log.prepared.backbone, facts, but=["device"])):
            raise InvalidSpec(
                f"Expected the model that run {session.run} began with, got another: {differ}. "
                "Put the model back as it was, or start a new run."
            )
        # A device may change between workers: the reference is the same model there.
        session.begin(Prepared(None, facts), first=log.prepared is None, device=str(facts["device"]))
        if log.begun is None:
            held = {i.id for i in lesson.task.held_out}
            items = shown_items(lesson.task, self._spec.samples, seed=self._spec.seed)
            shown = tuple(ShownPrompt(i.id, i.prompt, i.answer, i.level, i.id in held) for i in items)
            session.append(RewardsBegun(lesson.facts, lesson.given, shown))

    def _restore(self, learner: Learner, lesson: Lesson) -> None:
        """Bring a learner before its first round to where the log ends."""
        session = self._session
        # Rounds that are played again may be stopped too, in the middle of a fit.
        self._clean = False
        restore(learner, lesson, self._log, self._spec, session.folder, session.step_regardless, session.write)
        self._clean = True

    # -- rounds ------------------------------------------------------------

    def _untrained(self, learner: Learner, lesson: Lesson) -> None:
        """Judge the base model, once: whatever is learnt is measured by it."""
        if self._log.untrained:
            return
        self._session.step(Doing("assess", (0,)))
        # Both in one transaction, so that a worker that is cut off judges it again as a whole, or not at all.
        figures = self._judge(learner, untrained=True)
        self._session.append(Updated(BEFORE, figures), self._answers(learner, BEFORE))
        self._log.untrained = True

    def _rounds(self, learner: Learner, lesson: Lesson) -> None:
        spec, session = self._spec, self._session
        while learner.round < spec.rewards.rounds:
            began, round = time.monotonic(), learner.round
            session.step(Doing("play", (round,)))
            self._clean = False
            figures = learner.play(write_answers=not spec.given.alone, judged=False)
            # Read once a round, so that reasons belong to the answers of this one.
            figures["unknown_why"] = learner.task.forget()  # type: ignore[attr-defined]
            events: list[Event] = []
            if spec.rewards.judged(round):
                session.step(Doing("assess", (round,)))
                figures |= self._judge(learner, untrained=False)
                events = [self._answers(learner, round)]
            figures = jsonable({k: v for k, v in figures.items() if k != "round"})
            # The file is whole and on the disk before the event that names it: an event never names a part.
            folder = session.folder / "checkpoints"
            name, checksum = checkpoint.write(folder, learner.round, learner.state(), session.write)
            seconds = round_off(time.monotonic() - began)
            # Figures and shown answers in one piece: a page never sees the one without the other.
            updated = Updated(round, figures, name, checksum, seconds)
            session.append(updated, *events)
            self._log.updated, self._log.rounds, self._clean = updated, learner.round, True

    def _judge(self, learner: Learner, *, untrained: bool) -> dict[str, Any]:
        import numpy as np

        from poets_core.rewards.judging import judge

        # The reference answers for itself, also where branches begin elsewhere (prior adapters).
        writers = np.array([REFERENCE]) if untrained else learner.update.writers()
        found = judge(learner.ensemble, learner.task, learner.settings, writers, seed=learner.seed)
        learner.task.forget()  # type: ignore[attr-defined]
        figures: dict[str, Any] = jsonable(found)
        return figures

    def _answers(self, learner: Learner, round: int) -> Answered:
        import numpy as np

        from poets_core.rewards.shown import answers_of, shown_items

        items = shown_items(learner.task, self._spec.samples, seed=self._spec.seed)
        writers = np.array([REFERENCE]) if round == BEFORE else np.sort(learner.update.writers()[:SHOWN_BRANCHES])
        rows = []
        for a in answers_of(learner, items, writers):
            # A model may write on and on; what is kept is for people, and the store has a row for every round.
            cut = len(a.text) > SHOWN_CHARACTERS
            rows.append(
                SampledAnswer(
                    a.shown, a.branch, a.text[:SHOWN_CHARACTERS], a.verdict.reward, a.verdict.reason[:300], cut
                )
            )
        learner.task.forget()  # type: ignore[attr-defined]
        return Answered(round, tuple(rows))


def round_off(seconds: float) -> float:
    """Return seconds as events keep them."""
    return round(seconds, 3)


def leave(learner: Learner, folder: Path) -> None:
    """Write the branches that a run leaves as PEFT adapters, one folder each."""
    from poets_core.lm.adapters import export_adapter
    from poets_core.rewards.build import writing_branches

    for branch in sorted(writing_branches(learner).tolist()):
        export_adapter(learner.ensemble, branch, folder / f"branch-{branch}")
