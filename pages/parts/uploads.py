"""How an uploaded file comes into the store: read once to see whether it is one, kept once, and shown.

The bytes are the browser's until a page reads them; a run needs a file that a worker can open, also tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.parts.text import one_line, plain
from poets_core.errors import PoetsError
from poets_core.runs.artifacts import save_upload
from poets_core.runs.store import RunStore

SHOWN = 5
"""Rows of a preview."""


@dataclass(frozen=True)
class Upload:
    """A file that is in the store's folder of uploads.

    Attributes:
        name: as the browser called it.
        path: where it lies, for a spec.
        table: its rows.
    """

    name: str
    path: str
    table: pd.DataFrame

    def preview(self, says: str, key: str) -> None:
        """Draw the first rows under a line that sums the table up."""
        st.caption(f"{says} The first five:")
        st.dataframe(self.table.head(SHOWN), hide_index=True, key=key, alt=f"First rows of {one_line(self.name)}")


def keep_upload(
    store: RunStore, file: UploadedFile, read: Callable[[str, bytes], pd.DataFrame], key: str
) -> Upload | None:
    """Keep an uploaded table in the store; say what is wrong with it and return None where it is none.

    Args:
        store: whose folder of uploads it goes to, once, however often the page is drawn.
        file: of `st.file_uploader`.
        read: makes a table of name and bytes; raises a `PoetsError` that names what is wrong.
        key: of the field.
    """
    data = file.getvalue()
    try:
        table = read(file.name, data)
        # Every draw comes by here; a file of another id is another upload, whatever its name.
        saved = f"{key}-saved-{file.file_id}"
        if saved not in st.session_state:
            st.session_state[saved] = str(save_upload(store, file.name, data))
    except PoetsError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    return Upload(file.name, str(st.session_state[saved]), table)
