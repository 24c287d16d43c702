"""An audit as its pages show it, without a browser: the figures, the verdict in words, and what stays hidden."""

from __future__ import annotations

from typing import Any

import pytest

from pages.parts.experiment.audit import agreement, audit_frame
from pages.parts.experiment.settings import build_experiment
from pages.parts.experiment.tables import chosen, frame
from pages.parts.experiment.verdicts import outcome, sentence
from pages.parts.states import offers_judging
from poets_core.keyed import rng_for
from poets_core.llm_po.audit.audit import Judgement
from poets_core.runs.audit_events import Audited
from poets_core.runs.events import Event, Updated, VerdictReached
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.worker.experiment.audit_statistics import AuditStatistics
from tests.pages import written_experiment as we
from tests.pages.test_pages import opened, said

POLICIES, JUDGE = "pages/analyse/policies.py", "pages/analyse/judge.py"
NAMES = ("long", "short")


def judged(n: int) -> tuple[Any, list[Event], AuditStatistics]:
    """A spec, the events of n judged pairs and one that is open, and the statistics: people always prefer "short"."""
    spec = we.spec("replay", NAMES, audit=True)
    found, rng, events = AuditStatistics(spec.experiment, 0), rng_for(0, "written audit"), []
    for index in range(n + 1):
        planned = found.audit.plan(*NAMES)
        verdict = "first" if rng.random() < 0.6 else "second"
        person = index == n or found.audit.audited(index, planned.share(verdict))
        facts = (planned.predicted, planned.shares, planned.stakes)
        events += [we.asked(index, 0, 1, NAMES, "Explain."), Audited(index, verdict, person, *facts)]
        if index < n:
            said = "second" if person else verdict
            who = {"judge": "Ada", "answer": index + 1} if person else {"judge": "replay"}
            events.append(we.compared(index, 0, 1, said, names=NAMES, **who))
            found.take_in([*found.audit.judgements, Judgement(*NAMES, verdict, planned, "second" if person else None)])
    return spec, [*we.prepared(NAMES, problem=False), *events], found


def test_an_audit_that_goes_on_shows_its_figures_and_hides_the_open_verdict(store: SqlStore) -> None:
    spec, events, found = judged(6)
    run = we.write(store, spec, [*events, Updated(6, found.metrics(), seconds=0.1)])
    at = opened(POLICIES, run=run)
    cards = {m.label: m.value for m in at.metric}
    labels = found.audit.labels
    assert (cards["Verdicts of the judge"], cards["Labels of people"]) == ("6", str(labels))
    assert cards["Labels saved"] == f"{1 - labels / 6:.0%}"
    table = next(d.value for d in at.dataframe if "agreement" in d.value)
    assert table["pair"].tolist() == ["long – short"]
    standing = next(d.value for d in at.dataframe if "may be the best" in d.value)
    assert "wins" not in standing  # raw labels were drawn with unequal shares
    view = fold(store.read(run)).experiment
    rows = frame(chosen(view, "all"))
    assert set(rows["audited judge"]) <= {"A", "B"}
    assert frame(chosen(view, "open"))["audited judge"].tolist() in ([], ["–"])


def test_the_judge_page_says_what_an_audit_is_and_no_name(store: SqlStore) -> None:
    spec, events, _ = judged(3)
    at = opened(JUDGE, run=we.write(store, spec, events), judge="Ada")
    text = said(at)
    assert "You audit a judge" in text
    assert not [name for name in NAMES if name in text]


@pytest.mark.parametrize(
    ("kind", "policy", "words"),
    [
        ("winner", "short", "People prefer **short** to every other policy with error at most 30 %, after"),
        ("undecided", None, "whom people prefer is not certified"),
    ],
)
def test_a_verdict_is_about_people(kind: Any, policy: str | None, words: str) -> None:
    bound = 0.3 if policy else None
    verdict = VerdictReached(kind, policy, bound, 40, (), "audit", {"labels": 12})
    tone, text = sentence(verdict, None)
    assert words in text
    assert "40 verdicts of the judge and 12 of people" in text
    assert tone == ("success" if policy else "warning")
    assert ("people prefer" in outcome(verdict)) == (policy is not None)


def test_a_model_speaks_for_itself_alone() -> None:
    verdict = VerdictReached("winner", "short", 0.1, 40, ("short",), "unstructured", {"according_to": "m*1*"})
    _, text = sentence(verdict, None)
    assert text.startswith("**short** is the best policy according to the judge m\\*1\\*")
    assert "according to m" in outcome(verdict)


def test_figures_of_pairs() -> None:
    pairs = [
        {"first": "a", "second": "b", "judged": 30, "labels": 5, "verdicts": 0.5, "preferred": 0.25,
         "preferred_interval": [0.1, 0.5], "agreed": 0.5, "agreed_interval": [0.2, 0.9]},
        {"first": "a", "second": "c", "judged": 10, "labels": 5, "verdicts": 1.0, "preferred": 1.0,
         "preferred_interval": [0.5, 1.0], "agreed": 0.9, "agreed_interval": [0.5, 1.0]},
    ]  # fmt: skip
    assert agreement(pairs) == pytest.approx(0.6)
    assert agreement([]) is None
    table = audit_frame(pairs)
    assert table["interval"].tolist() == ["10 to 50 %", "50 to 100 %"]
    assert table["people prefer the first"].tolist() == [25.0, 100.0]


def test_people_may_judge_an_audit_and_the_form_makes_one() -> None:
    assert offers_judging("audit", "running")
    assert not offers_judging("model", "running")
    values = {"source": "log", "judge": "replay", "log": "l.csv", "policies": [{"name": n} for n in NAMES]}
    spec, problems = build_experiment({**values, "audit": True})
    assert problems == {}
    assert spec is not None
    assert spec.experiment.people
    _, problems = build_experiment({**values, "audit": True, "tie_zone": 0.1})
    assert "experiment.tie_zone" in problems
