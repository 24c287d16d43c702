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
    named = len(str(params["positions"]).replace(",", " ").split())
    return named or len(str(params["wild_type"])) or UNREAD


TABLE_SETTINGS = (
    Parameter(
        "variant_column",
        "text",
        "",
        "Column of variants; empty looks for a usual name, then for what holds variants.",
        0,
        500,
    ),
    Parameter(
        "value_column",
        "text",
        "",
        "Column of values; empty looks for a usual name, then for the only numbers that are no count and no row "
        "number.",
        0,
        500,
    ),
    Parameter(
        "direction",
        "text",
        "auto",
        "Which way is better. Auto: less of Kd, IC50, EC50, KM and ddG, more of anything else.",
        choices=("auto", "maximise", "minimise"),
    ),
    Parameter(
        "bad_rows",
        "text",
        "refuse",
        "What becomes of rows without a variant or a number: the table is refused, or they are left out and counted.",
        choices=("refuse", "leave out"),
        label="Rows that are wrong",
    ),
    Parameter(
        "replicates",
        "text",
        "average",
        "What becomes of several rows of one variant: averaged, or refused where they differ.",
        choices=("average", "refuse"),
        label="Replicates",
    ),
    Parameter(
        "decimal",
        "text",
        "auto",
        "The decimal mark. Auto: what the values tell; 1.204 beside 987 in a file with semicolons tells nothing.",
        choices=("auto", "point", "comma"),
        label="Decimal mark",
    ),
)
"""How a table is read; see `domains.protein.tables.read.TableSettings`."""

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
            Parameter("table", "file", None, "CSV, TSV, xlsx or Parquet with a column of variants and one of values."),
            Parameter(
                "wild_type",
                "text",
                "",
                "The whole protein, or its residues at the mutable positions. Mutations such as V39A need it.",
                0,
                40_000,
            ),
            Parameter(
                "positions",
                "text",
                "",
                "Residue numbers of the positions, e.g. 39,40,41,54; empty takes what the table tells, or "
                "counts from 1.",
                0,
                5000,
            ),
            *TABLE_SETTINGS,
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
