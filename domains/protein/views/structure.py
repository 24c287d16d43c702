"""A structure of one's own beside a campaign: the trace of its C-alpha atoms, with the sites located in it.

A file comes from anywhere: it is bounded, only its first model is read, and of it only C-alpha atoms.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from Bio.Data.IUPACData import protein_letters_3to1
from Bio.PDB.MMCIF2Dict import MMCIF2Dict
from Bio.PDB.PDBParser import PDBParser

from domains.palette import GREY, VERMILLION, Colours
from poets_core.errors import InvalidTable
from poets_core.intake import shown

MOST_BYTES, MOST_RESIDUES = 32 << 20, 20_000
FIELD = "structure"
_LABEL = re.compile(r"([A-Za-z]*)(-?\d{1,7})([a-z]?)")
_ONE = {k.upper(): v for k, v in protein_letters_3to1.items()} | {"MSE": "M", "SEC": "C", "PYL": "K"}


@dataclass(frozen=True)
class Residue:
    """One residue with its C-alpha atom.

    Attributes:
        chain, number, code: as the file numbers it; the insertion code is ``""`` or a small letter.
        letter: one of the 20, ``"X"`` for others.
        at: x, y, z in ångström.
    """

    chain: str
    number: int
    code: str
    letter: str
    at: tuple[float, float, float]


@dataclass(frozen=True)
class Located:
    """A site in a structure.

    Attributes:
        label: of the site; residue: where it is, None if the file has no such residue.
        expected: the parent's letter, ``""`` where it is not known; agrees: whether the structure has it there.
    """

    label: str
    residue: Residue | None
    expected: str
    agrees: bool


def read_structure(data: bytes, name: str) -> list[Residue]:
    """Read a PDB or mmCIF file; which it is, its content tells.

    Raises:
        InvalidTable: too large, unreadable, or without C-alpha atoms.
    """
    if len(data) > MOST_BYTES:
        raise InvalidTable(
            f"Expected a structure of at most {MOST_BYTES >> 20} MiB, got {len(data) >> 20}.", field=FIELD
        )
    text = data.decode("utf-8", "replace")
    try:
        found = _mmcif(text) if text.lstrip().startswith("data_") else _pdb(text)
    # The parsers raise whatever a broken file makes them raise.
    except Exception as error:
        raise InvalidTable(
            f"Expected a PDB or mmCIF file in {shown(name)}, got {type(error).__name__}: {str(error)[:120]}.",
            field=FIELD,
        ) from error
    if not 0 < len(found) <= MOST_RESIDUES:
        raise InvalidTable(
            f"Expected 1 to {MOST_RESIDUES:,} residues with C-alpha atoms in {shown(name)}, got {len(found):,}.",
            field=FIELD,
        )
    return found


def _pdb(text: str) -> list[Residue]:
    lines = []
    for line in text.splitlines():
        if line.startswith("ENDMDL"):
            break
        # All other atoms are left out before the parser builds objects of them.
        if line.startswith(("ATOM", "HETATM")) and line[12:16].strip() == "CA" and line[17:20].strip() in _ONE:
            lines.append(line)
    model = next(iter(PDBParser(QUIET=True).get_structure("x", io.StringIO("\n".join([*lines, "END", ""])))), ())
    return [
        _residue(chain.id.strip(), residue.id[1], residue.id[2], residue.get_resname(), residue["CA"].coord)
        for chain in model
        for residue in chain
    ]


def _mmcif(text: str) -> list[Residue]:
    table = MMCIF2Dict(io.StringIO(text))
    names = (
        "label_atom_id",
        "auth_asym_id",
        "auth_seq_id",
        "pdbx_PDB_ins_code",
        "label_comp_id",
        "Cartn_x",
        "Cartn_y",
        "Cartn_z",
        "pdbx_PDB_model_num",
    )
    first = table["_atom_site.label_atom_id"]
    columns = [table.get(f"_atom_site.{n}", ["?"] * len(first)) for n in names]
    out: dict[tuple[str, int, str], Residue] = {}
    for atom, chain, number, code, residue, x, y, z, model in zip(*columns, strict=True):
        if atom == "CA" and model == columns[8][0] and residue in _ONE:
            code = "" if code in "?." else code
            # Of alternative places, the first counts.
            key = (chain, int(number), code)
            out.setdefault(key, _residue(chain, int(number), code, residue, (float(x), float(y), float(z))))
    return list(out.values())


def _residue(chain: str, number: int, code: str, name: str, at: Any) -> Residue:
    x, y, z = (float(v) for v in at)
    if not all(map(math.isfinite, (x, y, z))):
        raise ValueError(f"no finite coordinates of {name} {number}")
    return Residue(chain, int(number), code.strip().lower(), _ONE.get(name.strip().upper(), "X"), (x, y, z))


def locate(
    residues: Sequence[Residue], labels: Sequence[str], parent: str = "", chain: str = "", offset: int = 0
) -> list[Located]:
    """Find sites in a structure by chain and number.

    Args:
        residues: of the structure.
        labels: of the sites: ``"39"``, ``"B54"``, ``"100a"``.
        parent: its letters at the sites, ``""`` where they are not known.
        chain: of labels that name none; ``""`` takes the structure's first.
        offset: added to the numbers of labels.
    """
    default = chain or (residues[0].chain if residues else "")
    known = {(r.chain, r.number, r.code): r for r in reversed(residues)}
    out = []
    for k, label in enumerate(labels):
        written = _LABEL.fullmatch(label)
        key = (written[1] or default, int(written[2]) + offset, written[3]) if written else None
        at = known.get(key) if key else None
        own = parent[k] if k < len(parent) else ""
        out.append(Located(label, at, own, at is not None and own in ("", at.letter)))
    return out


def structure_figure(residues: Sequence[Residue], sites: Sequence[Located], colours: Colours) -> dict[str, Any]:
    """Return chains as lines and sites as marked points, as data for a 3D `plotly.graph_objects.Figure`."""
    data: list[dict[str, Any]] = []
    for chain, group in groupby(residues, key=lambda r: r.chain):
        trace = list(group)
        data.append(
            {
                "type": "scatter3d",
                "mode": "lines",
                "name": f"chain {chain}",
                **_points(trace),
                "line": {"width": 5, "color": GREY},
                "text": [f"{r.letter}{r.number}{r.code}" for r in trace],
                "hoverinfo": "text+name",
            }
        )
    found = [(s, s.residue) for s in sites if s.residue is not None]
    data.append(
        {
            "type": "scatter3d",
            "mode": "markers+text",
            "name": "sites",
            **_points([r for _, r in found]),
            "marker": {"size": 7, "color": VERMILLION},
            "text": [f"{s.expected or r.letter}{s.label}" for s, r in found],
            "textfont": {"color": colours.text},
            "hoverinfo": "text",
        }
    )
    hidden = {"visible": False}
    layout = {
        "scene": {"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data", "bgcolor": colours.paper},
        "paper_bgcolor": colours.paper,
        "font": {"color": colours.text},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
    }
    return {"data": data, "layout": layout}


def _points(residues: Sequence[Residue]) -> dict[str, list[float]]:
    return {axis: [r.at[k] for r in residues] for k, axis in enumerate("xyz")}
