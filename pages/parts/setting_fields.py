"""Widgets for the fields of a spec, with what is wrong beside each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import streamlit as st

from pages.parts.settings import Setting

STICKY = "<style>.stColumn:has(.st-key-summary) { position: sticky; top: 4.5rem; align-self: flex-start; }</style>"
"""The summary with its button stays in sight while the form is scrolled."""


class Errors:
    """Places beside fields, filled after the whole form has been validated."""

    def __init__(self) -> None:
        self._places: dict[str, Any] = {}

    def place(self, path: str) -> None:
        """Reserve the place under the field that was just drawn."""
        self._places[path] = st.empty()

    def show(self, problems: Mapping[str, str], empty: Collection[str] = ()) -> None:
        """Write each message beside its field, or beside the nearest thing that holds it, or below the form.

        Args:
            problems: messages by dotted field.
            empty: fields that nobody has filled in yet, which is no mistake.
        """
        found: dict[str, list[str]] = {}
        for path, message in problems.items():
            at = path
            while at and at not in self._places:
                at = at.rpartition(".")[0]
            found.setdefault(at, []).append(message)
        for at, messages in found.items():
            place, text = self._places.get(at, st), "\n\n".join(dict.fromkeys(messages))
            if at in empty:
                place.warning(text, icon=":material/edit:")
            else:
                place.error(text, icon=":material/error:")


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
    places = st.columns(columns)
    for i, setting in enumerate(settings):
        with places[i % columns]:
            out[setting.name] = setting_field(setting, start[setting.name], key(setting.name))
            errors.place(setting.path)
    return out


def setting_field(setting: Setting, start: Any, key: str) -> Any:
    """Draw one field and return its value; the type of `start` decides the widget."""
    if isinstance(start, bool):
        return st.checkbox(setting.label, value=start, help=setting.help, key=key)
    if setting.choices:
        return st.selectbox(
            setting.label, setting.choices, setting.choices.index(start), help=setting.help or None, key=key
        )
    kind = type(start)
    step = setting.step or (1 if kind is int else 0.05 if start >= 0.05 or not start else start / 5)
    return st.number_input(
        setting.label,
        value=start,
        min_value=None if setting.low is None else kind(setting.low),
        max_value=None if setting.high is None else kind(setting.high),
        step=kind(step),
        format=None if kind is int else "%.4g",
        help=setting.help or None,
        key=key,
    )
