"""A run that learnt from rewards, in its report: what is solved, rewards by round, answers side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from poets_core.runs.report.chart import BLUE, ORANGE, Series, chart
from poets_core.runs.reward_events import SampledAnswer
from poets_core.runs.views.rewards import RewardsView, judged, solved
from poets_core.runs.views.run import RunView
from poets_core.types import REFERENCE

LONGEST = 400
"""Characters of a prompt or answer that are shown."""
SPLITS = (("held_out", "held-out prompts"), ("train", "training prompts"))


def sentences(view: RunView, lesson: RewardsView) -> list[str]:
    """Say what share of answers is right, and what the untrained model's was.

    Args:
        view: fold of the run's events.
        lesson: of the view, as far as the run has begun.
    """
    seen = judged(view.rounds)
    said = [f"{len(view.rounds):,} rounds were learnt on {lesson.task.get('name', 'a task without a name')}."]
    for split, name in SPLITS if seen else ():
        count = lesson.task.get(split)
        now, before = solved(seen[-1].metrics, split), solved(lesson.untrained, split)
        if now is None:
            continue
        than = "" if before is None else f", of the untrained model's {before:.1%}"
        said.append(
            f"{now:.1%} of the answers to {count} {name} were right after round {seen[-1].round + 1}{than}; mean "
            f"reward {_number(seen[-1].metrics.get(f'{split}_reward'))}, untrained "
            f"{_number(lesson.untrained.get(f'{split}_reward'))}."
        )
    if len(said) == 1:
        said.append("No answer was judged, so nobody knows how good the models are.")
    if view.failed or view.finished is None:
        said.append(f"The run has not finished{f': {view.failed}' if view.failed else ''}.")
    return said


def figures(view: RunView, lesson: RewardsView) -> Iterator[tuple[str, str]]:
    """Yield names and drawings: mean rewards by round, each split beside the untrained model's."""
    rounds, lines = judged(view.rounds), list[Series]()
    for (split, name), colour in zip(SPLITS, (BLUE, ORANGE), strict=True):
        key = f"{split}_reward"
        points = [(float(r.round + 1), float(r.metrics[key])) for r in rounds if r.metrics.get(key) is not None]
        before = lesson.untrained.get(key)
        points = [*([] if before is None else [(0.0, float(before))]), *points]
        lines.append(Series(name, points, colour, line=True, dashed=split == "train"))
    says = f"mean reward after {len(rounds)} judged rounds; round 0 is the untrained model"
    yield "Reward", chart(lines, "rounds learnt; 0 is the untrained model", "mean reward [0 to 1]", says)


def answers(lesson: RewardsView) -> str:
    """Return the answers that were kept, a row each, the untrained model's first; all of it as text."""
    rows = []
    for number, prompt in enumerate(lesson.prompts):
        both = [a for a in (*lesson.untrained_answers, *lesson.answers) if a.shown == number]
        split = "held out" if prompt.held_out else "training"
        rows += [_row(f"{prompt.prompt}", split, a) for a in both]
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in ("prompt", "", "model", "answer", "reward"))
    after = "" if lesson.answered is None else f" after round {lesson.answered + 1}"
    return (
        f"<h2>Answers of the untrained model, and{after or ' later'}</h2><table><tr>{head}</tr>{''.join(rows)}</table>"
    )


def _row(prompt: str, split: str, answer: SampledAnswer) -> str:
    model = "untrained" if answer.branch == REFERENCE else f"branch {answer.branch}"
    cells: Sequence[str] = (_cut(prompt), split, model, _cut(answer.text))
    texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr>{texts}<td class="n">{_number(answer.reward)}</td></tr>'


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4g}"
