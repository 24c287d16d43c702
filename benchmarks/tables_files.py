"""A table that is tried, and files of them, made when they are needed: text in any encoding, workbooks, Parquet."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
PROTEIN = "MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIEDSYRKQVVIDGETCLLDILDTAGQEEYSAMRDQYMRTGEGFLCV"
"""The parent of made-up mutations: the beginning of a human Ras protein."""
THREE = {"KLWT": 1.0, "ALWT": 0.25, "FLWA": 7.5}
PLAIN = "variant,fitness\nKLWT,1.0\nALWT,0.25\nFLWA,7.5\n"
V = {"wild_type": PROTEIN}


@dataclass(frozen=True)
class TableCase:
    """One table.

    Attributes:
        name: of the kind and the member, for people.
        data: makes the file.
        ending: of its name, which decides nothing.
        params: of the problem that reads it.
        values: what must be read, None where it is refused; a number of variants where they are many.
        message: words that the refusal must hold, one after the other; of what is read, words of the report.
        field: of the refusal.
        direction, labels: where they are told.
    """

    name: str
    data: Callable[[], bytes]
    ending: str = "csv"
    params: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, float] | int | None = None
    message: tuple[str, ...] = ()
    field: str = ""
    direction: str = "maximise"
    labels: tuple[str, ...] = ()


def text(content: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    """A file of text."""
    return lambda: content.encode(encoding)


def workbook(rows: Sequence[Sequence[object]]) -> Callable[[], bytes]:
    """An xlsx file of one sheet."""

    def make() -> bytes:
        from openpyxl import Workbook

        book, out = Workbook(), io.BytesIO()
        for row in rows:
            book.active.append(list(row))
        book.save(out)
        return out.getvalue()

    return make


def parquet(**columns: object) -> Callable[[], bytes]:
    """A Parquet file."""

    def make() -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        out = io.BytesIO()
        pq.write_table(pa.table(columns), out)
        return out.getvalue()

    return make


def decimals(values: Sequence[str]) -> object:
    """A column of decimals, as databases write them."""
    from decimal import Decimal

    import pyarrow as pa

    return pa.array([Decimal(v) for v in values])


def halves(values: Sequence[float]) -> object:
    """A column of numbers of 16 bits."""
    import numpy as np

    return np.array(values, dtype=np.float16)


def categories(values: Sequence[str]) -> object:
    """A column of categories."""
    import pyarrow as pa

    return pa.array(values).dictionary_encode()


def full(sites: int, start: int = 0) -> str:
    """A complete table of all variants at some sites."""
    rows = enumerate(product(LETTERS, repeat=sites), start)
    return "variant,fitness\n" + "".join(f"{''.join(v)},{i / 7:.4f}\n" for i, v in rows)


def whole_protein(at: Sequence[int]) -> str:
    """Whole proteins that differ at a few residues, counted from 1."""
    rows = ["protein_sequence,target,split\n"]
    for i, letters in enumerate(product("ADEKW", repeat=len(at))):
        made = list(PROTEIN)
        for place, letter in zip(at, letters, strict=True):
            made[place - 1] = letter
        rows.append(f"{''.join(made)},{i / 8},train\n")
    return "".join(rows)


def dated() -> Callable[[], bytes]:
    """A workbook whose ids a spreadsheet took for dates."""
    from datetime import date

    rows = zip(THREE, THREE.values(), (date(2026, 1, 2), date(2026, 3, 4), date(2026, 5, 6)), strict=True)
    return workbook([["id", "variant", "fitness"], *([day, variant, value] for variant, value, day in rows)])


def zipped() -> bytes:
    """A zip file of something else."""
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "variant,fitness\n")
    return out.getvalue()


def read(
    name: str, data: Callable[[], bytes] | str, values: Mapping[str, float] | int | None = None, **more: Any
) -> TableCase:
    """A table that must be read."""
    made = text(data) if isinstance(data, str) else data
    return TableCase(name, made, values=THREE if values is None else values, **more)


def refuse(name: str, data: Callable[[], bytes] | str, field: str, *message: str, **more: Any) -> TableCase:
    """A table that must be refused."""
    made = text(data) if isinstance(data, str) else data
    return TableCase(name, made, message=message, field=f"problem.params.{field}", **more)
