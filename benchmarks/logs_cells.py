"""Logs that the benchmark of logs plays: nobody is better, somebody is, or pairs are missing; and how one is played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from poets_core.llm_po.comparison import Comparison, Verdict
from poets_core.llm_po.dependence import Dependence, dependence_of
from poets_core.llm_po.evidence import OPEN, decide
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.log import Row
from poets_core.llm_po.replay import Replay
from poets_core.types import F8

SHAPES = ((40, 20), (100, 8), (160, 5), (400, 2), (800, 1))
"""Prompts, judges: 800 rows each, every judge asked about every prompt."""
AGREEMENTS = (0.6, 0.8, 1.0)
"""How often a judge says what the prompt (or his leaning) says."""
COPIES = 8
NOBODY = ("A", "B")


@dataclass(frozen=True)
class Played:
    """How a log ended: the verdict (None: all rows were used without one), and the rows used."""

    verdict: Verdict | None
    rows: int


def row(index: int, first: str, second: str, won: bool, prompt: str, judge: str = "") -> Row:
    """One row without responses, whose order of presentation is not known."""
    return Row(index, index, prompt, first, second, "first" if won else "second", ("", ""), False, judge)


def crossed_log(
    prompts: int, judges: int, agreement: float, by: str, rng: np.random.Generator, copies: int = 1
) -> list[Row]:
    """Every judge about every prompt, A against B; nobody is better.

    Args:
        prompts, judges: how many.
        agreement: probability that a judgment is that of its cause.
        by: "prompt": the prompt has an answer, A or B with probability 1/2, that judges see with this probability;
            "judge": a judge leans to A or B, whatever the prompt; "both": either decides, by row, half the time.
        rng: randomness of this log.
        copies: of every row.
    """
    answer, leaning = rng.random(prompts) < 0.5, rng.random(judges) < 0.5
    own, agreed = rng.random((prompts, judges)) < 0.5, rng.random((prompts, judges)) < agreement
    out: list[Row] = []
    for p in range(prompts):
        for q in range(judges):
            cause = answer[p] if by == "prompt" or (by == "both" and own[p, q]) else leaning[q]
            won = bool(cause == agreed[p, q])
            for _ in range(copies):
                out.append(row(len(out) + 1, *NOBODY, won, f"prompt {p}", f"judge {q}"))
    return out


def independent_log(
    p: F8, names: Sequence[str], each: int, rng: np.random.Generator, left_out: Sequence[int]
) -> list[Row]:
    """`each` rows of every pair of policies but those `left_out` (numbers of pairs), a prompt of its own each."""
    out: list[Row] = []
    for number, (i, j) in enumerate(combinations(range(len(names)), 2)):
        for _ in range(0 if number in left_out else each):
            out.append(row(len(out) + 1, names[i], names[j], bool(rng.random() < p[i, j]), f"prompt {len(out)}"))
    return out


def play(
    rows: Sequence[Row], names: Sequence[str], *, delta: float, seed: int, assume: bool = False, shared: bool = True
) -> Played:
    """Play a log to its end.

    Args:
        rows: of the log.
        names: of the policies.
        delta: largest error.
        seed: of the order of rows and of the sampling rule.
        assume: whether a winner is known to exist.
        shared: whether the experiment is told which rows depend on each other; False: as it was before.
    """
    found = dependence_of(rows)
    known: Dependence | None = found if shared else None
    experiment = Experiment(names, delta, assume_condorcet=assume, seed=seed, dependence=known)
    replay = Replay(rows, found, names, seed)
    # What `verdict` asks, without its words: 800 times a log.
    while decide(experiment.duels, delta, assume)[0] == OPEN and replay.left.any():
        # Of two policies there is one pair, and no rule has to choose it.
        first, second = names if len(names) == 2 else _wanted(experiment, replay)
        taken = replay.upcoming(first, second, 0)
        if taken is None:
            raise RuntimeError(f"Expected a row of {first} and {second}, which are said to be left, got none.")
        replay.use(taken.index)
        experiment.record(Comparison(taken.first, taken.second, taken.outcome, row=taken.index))
    return Played(experiment.verdict(), len(experiment.comparisons))


def _wanted(experiment: Experiment, replay: Replay) -> tuple[str, str]:
    (pair,) = experiment.next_pairs(1, left=replay.left)
    return pair.first, pair.second
