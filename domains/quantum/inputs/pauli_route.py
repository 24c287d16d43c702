"""Which reader a text of a Hamiltonian goes to: JSON, Python, a table, or a sum."""

from __future__ import annotations

import re
from dataclasses import replace

from domains.quantum.inputs.pauli_json import read_document
from domains.quantum.inputs.pauli_python import CALLS, read_python
from domains.quantum.inputs.pauli_rows import LABELS, Found, coefficient_name, plain_name
from domains.quantum.inputs.pauli_table import delimiter_of, read_table
from domains.quantum.inputs.pauli_text import read_sum
from domains.quantum.inputs.text import is_json, json_of
from poets_core.errors import InvalidTable

WHAT = "the Hamiltonian"
_LIST = re.compile(r"(?:\[\s*[\[({\"'\d]|\{|\[\s*\]\Z|\(\s*(?:\[\s*[-+.\d]|[\"']))")
_TEXT = re.compile(r"\"[^\"\\]*\"\Z")
_LINES_OF_PAIRS = re.compile(r"(?:\(\s{0,9}['\"]|['\"][^'\"\n]{1,200}['\"]\s{0,9}:)")
_STATED = re.compile(r"(?:qubit|bit|label)?[ _]?order(?:ing)?\s{0,9}[:=]\s{0,9}(.{1,200})", re.IGNORECASE)
_HINT = re.compile(
    r"(?:big|little)[- _]?endian|\b[lm]sb\b|qubit[ _]?0[^.;,]{0,40}(?:left|right|first|last)|"
    r"(?:left|right|first|last)[^.;,]{0,40}qubit[ _]?0",
    re.IGNORECASE,
)
"""Words on the order of letters in a comment."""
_COMMENT = re.compile(r"(?:(?<=\s)|(?<=\A)|(?<=\n))(?:#|//)[^\n]*|(?:(?<=\A)|(?<=\n))[ \t]{0,99}%[^\n]*")
_IMPORT = re.compile(r"(?:from\s+\S{1,80}\s+import|import)\s[^\n]*")
_NAME = re.compile(r"\s*([A-Za-z_][\w.]{0,60}+)[ \t]{0,9}=[ \t]{0,9}(?!=)")
_LETTERS = re.compile(r"[IXYZixyz]+[_\d]*")


def found_in(text: str) -> tuple[str, Found]:
    """Return what a cleaned text was read as, and what is in it.

    Raises:
        InvalidTable: it cannot be read; says where.
    """
    if _TEXT.match(text) or (_LIST.match(text) and is_json(text)):
        return _document(text)
    bare = _COMMENT.sub("", text)
    if not bare.strip():
        raise InvalidTable(f"Expected terms in {WHAT}, got comments alone.")
    comments = " ".join(found[0].strip() for found in _COMMENT.finditer(text))[:2000]
    stated = _STATED.search(comments)
    said = stated[1] if stated else next((c for c in re.split(r"#|//|%", comments) if _HINT.search(c)), "").strip()
    form, found = _body(bare)
    return form, replace(found, order=found.order or said)


def _body(text: str) -> tuple[str, Found]:
    """Read a text without comments."""
    code = "\n".join("" if _IMPORT.match(line) else line for line in text.split("\n"))
    named = _NAME.match(code)
    # XX = 0.5 is a label and its coefficient.
    if named and named[1].lower() != "sep" and (_LIST.match(code, named.end()) or not _LETTERS.fullmatch(named[1])):
        code = "\n" * code.count("\n", 0, named.end()) + code[named.end() :]
    inner = code.strip()
    if not inner:
        raise InvalidTable(f"Expected terms in {WHAT}, got imports alone. Paste what print(H) gives.")
    if CALLS.search(inner):
        return ("SparsePauliOp (Qiskit)" if "SparsePauliOp" in inner else "Python"), read_python(code)
    if _LINES_OF_PAIRS.match(inner):
        # The inner lines of a list or dict: ("XX", 0.5), or "XX": 0.5,
        opened, closed = ("[", "]") if inner[0] == "(" else ("{", "}")
        return "Python list", read_python(f"{opened}{inner}\n{closed}")
    if _LIST.match(inner):
        return _document(inner) if is_json(inner) else ("Python list", read_python(code))
    lines = [(k, line) for k, line in enumerate(code.split("\n"), 1) if line.strip()]
    if _is_header(lines[0][1]) and len(lines) > 1:
        code = "\n".join("" if k == lines[0][0] else line for k, line in enumerate(code.split("\n"), 1))
    elif delimiter := delimiter_of([line for _, line in lines]):
        name = {"\t": "TSV", ";": "CSV with semicolons"}.get(delimiter, "CSV")
        return name, read_table(lines, delimiter)
    terms, notes = read_sum(code)
    form = "text" if any(t.label for t in terms) else "text with the qubit of every letter"
    return form, Found(terms, notes=notes)


def _is_header(line: str) -> bool:
    """Whether a line is the two names of columns that blanks separate."""
    names = [plain_name(word) for word in line.split()] if "\t" not in line and len(line) < 200 else []
    return len(names) == 2 and any(n in LABELS for n in names) and bool(coefficient_name(names, "in the header"))


def _document(text: str) -> tuple[str, Found]:
    """Read JSON, or what Python prints: tuples, single quotes and complex numbers are no JSON."""
    try:
        value = json_of(text, "JSON of " + WHAT)
    except InvalidTable as error:
        if not re.search(r"['(jJ#/*]|,\s*[\]}]", text):
            raise
        first = error
    else:
        return "JSON", read_document(value)
    try:
        return "Python list", read_python(text)
    except InvalidTable as error:
        raise error if re.search(r"['(]", text) else first from error
