"""Designs of one's own beside those of a run, and designs made shorter; a process with limits does the reading."""

from __future__ import annotations

import streamlit as st

from domains.catalog import science
from pages.parts.drawing import drawn, show_drawing
from pages.parts.feed import Feed
from pages.parts.look import Look
from pages.parts.run.naming import name_of
from pages.parts.text import one_line, plain, plain_error, visible
from poets_core.errors import PoetsError
from poets_core.runs.examine import prune_design, score_designs
from poets_core.runs.views.fold import CandidateView, RunView

LONGEST = 64_000
"""Characters of a design that is pasted."""
ENDINGS = ("qasm", "txt", "inc")
"""Of files of designs; they travel as text, so none is packed."""
MOST_MEGABYTES = 1
"""Of one such file: more than any reader takes."""


def compare_own(feed: Feed, view: RunView) -> None:
    """Draw the door for designs of other tools, where the run's science has one: each is scored as the run scores."""
    known = science(feed.spec.problem.name)
    if known is None or not known.score:
        return
    what = plain(known.design)
    with st.expander(f"Compare a {what} of your own", icon=":material/compare_arrows:", key="own-design"):
        st.caption(
            "It is read, rewritten with the gates of this problem, and scored as this run scores. Nothing is kept."
        )
        with st.form("own-design-form", border=False):
            pasted = st.text_area(
                f"A {what}, pasted", max_chars=LONGEST, height=140, placeholder="OPENQASM 3.0; …", key=f"own-{feed.run}"
            )
            files = st.file_uploader(
                "Or files",
                type=list(ENDINGS),
                accept_multiple_files=True,
                max_upload_size=MOST_MEGABYTES,
                key=f"own-files-{feed.run}",
            )
            asked = st.form_submit_button("Score", icon=":material/scale:")
        if asked:
            texts = [("pasted", pasted)] if pasted.strip() else []
            texts += [(one_line(f.name, 80), f.getvalue().decode("utf-8", "replace")) for f in files]
            st.session_state[f"own-scored-{feed.run}"] = _scored(feed, texts)
        found = st.session_state.get(f"own-scored-{feed.run}")
        if isinstance(found, str):
            st.error(plain_error(found), icon=":material/error:")
        elif found is not None:
            _show(found, view)


def _scored(feed: Feed, texts: list[tuple[str, str]]) -> list[dict[str, object]] | str:
    if not texts:
        return "Expected a pasted design or a file, got neither."
    problem = feed.spec.problem
    try:
        with st.spinner("Reading and scoring …"):
            return score_designs(problem.name, problem.params, texts)
    except PoetsError as error:
        return str(error)


def _show(found: list[dict[str, object]], view: RunView) -> None:
    best = view.best
    for number, one in enumerate(found):
        with st.container(border=True, key=f"own-result-{number}"):
            st.markdown(f"**{plain(str(one['name']))}**")
            if one["error"]:
                st.error(plain_error(str(one["error"])), icon=":material/block:")
                continue
            st.code(visible("\n".join(map(str, one["lines"]))), language=None, wrap_lines=True)  # type: ignore[call-overload]
    if best is not None:
        named = name_of(view, view.candidates[best.id])
        name = f" ({plain(named)})" if named else ""
        st.caption(f"The best of this run, {plain(best.id)}: {plain(view.objective.name)} {best.value:.6g}{name}.")


def prune_one(feed: Feed, view: RunView, candidate: CandidateView, look: Look) -> None:
    """Draw the button that takes out of a design what does not matter, where the run's science can."""
    known = science(feed.spec.problem.name)
    if known is None or not known.prune or not candidate.details.get("angles"):
        return
    key = f"pruned-{feed.run}-{candidate.id}"
    with st.expander("Prune", icon=":material/content_cut:", key="prune"):
        st.caption("Takes out gates that do not matter and sets the angles again. The run stays as it is.")
        unit = plain(str(view.info.facts.get("unit_of_energy", ""))) if view.info else ""
        allowed = st.number_input(
            f"Error may grow by{f' [{unit}]' if unit else ''}", 0.0, 1e3, 1e-6, format="%.1e", key=f"{key}-allowed"
        )
        if st.button("Prune", icon=":material/content_cut:", key=f"{key}-go"):
            problem = feed.spec.problem
            try:
                with st.spinner("Pruning …"):
                    st.session_state[key] = prune_design(
                        problem.name, problem.params, candidate.design, candidate.details, float(allowed)
                    )
            except PoetsError as error:
                st.session_state[key] = str(error)
        found = st.session_state.get(key)
        if isinstance(found, str):
            st.error(plain_error(found), icon=":material/error:")
        elif found is not None:
            st.code(visible("\n".join(found["lines"])), language=None, wrap_lines=True)
            if drawing := drawn(found["design"], view.info, look, found["details"], narrow=True):
                show_drawing(drawing, "Pruned: ")
            st.download_button(
                "Download it",
                found["file"],
                found["file_name"],
                "text/plain",
                icon=":material/download:",
                key=f"{key}-file",
            )
