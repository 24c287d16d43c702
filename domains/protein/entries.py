"""Proteins, as the catalog knows them; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domains.entry import CSV, Entry, Export, Parameter, Science, ShippedBackbone

UNREAD = 32
"""Residues that a variant counts as, as long as nobody has read the table that says how long it is."""


def _length(params: Mapping[str, Any]) -> int:
    return int(params["length"])


def _sites(params: Mapping[str, Any]) -> int:
    return len(str(params["wild_type"])) or UNREAD


PROBLEMS: tuple[Entry, ...] = (
    Entry(
        name="protein/ehrlich",
        loader="domains.protein.ehrlich:Ehrlich",
        check="domains.protein.ehrlich:Ehrlich",
        title="Ehrlich function",
        summary="Closed-form epistatic landscape with motifs, infeasible transitions and a known optimum.",
        objective="motif quality",
        unit="fraction of motifs satisfied",
        seconds=2e-4,
        tokens=_length,
        parameters=(
            Parameter("length", "int", 15, "Length of the sequences, in residues.", 4, 256),
            Parameter("motifs", "int", 2, "Number of motifs that must be present.", 1, 8),
            Parameter("motif_length", "int", 4, "Residues in each motif.", 2, 8),
            Parameter(
                "quantization",
                "int",
                4,
                "Levels of credit for a partly present motif.",
                1,
                8,
                label="Credit steps per motif",
            ),
            Parameter(
                "instance", "int", 0, "Seed that generates the landscape.", 0, 2**31 - 1, label="Landscape number"
            ),
        ),
        backbones=("library", "protein"),
        settings={
            "search": {"edit_share": 1.0, "branches": 4, "pool": 4, "transform": "z"},
            "budget": {"rounds": 12, "batch": 32},
        },
        reads="A benchmark with a known answer, not a protein property.",
    ),
    Entry(
        name="protein/instability",
        loader="domains.protein.instability:Instability",
        title="Instability index",
        summary="Negative Guruprasad instability index of a free sequence, the protein task of ToSFiT.",
        objective="- instability index",
        unit="index points",
        seconds=2e-4,
        tokens=_length,
        parameters=(Parameter("length", "int", 60, "Longest sequence, in residues.", 10, 512),),
        backbones=("protein", "library"),
        settings={
            "search": {"branches": 4, "pool": 8, "steps": 20, "minibatch": 16},
            "budget": {"rounds": 12, "batch": 32},
        },
        reads="A degenerate benchmark: its optimum is a repeat of T and W, not a stable protein.",
    ),
    Entry(
        name="protein/landscape",
        loader="domains.protein.landscape:Landscape",
        check="domains.protein.landscape:Landscape",
        title="Measured landscape",
        summary="A table of measured variants at chosen positions of a wild type, searched as if unmeasured.",
        objective="measured value",
        unit="units of the table",
        seconds=1e-5,
        tokens=_sites,
        parameters=(
            Parameter("table", "file", None, "CSV, TSV or Parquet with a variant and a value column."),
            Parameter("wild_type", "text", "", "Residues of the wild type at the mutable positions.", 0, 512),
            Parameter(
                "variant_column",
                "text",
                "",
                "Column of variants; empty looks for a usual name, then the first text.",
                0,
                500,
            ),
            Parameter(
                "value_column",
                "text",
                "",
                "Column of values; empty looks for a usual name, then the first numbers.",
                0,
                500,
            ),
            Parameter(
                "positions",
                "text",
                "",
                "Residue numbers of the positions, e.g. 39,40,41,54; empty counts from 1.",
                0,
                5000,
            ),
        ),
        backbones=("library",),
        settings={
            "search": {"edit_share": 0.0, "pool": 64, "tempering": 0.4, "best_share": 0.5, "allow_repeats": False}
        },
        reads="A real experiment replayed: variants that were not measured are invalid, and cost a call.",
    ),
)

SCIENCE = Science(
    name="protein",
    title="Proteins",
    design="sequence",
    problems=PROBLEMS,
    backbones=(
        ShippedBackbone("protein", "Protein model that ships with the app", Path(__file__).parent / "backbone", 6.5e-5),
    ),
    exports=(Export("fasta", "FASTA", "fasta", "text/x-fasta"), CSV),
    drawing="domains.protein.drawing:draw",
    naming="domains.protein.naming:named",
    install="pip install 'poets[protein]'",
)
