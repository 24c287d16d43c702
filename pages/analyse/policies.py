"""Policies: which one is best. One experiment (``?run=``), or all of them and the form for a new one (``?new=``)."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.parts.experiment import charts as contest_charts
from pages.parts.experiment import effort as contest_effort
from pages.parts.experiment.audit import audit_cards, audit_table, unanswered
from pages.parts.experiment.form import form
from pages.parts.experiment.going_on import going_on
from pages.parts.experiment.listing import JUDGES, experiments
from pages.parts.experiment.odds import odds
from pages.parts.experiment.ranking import ranked
from pages.parts.experiment.tables import chosen, comparison_list, policy_table, verdict_json
from pages.parts.experiment.verdicts import (
    REASONS,
    RUNNING,
    WAITING,
    WITHHELD,
    callout,
    compared,
    excluded,
    model_line,
    percent,
    progress,
    title_of,
)
from pages.parts.feed import Feed, Snapshot, the_store
from pages.parts.links import JUDGE, LIVE, POLICIES
from pages.parts.live_plot import live_plot
from pages.parts.look import Look, current_look
from pages.parts.panel import Panel
from pages.parts.run.controls import controls, explain, heading
from pages.parts.skeleton import card, download, feed_of_address, nothing, redrawn, store_errors
from pages.parts.states import offers_judging, plain
from pages.parts.words import MODEL_HELP
from poets_core.runs.export import comparisons_csv
from poets_core.runs.views.experiment import Agreement, ExperimentView, PairView
from poets_core.spec import ExperimentSettings, ExperimentSpec

MEND = {
    "branches": "Mend the cause, then press Resume: the experiment goes on from where it was.",
    "prompts": "Mend the cause, then press Resume: the experiment goes on from where it was.",
    "log": "The log stays as it was uploaded: correct it and start a new experiment.",
}


def page() -> None:
    """Draw the page."""
    if st.query_params.get("run"):
        _experiment(feed_of_address("Policies"))
        return
    st.title("Policies", anchor=False)
    st.caption(
        "Which of several policies is best? Two answer the same prompt, a judge prefers one, and the experiment "
        "chooses the next pair where evidence is still missing. It ends when the best policy is known with a stated "
        "error at most. (LLM-PO, arXiv 2604.08779)"
    )
    with store_errors():
        store = the_store()
        if "new" in st.query_params:
            form(store)
        else:
            experiments(store)


def _experiment(feed: Feed) -> None:
    if not isinstance(feed.spec, ExperimentSpec):
        nothing(
            "This run is a search, not an experiment.",
            LIVE,
            "Open it",
            ":material/monitoring:",
            title="Policies",
            address={"run": feed.run},
        )
        return
    settings = feed.spec.experiment

    def draw(snapshot: Snapshot) -> None:
        budget = None if snapshot.view.experiment is None else snapshot.view.experiment.budget
        # What was added after it had ended counts from then on.
        spec = settings if budget is None else settings.model_copy(update={"budget": budget})
        _run(feed, spec, snapshot)

    redrawn(feed, draw, reading="Reading the experiment…")


def _run(feed: Feed, spec: ExperimentSettings, snapshot: Snapshot) -> None:
    """Draw everything that changes; called again every two seconds while the experiment is at work."""
    about = compared(feed.spec.about, spec.judge)
    facts = [
        *([about] if about else []),
        f"{len(spec.policies)} policies",
        JUDGES.get(spec.judged_by, spec.judge),
        *([f"judge {spec.judge_model}"] if spec.judge_model else []),
        f"error at most {percent(spec.delta)}",
        "some policy is assumed to beat every other" if spec.assume_condorcet else "nothing assumed",
        f"seed {feed.spec.seed}",
        f"run {feed.run}",
    ]
    heading(title_of(feed.spec), snapshot.status, facts)
    controls(feed, snapshot.status, lambda: _links(feed, spec, snapshot), kept="What was compared")
    view = snapshot.view.experiment or ExperimentView()
    waits = spec.people
    explain(
        feed,
        snapshot,
        running=WAITING if waits else RUNNING,
        reasons=REASONS | ({"verdict": WITHHELD} if _withheld(view) else {}),
        kept="compared",
        mend=MEND[spec.source],
    )
    callout(view.verdict, view.metrics, view.facts.get("dependence", ""))
    if (line := model_line(view.metrics)) is not None:
        doubted, text = line
        (st.warning if doubted else st.info)(text, icon=":material/functions:")
    for said in view.facts.get("order", ()):
        if not _withheld(view).startswith(said.partition(": ")[0]):  # the verdict has said it already
            st.info(plain(said), icon=":material/swap_horiz:")
    going_on(feed, spec, snapshot, view)
    _warnings(view)
    audit_cards(view) if spec.audit else _cards(view, spec)
    progress(snapshot.view, snapshot.status, spec)
    if not view.comparisons:
        return
    if spec.audit:
        audit_table(view, feed.run)
    else:  # a ranking of what the judge says would say nothing of people
        ranked(view, current_look(), feed.run)
    if spec.top == 1:  # evidence is for and against one best policy
        st.header("Evidence for a best policy", anchor=False)
        _panels(feed, spec)
        _policies(feed, spec, view)
    _agreement(view.agreement() if spec.judge == "person" else [])
    st.header("Comparisons", anchor=False)

    def find(show: str, policy: str) -> list[PairView]:
        return list(
            feed.drawn(("list", show, policy), lambda s: chosen(s.view.experiment or ExperimentView(), show, policy))
        )

    comparison_list(view, find, snapshot.view.info, current_look(), feed.run)
    _downloads(feed)


def _warnings(view: ExperimentView) -> None:
    for warning in view.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    if view.unanswered:
        st.warning(unanswered(view.unanswered, view.comparisons), icon=":material/question_mark:")


def _links(feed: Feed, spec: ExperimentSettings, snapshot: Snapshot) -> None:
    if offers_judging(spec.judged_by, snapshot.status.state):
        st.page_link(JUDGE, label="Judge", icon=":material/gavel:", query_params={"run": feed.run})
    st.page_link(POLICIES, label="All experiments", icon=":material/list:")


def _cards(view: ExperimentView, spec: ExperimentSettings) -> None:
    metrics, k = view.metrics or {}, len(spec.policies)
    share = contest_effort.saved_share(metrics, view.verdict)
    least, robin = metrics.get("expected"), metrics.get("round_robin")
    who = "Not the best policy" if spec.top == 1 else f"Not among the best {spec.top}"
    ruled = "by the counts alone" if _withheld(view) else "certified"
    cards = (
        ("Comparisons", f"{view.comparisons:,}", f"of at most {spec.budget:,}", "Judged pairs, ties included."),
        ("Ties", f"{view.ties:,}", _share(view), "They cost a comparison and say nothing about who is better."),
        ("Ruled out", f"{excluded(metrics, k)} of {k}", ruled, f"{who}, with error at most δ."),
        (
            "Needed at least",
            None if least is None else f"{least:,.0f}",
            "at the estimate now" if least is not None else None,
            "Lower bound of any method, ties not counted, if the win probabilities are those estimated now.",
        ),
        (
            "Saved",
            None if share is None else f"{share:.0%}",
            "only with a verdict" if not robin or share is None else f"round-robin: {robin['mean']:,.0f}",
            "Of the comparisons that round-robin needs for the same verdict; simulated when the experiment has ended. "
            "Without a verdict nothing is saved.",
        ),
    )
    with st.container(horizontal=True, key="cards"):  # they go on in a second line where one is too narrow
        for figure in cards if spec.top == 1 else cards[:3]:  # the others are about one best policy
            card(*figure)


def _withheld(view: ExperimentView) -> str:
    """Return why a verdict that the counts have is not certified; "" where it is, or there is none."""
    return view.verdict.why if view.verdict is not None and view.verdict.rule == "order" else ""


def _share(view: ExperimentView) -> str | None:
    return f"{view.ties / view.comparisons:.0%} of them" if view.comparisons else None


def _panels(feed: Feed, spec: ExperimentSettings) -> None:
    """The panels, two a row."""
    look = current_look()
    k = len(spec.policies)
    tall = 340 + 16 * max(0, min(k, contest_charts.MOST) - 8)
    draws: tuple[tuple[str, Callable[[ExperimentView, Look], Panel], int], ...] = (
        ("evidence", lambda v, o: contest_charts.evidence_bars(v.metrics or {}, o, spec.assume_condorcet), tall),
        (
            "course",
            lambda v, o: contest_charts.evidence_lines(v.metrics or {}, v.history, o, spec.assume_condorcet),
            tall,
        ),
        ("wins", lambda v, o: contest_charts.win_matrix(v.metrics or {}, o), tall),
        ("allocation", lambda v, o: contest_effort.allocation(v.metrics or {}, o), tall),
        (
            "saving",
            lambda v, o: contest_effort.saving(
                v.metrics or {}, o, v.comparisons, settled=contest_effort.settled(v.verdict)
            ),
            220,
        ),
    )
    if spec.audit:  # of the others the numbers are the judge's, or there are none
        draws = tuple(d for d in draws if d[0] in ("evidence", "allocation"))
    for i in range(0, len(draws), 2):
        pair = draws[i : i + 2]
        for column, (name, draw, height) in zip(st.columns(len(pair)), pair, strict=True):
            panel = feed.drawn((name, look.dark), lambda s, d=draw: d(s.view.experiment or ExperimentView(), look))
            with column.container(border=True, key=f"panel-{name}"):
                st.header(panel.title, anchor=False, help=panel.help)
                live_plot(panel, key=f"plot-{name}-{feed.run}", revision=feed.run, height=height)


def _policies(feed: Feed, spec: ExperimentSettings, view: ExperimentView) -> None:
    if not view.metrics:
        return
    metrics = view.metrics
    st.header("Standing of each policy", anchor=False)
    out, beats = (odds(float(metrics[name])) for name in ("evidence_threshold", "shown_threshold"))
    st.caption(
        f"Ruled out: the odds that a policy is not the best reached {out}. The best one, if there is one, is among "
        "the others with error at most δ, at every moment of the experiment."
    )
    if spec.source == "branches":
        st.caption(f"{MODEL_HELP} The adapter of model 1 is the folder branch-0.")
    table = policy_table(view)
    if spec.audit:  # labels were drawn with unequal shares: counting them says nothing (the table above weighs them)
        table = table.drop(columns=["wins", "losses", "win share"])
    st.dataframe(
        table,
        hide_index=True,
        key=f"policies-{feed.run}",
        alt=f"Table of {len(view.metrics['policies'])} policies",
        column_config={
            "policy": st.column_config.TextColumn(width="medium"),
            "win share": st.column_config.NumberColumn(format="%.0f %%", help="Of its comparisons that were no ties."),
            "odds: not the best": st.column_config.TextColumn(alignment="right", help=f"{out} rules it out."),
            "odds: beats all others": st.column_config.TextColumn(
                alignment="right", help=f"Smallest over the others; {beats} certifies it without any assumption."
            ),
        },
    )


def _agreement(between: list[Agreement]) -> None:
    if not between:
        return
    st.header("Agreement between judges", anchor=False)
    st.caption("On pairs that both judged. Second opinions count here only, never as comparisons.")
    st.dataframe(
        [
            {
                "judges": " and ".join(a.judges),
                "pairs": a.pairs,
                "same answer": 100 * a.equal,
                "Cohen's κ": a.kappa,
            }
            for a in between
        ],
        hide_index=True,
        key="agreement",
        alt=f"Agreement of {len(between)} pairs of judges",
        column_config={
            "same answer": st.column_config.NumberColumn(format="%.0f %%"),
            "Cohen's κ": st.column_config.NumberColumn(
                format="%.2f", help="Agreement beyond chance: 1 always, 0 as by chance. Empty where undefined."
            ),
        },
    )


def _downloads(feed: Feed) -> None:
    def files() -> ExperimentView:
        return feed.snapshot().view.experiment or ExperimentView()

    with st.container(horizontal=True, key="downloads"):
        download(
            "Comparisons as CSV", lambda: comparisons_csv(files()), f"{feed.run}-comparisons.csv", "comparisons-csv"
        )
        download(
            "Verdict as JSON",
            lambda: verdict_json(files(), feed.spec, feed.run),
            f"{feed.run}-verdict.json",
            "verdict-json",
        )
    st.caption("The JSON holds counts, thresholds and the run's spec: everything that recomputes the verdict.")


page()
