"""How the Judge page listens for keys: a component without a picture.

`st.button(shortcut=...)` knows one key a button; judging has two for most answers, and a key that is
pressed twice must not answer a pair that was not on the screen yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
HTML = (
    '<div><div class="poets-keys" hidden></div><p class="poets-keys-said" role="status" aria-live="polite"></p></div>'
)
CSS = ".poets-keys-said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }"


@st.cache_resource
def _renderer() -> st.components.v2.types.ComponentRenderer:
    """Register the component once per process."""
    js = (HERE / "keys.js").read_text(encoding="utf-8")
    return st.components.v2.component("poets_judge_keys", html=HTML, css=CSS, js=js, isolate_styles=False)


def judge_keys(*, key: str, index: int, undo: bool, turn: int, on_answer: Callable[[int, str], None]) -> None:
    """Listen for the keys of the Judge page.

    Args:
        key: stable widget key.
        index: the pair that is shown; -1 while there is none to answer.
        undo: whether there is an answer of this judge to take back.
        turn: grows with every answer that was sent, so that the same pair can be answered again after an undo.
        on_answer: called with the pair and ``"first"``, ``"second"``, ``"tie"``, ``"skip"`` or ``"undo"``.
    """

    def answered() -> None:
        answer: Mapping[str, Any] | None = st.session_state[key]["answer"]
        if answer is not None and answer["turn"] == turn:
            on_answer(int(answer["index"]), str(answer["outcome"]))

    _renderer()(key=key, data={"index": index, "undo": undo, "turn": turn}, on_answer_change=answered)
