"""Widgets for the fields of a spec, with what is wrong beside each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.number_field import number_field
from pages.parts.settings import Setting
from pages.parts.text import plain, plain_error

STICKY = "<style>.stColumn:has(.st-key-summary) { position: sticky; top: 4.5rem; align-self: flex-start; }</style>"
"""The summary with its button stays in sight while the form is scrolled."""


@dataclass(frozen=True)
class Place:
    """Where a field's message goes, what the field is called, and what is wrong with its text already."""

    at: DeltaGenerator
    label: str
    wrong: str


class Errors:
    """Places beside fields, filled after the whole form has been validated."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self.reasons: list[str] = []
        """Names of the fields that are wrong or empty, once they are shown; the button says them."""

    def place(self, path: str, label: str = "", *, says: str = "", wrong: str = "") -> None:
        """Reserve the place under the field that was just drawn.

        Args:
            path: of the field, dotted.
            label: what it is called.
            says: what stands there while nothing is wrong: its limits.
            wrong: what is wrong with the text in it. Its value must then be one that no spec takes.
        """
        at = st.empty()
        if says:
            at.caption(says)
        self._places[path] = Place(at, label, wrong)

    def placed(self, path: str) -> bool:
        """Whether a field of this path was drawn."""
        return path in self._places

    def refuse(self, path: str, wrong: str) -> None:
        """Say what is wrong with a field that was drawn; its value must then be one that no spec takes."""
        self._places[path] = replace(self._places[path], wrong=wrong)

    def show(self, problems: Mapping[str, str], empty: Collection[str] = ()) -> None:
        """Write each message beside its field, or beside the nearest thing that holds it, or below the form.

        Args:
            problems: messages by dotted field.
            empty: fields that nobody has filled in yet, which is no mistake.
        """
        found = {path: [place.wrong] for path, place in self._places.items() if place.wrong}
        for path, message in problems.items():
            # One field may stand for the same one of every item of a list.
            at = path if path in self._places else ".".join(p for p in path.split(".") if not p.isdecimal())
            while at and at not in self._places:
                at = at.rpartition(".")[0]
            if at not in self._places or not self._places[at].wrong:
                found.setdefault(at, []).append(message)
        for at, messages in found.items():
            place, text = self._places.get(at), "\n\n".join(dict.fromkeys(map(plain_error, messages)))
            where = st if place is None else place.at
            self.reasons.append((place.label if place else "") or "see the message")
            if at in empty:
                where.warning(text, icon=":material/edit:")
            else:
                where.error(text, icon=":material/error:")

    def because(self, what: str) -> None:
        """Say beside the button why it is off.

        Args:
            what: cannot start yet: ``"run"``.
        """
        named = ", ".join(plain(name) for name in dict.fromkeys(self.reasons))
        st.warning(f"The {what} can start when this is right: {named}.", icon=":material/warning:")


def setting_fields(
    settings: Iterable[Setting], start: Mapping[str, Any], errors: Errors, key: Callable[[str], str], columns: int = 2
) -> dict[str, Any]:
    """Draw fields side by side and return their values by name.

    Args:
        settings: the fields.
        start: values to begin with, by name.
        errors: gets a place under each.
        key: the widget's key, by the field's name.
        columns: how many stand in a row.
    """
    out: dict[str, Any] = {}
    shown = list(settings)
    for first in range(0, len(shown), columns):  # row by row, so that neighbours stand at one height
        for place, setting in zip(st.columns(columns), shown[first : first + columns], strict=False):
            with place, st.container(gap="xsmall"):
                out[setting.name] = setting_field(setting, start[setting.name], key(setting.name), errors)
    return out


def setting_field(setting: Setting, start: Any, key: str, errors: Errors) -> Any:
    """Draw one field with a place for its message and return its value; None where its text is no number."""
    wrong, value = "", start
    if setting.kind is bool:
        value = st.checkbox(setting.label, start, help=setting.help, key=key, persist_state="session")
    elif setting.choices:
        value = st.selectbox(
            setting.label,
            setting.choices,
            setting.choices.index(start),
            format_func=lambda choice: setting.names.get(choice, choice),
            help=setting.help or None,
            key=key,
            persist_state="session",
        )
    elif setting.kind is str:
        value = st.text_input(setting.label, start, help=setting.help or None, key=key, persist_state="session").strip()
    else:
        value, wrong = number_field(setting.label, setting.kind, start, key, setting.help)
    errors.place(setting.path, setting.label, says=str(setting.bounds).capitalize(), wrong=wrong)
    return value
