"""What is done with hostile inputs: the doors of the program, as the app, the command line and the worker use them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poets_core.runs.examine import check_model, check_problem, preview_log, preview_table

GOOD = "variant,value\nVDGV,1\nADGV,0.5\n"
SECRETS = ("root:", "PATH=", "hunter2")
"""What stands in files and addresses that no message may repeat."""


def upload(path: str) -> str:
    """A table as the form takes it: a preview, then what the worker would say of it; both by the reading child."""
    seen = preview_table(Path(path), Path(path).name, "problem.params.table")
    check_problem("protein/landscape", {"table": path})
    return f"{seen.rows} rows"


def worker_table(path: str) -> str:
    """A table as the worker reads it, in its own process."""
    from domains.protein.tables.read import read_table

    return f"{read_table(Path(path)).rows} rows"


def comparison_log(path: str) -> str:
    """A comparison log as the form takes it."""
    return f"{preview_log(Path(path), Path(path).name).rows} rows"


def worker_log(path: str) -> str:
    """A comparison log as the worker reads it."""
    from poets_core.llm_po.log import read_log

    return f"{len(read_log(Path(path), None).rows)} rows"


def spec(path: str) -> str:
    """A spec as the command line reads it."""
    from poets_core.spec import read_spec

    return read_spec(Path(path)).model_dump_json()[:200]


def parameters(name: str, params: Mapping[str, Any], folder: str = "") -> str:
    """Parameters of a problem as the form checks them; a table of two variants where they need one."""
    given = dict(params)
    if folder:
        table = Path(folder) / "good.csv"
        table.write_text(GOOD)
        given = {"table": str(table)} | given
    check_problem(name, given)
    return "taken"


def model(path: str) -> str:
    """A model's folder or file as the form checks it."""
    check_model(path, "backbone.source")
    return "taken"


def adapter(path: str) -> str:
    """An adapter's folder as it is checked before it is loaded."""
    from poets_core.lm.files import check_adapter, check_base, read_config, safetensors_shapes

    folder = Path(path)
    config = read_config(folder / "adapter_config.json")
    check_adapter(folder, config, 5)
    check_base(config, "protein", folder)
    safetensors_shapes(folder / "adapter_model.safetensors")
    return "taken"


def circuits(path: str) -> str:
    """OpenQASM, or a zip of it, as it is read back."""
    from domains.quantum.artificial import Artificial7q

    return f"{len(Artificial7q().read_export(Path(path).read_bytes(), 'qasm3'))} circuits"


def sequences(path: str, format: str) -> str:
    """FASTA or CSV as it is read back."""
    from domains.protein.export import read

    return f"{len(read(Path(path).read_bytes(), format, str))} sequences"


def exported(text: str) -> str:
    """A text in every cell of every CSV that leaves the program; none of them begins like a formula."""
    import pandas as pd

    from domains.protein import export
    from pages.parts.tables import safe_csv
    from poets_core.cells import FORMULA, guarded
    from poets_core.types import Record

    record = Record(text, "AC", 1.0, {"note": text, text: text})
    files = [export.write([record], "csv"), safe_csv(pd.DataFrame({text: [text]}))]
    cells = [c for file in files for row in csv.reader(io.StringIO(file.decode(), newline="")) for c in row]
    if wrong := [c for c in [*cells, guarded(text)] if c.startswith(FORMULA)]:
        raise RuntimeError(f"a cell begins like a formula: {wrong[0]!r}")
    return f"{len(cells)} cells"


def foreign_file(kind: str, path: str) -> str:
    """A file of the machine where a file of a kind is wanted; nothing of it is repeated."""
    doors = {
        "table": upload,
        "log": comparison_log,
        "worker log": worker_log,
        "spec": spec,
        "worker table": worker_table,
        "model": model,
    }
    try:
        return doors[kind](path)
    except ValueError as error:
        if any(secret in str(error) for secret in SECRETS):
            raise RuntimeError("a message repeats what stands in a file of the machine") from error
        raise


def store(url: str) -> str:
    """A store's address that cannot be used; its password is not repeated."""
    from poets_core.errors import StoreError
    from poets_core.runs.store import open_store

    try:
        open_store(url).runs()
    except StoreError as error:
        if any(secret in str(error) for secret in SECRETS):
            raise RuntimeError("a message repeats a password") from error
        raise
    return "opened"


def page_text(text: str) -> str:
    """A text of others as pages show it; a Markdown reader finds nothing in it but text."""
    from markdown_it import MarkdownIt

    from pages.parts.text import in_figure, plain

    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(plain(text))
    kinds = {part.type for token in tokens for part in [token, *(token.children or [])]}
    if odd := kinds - {"paragraph_open", "inline", "paragraph_close", "text", "text_special", "softbreak"}:
        raise RuntimeError(f"a page would show {sorted(odd)}")
    if "<" in in_figure(text):
        raise RuntimeError("a figure would read a tag")
    return plain(text)
