"""Candidates of a scaffold as files: whole proteins with their mutations, values in their unit, genes.

A cell of what is not known is blank: no number stands for "not predicted" or "not measured". Everything reloads.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from domains.protein.dna import codon_usage, gene_of, protein_of, read_sites_to_avoid
from domains.protein.export import MAX_BYTES, MAX_LINES, cell_of, value_of
from domains.protein.parent import Scaffold
from poets_core.cells import guarded, unguarded
from poets_core.errors import InvalidDesign, InvalidInput, InvalidTable
from poets_core.intake import check_text, shown
from poets_core.types import Design, Record

FORMATS = ("fasta", "csv", "xlsx", "dna")
FIXED = ("id", "design", "mutations", "sequence")
"""First columns of a table; the value follows, under its own name and unit."""
MOST_ROWS, MOST_COLUMNS = 200_000, 200
"""Of a workbook that is read back."""
IN_UNIT = ("expected", "expected_low", "expected_high", "std")
"""Metadata in the unit of the value; their headers say it."""


@dataclass(frozen=True)
class VariantsFile:
    """Writes and reads the candidates of one campaign.

    Attributes:
        scaffold: turns designs into proteins.
        value, unit: name and unit of what is measured.
        organism, avoid: of genes, see `domains.protein.dna`.
    """

    scaffold: Scaffold
    value: str
    unit: str = ""
    organism: str = "E. coli"
    avoid: str = ""

    def write(self, records: Sequence[Record], format: str) -> bytes:
        """Write records in one of `FORMATS`.

        Raises:
            InvalidInput: another format, or a gene that cannot be without the sites to avoid.
            MissingPackage: a package that writes the format is not installed.
        """
        match format:
            case "fasta":
                return self._fasta(records).encode()
            case "csv":
                out = io.StringIO(newline="")
                csv.writer(out, lineterminator="\r\n").writerows(
                    [[_text(c) for c in row] for row in self._rows(records)]
                )
                return out.getvalue().encode()
            case "xlsx":
                return self._workbook(records)
            case "dna":
                return self._genes(records).encode()
        raise InvalidInput(f"Expected an export format among {list(FORMATS)}, got {format!r}.")

    def read(self, data: bytes, format: str) -> list[Record]:
        """Read what `write` wrote; a blank value is NaN.

        Raises:
            InvalidTable: names the row or line that cannot be read.
            InvalidInput: another format.
        """
        if format not in FORMATS:
            raise InvalidInput(f"Expected an export format among {list(FORMATS)}, got {format!r}.")
        if format == "xlsx":
            return self._records(_sheet(data))
        check_text(data, f"{format} export", MAX_BYTES, MAX_LINES, InvalidTable)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidTable(f"Expected UTF-8 text in the {format} export, got {error}. Save it as UTF-8.") from error
        if format == "csv":
            return self._records(list(csv.reader(io.StringIO(text, newline=""))))
        return self._from_fasta(text, genes=format == "dna")

    # -- tables ----------------------------------------------------------------

    def _header(self, name: str) -> str:
        return f"{name} [{self.unit}]" if self.unit else name

    def _rows(self, records: Sequence[Record]) -> list[list[Any]]:
        keys = list(dict.fromkeys(k for r in records for k in r.metadata))
        names = [self._header(k) if k in IN_UNIT else k for k in keys]
        # What is text in any case is guarded here; metadata may be of any kind, and say so as JSON.
        rows: list[list[Any]] = [[_Guarded(c) for c in (*FIXED, self._header(self.value), *names)]]
        for r in records:
            mutations = " ".join(self.scaffold.mutations(r.design)) or ("wild type" if self.scaffold.wild_type else "")
            cells = [r.metadata.get(k) for k in keys]
            whole = ":".join(residues for _, residues in self.scaffold.split(self.scaffold.full(r.design)))
            rows.append([*map(_Guarded, (r.id, r.design, mutations, whole)), r.value, *cells])
        return rows

    def _records(self, rows: Sequence[Sequence[str]]) -> list[Record]:
        """Return the records of a table's rows, all cells as text."""
        names = [unguarded(c) for c in rows[0]] if rows else []
        wanted = [*FIXED, self._header(self.value)]
        if names[: len(wanted)] != wanted:
            raise InvalidTable(f"Expected the columns {', '.join(wanted)} first, got {shown(', '.join(names[:5]))}.")
        back = {self._header(k): k for k in IN_UNIT}
        out = []
        for number, row in enumerate(rows[1:], start=2):
            where = f"row {number}"
            if len(row) != len(names):
                raise InvalidTable(f"Expected {len(names)} cells in {where}, got {len(row)}.")
            name, design, _, whole, value, *rest = (unguarded(c) for c in row)
            more = {back.get(k, k): value_of(c) for k, c in zip(names[len(wanted) :], rest, strict=True) if c}
            found = self._designed(whole, where)
            if found != design:
                raise InvalidTable(f"Expected the sequence of {design} in {where}, got that of {found}. Correct one.")
            out.append(Record(name, found, _number(value, where), more))
        return out

    def _designed(self, whole: str, where: str) -> Design:
        try:
            return self.scaffold.design(whole)
        except InvalidDesign as error:
            raise InvalidTable(f"Expected a design of this campaign in {where}: {error}") from error

    def _workbook(self, records: Sequence[Record]) -> bytes:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell

        book = Workbook(write_only=True)
        sheet = book.create_sheet("designs")
        for row in self._rows(records):
            cells = []
            for value in row:
                # Text goes through the same guard as in CSV, so that nothing is a formula.
                cell = WriteOnlyCell(sheet, value if _plain_number(value) else _text(value))
                if isinstance(value, float) and _plain_number(value):
                    cell._value = repr(value)  # openpyxl would write 16 digits, one less than a number may need
                cells.append(cell)
            sheet.append(cells)
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()

    # -- FASTA -------------------------------------------------------------------

    def _fasta(self, records: Sequence[Record]) -> str:
        lines = []
        for r in records:
            fields: dict[str, Any] = {"mutations": ",".join(self.scaffold.mutations(r.design)) or "none"}
            if not self.scaffold.wild_type:
                fields["mutations"] = f"sites:{r.design}"
            if math.isfinite(r.value):
                fields["value"] = r.value
                fields |= {"unit": self.unit} if self.unit else {}
            fields |= {k: v for k, v in r.metadata.items() if not _missing(v)}
            chains = self.scaffold.split(self.scaffold.full(r.design))
            for name, residues in chains:
                own = {"chain": name, **fields} if len(chains) > 1 else fields
                lines += _record_lines(r.id if len(chains) == 1 else f"{r.id}:{name}", own, residues)
        return "".join(f"{line}\n" for line in lines)

    def _genes(self, records: Sequence[Record]) -> str:
        usage, avoid = codon_usage(self.organism), read_sites_to_avoid(self.avoid)
        lines = []
        for r in records:
            chains = self.scaffold.split(self.scaffold.full(r.design))
            for name, residues in chains:
                own: dict[str, Any] = {"chain": name} if len(chains) > 1 else {}
                own |= {"mutations": ",".join(self.scaffold.mutations(r.design)) or "none", "organism": self.organism}
                own |= {"value": r.value} if math.isfinite(r.value) else {}
                lines += _record_lines(
                    r.id if len(chains) == 1 else f"{r.id}:{name}", own, gene_of(residues, usage, avoid)
                )
        return "".join(f"{line}\n" for line in lines)

    def _from_fasta(self, text: str, *, genes: bool) -> list[Record]:
        chains = len(self.scaffold.chains)
        blocks = _blocks(text)
        if len(blocks) % chains:
            raise InvalidTable(f"Expected {chains} chains of every design, got {len(blocks)} records in all.")
        out = []
        for k in range(0, len(blocks), chains):
            number, header, _ = blocks[k]
            where = f"line {number}"
            name, *words = header.split() or [""]
            fields = {unquote(a): unquote(b) for a, _, b in (w.partition("=") for w in words)}
            try:
                whole = "".join(protein_of(b) if genes else b for _, _, b in blocks[k : k + chains])
            except InvalidDesign as error:
                raise InvalidTable(f"Expected a gene in {where}: {error}") from error
            known = ("mutations", "unit", "chain", "value", "organism")
            more = {a: value_of(b) for a, b in fields.items() if a not in known}
            plain = unquote(name)
            plain = plain.removesuffix(f":{fields['chain']}") if "chain" in fields and chains > 1 else plain
            out.append(Record(plain, self._designed(whole, where), _number(fields.get("value", ""), where), more))
        return out


def _record_lines(name: str, fields: Mapping[str, Any], letters: str) -> list[str]:
    words = (f"{quote(k, safe='')}={quote(cell_of(v), safe='+-.:,/[]{}')}" for k, v in fields.items())
    header = f">{quote(name, safe='+-.:,/')} {' '.join(words)}"
    return [header, *(letters[i : i + 60] for i in range(0, len(letters), 60))]


def _blocks(text: str) -> list[tuple[int, str, str]]:
    """Return (line, header, letters) of each record of a FASTA text."""
    out: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(">"):
            out.append((number, line[1:], []))
        elif line.strip() and not out:
            raise InvalidTable(f"Expected a header that starts with '>' in line {number}, got {shown(line)}.")
        elif line.strip():
            out[-1][2].append(line.strip())
    return [(number, header, "".join(letters)) for number, header, letters in out]


class _Guarded(str):
    """Text that a spreadsheet would take for a formula, with an apostrophe before it; any other as it is."""

    def __new__(cls, text: str) -> _Guarded:
        return super().__new__(cls, guarded(text, reversible=True))


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(value: Any) -> str:
    """Return a cell as text; blank for what is not known."""
    if _missing(value):
        return ""
    if _plain_number(value):
        return repr(value)
    return str(value) if isinstance(value, _Guarded) else guarded(cell_of(value), reversible=True)


def _number(text: str, where: str) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError as error:
        raise InvalidTable(f"Expected a number as value in {where}, got {shown(text)}.") from error


def _sheet(data: bytes) -> list[list[str]]:
    """Return the cells of the first sheet of a workbook as text, within bounds."""
    from openpyxl import load_workbook

    if len(data) > MAX_BYTES:
        raise InvalidTable(f"Expected a workbook of at most {MAX_BYTES:,} bytes, got {len(data):,}.")
    try:
        sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
        rows = []
        for row in sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True):
            rows.append(["" if c is None else repr(c) if _plain_number(c) else str(c) for c in row])
    # A damaged archive raises whatever its layers raise.
    except Exception as error:
        raise InvalidTable(f"Expected a workbook that this program wrote, got {type(error).__name__}.") from error
    return rows
