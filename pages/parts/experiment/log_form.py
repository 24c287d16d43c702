"""The form of an experiment on a comparison log: which column says what, what each word means, whose rows count.

Everything is proposed by the reader, in a process of its own, and can be changed; what the reader does not know has no
value until a person gives it one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.experiment.settings import FIELDS
from pages.parts.experiment.sources import Form
from pages.parts.setting_fields import Errors
from pages.parts.text import one_line, plain, plain_error, visible
from pages.parts.uploads import Upload, keep_upload
from poets_core.errors import PoetsError
from poets_core.runs.examine import LogPreview, preview_log
from poets_core.runs.store import RunStore
from poets_core.spec import LogMapping
from poets_core.spec.experiment import MOST_COMPARISONS
from poets_core.spec.log_mapping import MEANINGS, MOST_POLICIES, Meaning, Shown

ENDINGS = ["csv", "tsv", "txt", "xlsx", "parquet", "json", "jsonl", "ndjson", "gz"]
_MAPPING = "experiment.mapping"
_POLICIES = "experiment.policies"


@dataclass(frozen=True)
class _Role:
    """A column of the log that the form asks for: its field in the mapping, its label, and help."""

    name: str
    label: str
    help: str = ""


MAIN = (
    _Role("first", "Policy one", "The column that names one policy of each row."),
    _Role("second", "Policy two", "The column that names the other."),
    _Role("prompt", "Prompt", "Rows of one prompt belong together."),
    _Role("judge", "Judge", "Who preferred; rows of one judge belong together."),
)
MORE = (
    _Role("conversation", "Conversation", "Rows of one conversation belong together."),
    _Role("swapped", "Outcome in the other order", "The outcome where the judge saw policy two first."),
    _Role("first_response", "Response of policy one"),
    _Role("second_response", "Response of policy two"),
    _Role("first_cost", "Cost of response one", "Tokens, money or seconds; shown beside the ranking."),
    _Role("second_cost", "Cost of response two", "In the same unit."),
    _Role("order", "Shown first", "The column that says which response the judge saw first."),
)
SHOWN: dict[Shown, str] = {"unknown": "not known", "first": "policy one", "second": "policy two"}
COPIES = {"once": "count once", "all": "count each"}


def log(store: RunStore, errors: Errors) -> Form:
    """Upload a comparison log, say how it is read, and see what counts."""
    values: dict[str, Any] = {"source": "log", "policies": [], "judge": "replay"}
    file = st.file_uploader(FIELDS["log"].label, type=ENDINGS, key="log", help=FIELDS["log"].help)
    st.caption(
        "One comparison a row: who was compared, and who was preferred. Exports of arenas and of annotation tools, "
        "survey sheets and your own tables are read; you see how before anything starts."
    )
    if file is None:
        st.warning("Upload the log.", icon=":material/edit:")
        return values, None
    kept = keep_upload(store, file, preview_log, "log")
    if kept is None:
        return values, None
    many = f"{kept.seen.rows:,} row{'s' * (kept.seen.rows != 1)}"
    kept.preview(f"{many}, {kept.seen.columns:,} columns.", "log-preview")
    errors.place(FIELDS["log"].path)
    try:
        mapping, names, comparisons = _LogForm(kept, errors, f"log-{file.file_id}").drawn()
    except PoetsError as error:
        st.error(plain_error(error), icon=":material/error:")
        return values, None
    # All of a log is there already: an experiment that stops before its last row has thrown rows away.
    values |= {"log": kept.path, "mapping": mapping.model_dump(mode="json")}
    values |= {"budget": min(comparisons, MOST_COMPARISONS)} if comparisons else {}
    return values | {"policies": [{"name": name} for name in names]}, None


class _LogForm:
    """The fields of one uploaded log, in the order in which each decides what the next ones offer."""

    def __init__(self, kept: Upload[LogPreview], errors: Errors, key: str) -> None:
        self._kept, self._errors, self._key, self._start = kept, errors, key, kept.seen

    def drawn(self) -> tuple[LogMapping, list[str], int]:
        """Draw all; return the mapping, whose rows count (nobody's where anything is wrong), how many comparisons do.

        Raises:
            PoetsError: the file cannot be read any more.
        """
        st.markdown("**What the columns say**")
        columns = self._columns()
        seen = self._look(columns)
        st.markdown("**What the outcomes mean**")
        columns = self._numbers(columns, seen)
        seen = self._look(columns)
        mapping = columns.model_copy(update={"words": self._words(seen), "order_words": self._orders(seen)})
        read = self._look(mapping)
        # Where both say something of a field, the question names the readings.
        wrong = {field: seen.questions.get(field, text) for field, text in read.wrong.items()}
        names = self._policies(read, mapping)
        if not wrong and names and set(names) != set(read.counted):
            read = preview_log(Path(self._kept.path), self._kept.name, mapping, names)
            wrong = dict(read.wrong)
        self._tell(read, wrong)
        return mapping, [] if wrong else names, 0 if wrong else read.comparisons

    def _look(self, mapping: LogMapping) -> LogPreview:
        """Return what the reader says of a mapping; of the proposed one it is known already."""
        if mapping == self._start.mapping:
            return self._start
        return preview_log(Path(self._kept.path), self._kept.name, mapping)

    def _columns(self) -> LogMapping:
        """Draw which column says what; words and numbers are those of the proposal as long as the outcome is."""
        first = self._start.mapping
        chosen: dict[str, Any] = {}
        for role, place in zip(MAIN[:2], st.columns(2), strict=True):
            with place:
                chosen[role.name] = self._column(role, first)
        chosen["outcome"] = self._outcome(first)
        for role, place in zip(MAIN[2:], st.columns(2), strict=True):
            with place:
                chosen[role.name] = self._column(role, first)
        asked = {f"{_MAPPING}.order_words", f"{_MAPPING}.swapped"} & set(self._start.questions)
        with st.expander("More columns, and copies", expanded=bool(asked), key=f"{self._key}-more"):
            for at in range(0, len(MORE), 2):
                for role, place in zip(MORE[at : at + 2], st.columns(2), strict=False):
                    with place:
                        chosen[role.name] = self._column(role, first)
            left, right = st.columns(2)
            chosen["shown"] = left.selectbox(
                "Shown first in every row",
                list(SHOWN),
                list(SHOWN).index(first.shown),
                format_func=SHOWN.__getitem__,
                key=f"{self._key}-shown",
                help="Where no column says it.",
            )
            chosen["copies"] = right.selectbox(
                "Rows that are equal in every cell",
                list(COPIES),
                list(COPIES).index(first.copies),
                format_func=COPIES.__getitem__,
                key=f"{self._key}-copies",
                help="A row that was exported twice says nothing new. Different judgments may look alike where the log "
                "does not say whose they are.",
            )
        same = all(chosen[n] == getattr(first, n) for n in ("first", "second", "outcome", "swapped", "order"))
        always = first.always_first and not chosen["outcome"]
        kept = (
            first.model_dump()
            if same
            else {"always_first": always, "first_name": first.first_name, "second_name": first.second_name}
        )
        return LogMapping.model_validate({**kept, **chosen, "always_first": always})

    def _column(self, role: _Role, first: LogMapping) -> str:
        titles = ["", *self._start.titles]
        start = getattr(first, role.name)
        fixed = {"first": first.first_name, "second": first.second_name}.get(role.name, "")
        none = f"none: all are “{visible(fixed)}”" if fixed else "none"
        value = st.selectbox(
            role.label,
            titles,
            titles.index(start) if start in titles else 0,
            format_func=lambda title: one_line(title, 80) or none,
            help=role.help or None,
            key=f"{self._key}-{role.name}",
        )
        self._errors.place(f"{_MAPPING}.{role.name}", role.label)
        return str(value or "")

    def _outcome(self, first: LogMapping) -> tuple[str, ...]:
        label = "Who was preferred"
        value = st.multiselect(
            label,
            list(self._start.titles),
            list(first.outcome),
            format_func=lambda title: one_line(title, 80),
            key=f"{self._key}-outcome",
            placeholder="policy one, in every row" if first.always_first else "Choose a column",
            help="One column with a word or number for each outcome, or several of 0 and 1, one for each outcome.",
        )
        self._errors.place(f"{_MAPPING}.outcome", label)
        return tuple(value)

    def _numbers(self, mapping: LogMapping, seen: LogPreview) -> LogMapping:
        """Draw how numbers and names are read, where outcomes are some."""
        update: dict[str, Any] = {}
        key = f"{self._key}-{'|'.join(mapping.outcome)}"
        if seen.numeric:
            left, right = st.columns(2)
            middle = left.number_input(
                "Numbers: a tie is exactly",
                value=seen.mapping.middle,
                key=f"{key}-middle",
                placeholder="numbers are words",
                help="Empty: each number is a word below.",
            )
            higher = right.selectbox(
                "A larger number prefers",
                ["first", "second"],
                ["first", "second"].index(seen.mapping.higher),
                format_func=lambda side: SHOWN[side],
                key=f"{key}-higher",
            )
            # An emptied field takes the proposal back; words of numbers that a middle reads are not listed.
            update |= {"middle": seen.mapping.middle if middle is None else middle, "higher": higher}
        if seen.mapping.by_name or any(word.text in seen.policies for word in seen.words):
            label = "An outcome that is the name of a policy says that this policy was preferred"
            update["by_name"] = st.checkbox(label, seen.mapping.by_name, key=f"{key}-by-name")
        return mapping.model_copy(update=update)

    def _words(self, seen: LogPreview) -> dict[str, Meaning]:
        """Draw every outcome word with its rows, and what it means."""
        out: dict[str, Meaning] = {}
        offered: list[Meaning | None] = [None, *MEANINGS]
        for at in range(0, len(seen.words), 2):
            for word, place in zip(seen.words[at : at + 2], st.columns(2), strict=False):
                rows = f"{word.count:,} row{'s' * (word.count != 1)}"
                meaning = place.selectbox(
                    f"“{plain(word.text, 60)}” · {rows}" if word.text else f"no outcome · {rows}",
                    offered,
                    offered.index(word.meaning),
                    format_func=lambda m: "say what it means" if m is None else MEANINGS[m],
                    key=f"{self._key}-word-{word.text}-{word.meaning}",
                    help=f"First in row {word.number:,}.",
                )
                if meaning is not None:
                    out[word.text] = meaning
        self._errors.place(f"{_MAPPING}.words", "what the outcomes mean")
        return out

    def _orders(self, seen: LogPreview) -> dict[str, Shown]:
        """Draw the words of the column of orders, where some are not known."""
        proposed = dict(seen.mapping.order_words)
        for text, count, shown_first in seen.orders:
            if shown_first is not None:
                continue
            offered: list[Shown | None] = [None, *SHOWN]
            value = st.selectbox(
                f"Shown first with “{plain(text, 60)}” · {count:,} row{'s' * (count != 1)}",
                offered,
                format_func=lambda s: "say which" if s is None else SHOWN[s],
                key=f"{self._key}-order-word-{text}",
            )
            if value is not None:
                proposed[text] = value
        self._errors.place(f"{_MAPPING}.order_words", "which was shown first")
        return proposed

    def _policies(self, read: LogPreview, mapping: LogMapping) -> list[str]:
        """Draw whose rows count; all that have some, where they are not too many."""
        offered = list(dict.fromkeys([*read.policies, *read.counted]))
        start = [n for n in read.counted if n in offered] if len(read.counted) <= MOST_POLICIES else []
        names: Sequence[str] = st.multiselect(
            "Policies",
            offered,
            start,
            format_func=lambda name: f"{one_line(name, 80)} · {read.policies.get(name, 0):,} rows",
            max_selections=MOST_POLICIES,
            key=f"{self._key}-policies-{mapping.first}-{mapping.second}-{len(start)}",
            help="Rows of other policies do not count.",
        )
        self._errors.place(_POLICIES, "Policies")
        return list(names)

    def _tell(self, read: LogPreview, wrong: Mapping[str, str]) -> None:
        """Say what counts, or what is wrong under its field."""
        for field, text in wrong.items():
            at = field
            while at.count(".") > 1 and not self._errors.placed(at):
                at = at.rpartition(".")[0]
            if self._errors.placed(at):
                self._errors.refuse(at, text)
            else:
                self._errors.refuse(FIELDS["log"].path, text)
        if wrong:
            return
        for line in read.warns:
            st.warning(plain(line), icon=":material/warning:")
        with st.container(key="log-says", gap="xsmall"):
            for line in read.says:
                st.caption(plain(line))
