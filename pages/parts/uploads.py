"""How an uploaded file comes into the store: looked at once in a process of its own, kept once, and shown.

The bytes are the browser's until a page reads them; a run needs a file that a worker can open, also tomorrow. This
process parses none of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.parts.text import one_line, plain_error, visible
from poets_core.errors import PoetsError
from poets_core.runs.artifacts import save_upload
from poets_core.runs.examine import Preview
from poets_core.runs.store import RunStore

P = TypeVar("P", bound=Preview)


@dataclass(frozen=True)
class Upload(Generic[P]):
    """A file that is in the store's folder of uploads.

    Attributes:
        name: as the browser called it.
        path: where it lies, for a spec.
        seen: its beginning, and what else was told of it.
    """

    name: str
    path: str
    seen: P

    def preview(self, says: str, key: str) -> None:
        """Draw the first rows under a line that sums the table up."""
        seen = self.seen
        more = "" if seen.columns == len(seen.names) else f", {len(seen.names)} of the columns"
        st.caption(f"{says} The first {'row' if len(seen.head) == 1 else f'{len(seen.head)} rows'}{more}:")
        # Headings are text of the file, and may be equal where they were cut: columns are numbered, and labelled.
        rows = [[visible(cell) for cell in row] for row in seen.head]
        labels = {str(i): one_line(name, 60) or " " for i, name in enumerate(seen.names)}
        st.dataframe(
            pd.DataFrame(rows, columns=list(labels), dtype="str"),
            hide_index=True,
            key=key,
            alt=f"First rows of {one_line(self.name)}",
            column_config={column: st.column_config.TextColumn(label) for column, label in labels.items()},
        )


def keep_upload(store: RunStore, file: UploadedFile, look: Callable[[Path, str], P], key: str) -> Upload[P] | None:
    """Keep an uploaded table in the store; say what is wrong with it and return None where it is none.

    Args:
        store: whose folder of uploads it goes to, once, however often the page is drawn.
        file: of `st.file_uploader`.
        look: reads the file at a path, which a person calls by a name; raises a `PoetsError` that says what is wrong.
        key: of the field.
    """
    # Every draw comes by here; a file of another id is another upload, whatever its name.
    saved = f"{key}-saved-{file.file_id}"
    if saved not in st.session_state:
        st.session_state[saved] = _kept(store, file, look)
    kept = st.session_state[saved]
    if isinstance(kept, str):
        st.error(plain_error(kept), icon=":material/error:")
        return None
    return cast("Upload[P]", kept)


def _kept(store: RunStore, file: UploadedFile, look: Callable[[Path, str], P]) -> Upload[P] | str:
    """Look at a file, then keep it; what is no table is not kept. Returns the message where it is none."""
    try:
        with tempfile.NamedTemporaryFile(prefix="poets-upload-") as aside:
            aside.write(file.getbuffer())
            aside.flush()
            seen = look(Path(aside.name), file.name)
        return Upload(file.name, str(save_upload(store, file.name, file.getvalue())), seen)
    except PoetsError as error:
        return str(error)


MOST_BYTES = 8 << 20
"""Of an uploaded file that is no table."""


def upload_text(label: str, help: str, endings: Sequence[str], store: RunStore, key: str) -> str | None:
    """Draw the upload of a file that is no table, keep it in the store, and return its path; what it holds is read
    elsewhere, in a process of its own.

    Args:
        label, help: of the field. endings: of the files that are offered. store: whose folder of uploads it goes to.
        key: of the field.
    """
    file = st.file_uploader(label, type=list(endings), max_upload_size=MOST_BYTES >> 20, help=help, key=key)
    if file is None:
        return None
    if file.size > MOST_BYTES:
        st.error(
            f"Expected a file of at most {MOST_BYTES >> 20} MB, got {file.size / 2**20:.1f} MB. Choose a smaller one.",
            icon=":material/error:",
        )
        return None
    saved = f"{key}-saved-{file.file_id}"
    if saved not in st.session_state:
        try:
            st.session_state[saved] = str(save_upload(store, file.name, file.getvalue()))
        except PoetsError as error:
            st.error(plain_error(str(error)), icon=":material/error:")
            return None
    return str(st.session_state[saved])
