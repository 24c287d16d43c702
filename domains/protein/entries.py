"""Proteins, as the catalog knows them; standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domains.entry import CSV, Entry, Export, Parameter, Science, ShippedBackbone

UNREAD = 32
"""Residues that a variant counts as, as long as nobody has read the table that says how long it is."""


def _length(params: Mapping[str, Any]) -> int:
    return int(params["length"])


def _sites(params: Mapping[str, Any]) -> int:
    return named_sites(str(params["positions"])) or len(str(params["wild_type"])) or UNREAD


def _campaign_sites(params: Mapping[str, Any]) -> int:
    parent = sum(c.isalpha() for c in str(params["parent"]))
    return named_sites(str(params["sites"])) or (UNREAD if params["data"] or not parent else min(parent, 512))


def named_sites(text: str) -> int:
    """Count sites roughly, for the estimate of a run's cost: numbers, and what lies between the ends of ranges."""
    spans = re.findall(r"(\d{1,6})\s*[-\u2013]\s*[A-Za-z]?(\d{1,6})", text)
    between = sum(max(0, int(b) - int(a) - 1) for a, b in spans)
    return min(len(re.findall(r"\d+", text)) + between, 512)


FREE = {"fit": "exact", "branches": 16, "pool": 8, "climb": 1, "shared_pool": False, "edit_share": 1.0, "elites": 8}
"""Settings for free lengths: exact over n-grams; chosen on tuning seeds (docs/decisions/posterior.md)."""
TABLE = {
    "fit": "auto",
    "whole_space": True,
    "branches": 32,
    "edit_share": 0.0,
    "pool": 64,
    "tempering": 0.5,
    "best_share": 0.5,
    "allow_repeats": False,
}
"""Settings for measured values at a few sites; chosen on tuning seeds of GB1 and PhoQ (docs/decisions)."""
READING = (
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
        "Column of values; empty looks for a usual name, then for the only numbers that are no count.",
        0,
        500,
    ),
)
"""How a table's columns are found; of every problem that reads one."""
TREATMENT = (
    Parameter(
        "direction",
        "text",
        "auto",
        "Which way is better; auto says minimise for Kd, IC50, EC50, KM and ddG.",
        choices=("auto", "maximise", "minimise"),
        label="Better is",
    ),
    Parameter(
        "bad_rows", "text", "refuse", "What to do with rows that cannot be read.", choices=("refuse", "leave out")
    ),
    Parameter(
        "replicates",
        "text",
        "average",
        "What to do with several rows of one variant; their spread is the noise.",
        choices=("average", "refuse"),
    ),
    Parameter(
        "decimal",
        "text",
        "auto",
        "Decimal sign of the numbers, where the table leaves it open.",
        choices=("auto", "point", "comma"),
        label="Decimal sign",
    ),
)
"""How a table's rows are read."""
LIMITS = (
    Parameter(
        "alphabets",
        "text",
        "",
        "Letters of sites: 39: AVLI; 54: {CP} for all but these; 41: G fixes one; all: the rest. Empty: all 20.",
        0,
        20_000,
        label="Letters of each site",
    ),
    Parameter("max_mutations", "int", 0, "Most mutations against the parent; 0 for any number.", 0, 512),
    Parameter(
        "never", "text", "", "Letters that no mutation introduces, such as C.", 0, 40, label="Letters never introduced"
    ),
    Parameter(
        "forbid_motifs",
        "text",
        "",
        "Motifs that must not stand in the protein: N{P}[ST], C-x(2,4)-C. [..] one of, {..} none of, x any.",
        0,
        2000,
        label="Forbidden motifs",
    ),
    Parameter(
        "keep_motifs",
        "text",
        "",
        "Motifs that must stay wherever the parent has them, in the same notation.",
        0,
        2000,
        label="Motifs that must stay",
    ),
    Parameter(
        "charge_min",
        "text",
        "",
        "Lowest net charge of the protein (K, R +1; D, E -1; H 0); empty for none.",
        0,
        8,
        label="Lowest net charge",
    ),
    Parameter(
        "charge_max", "text", "", "Highest net charge of the protein; empty for none.", 0, 8, label="Highest net charge"
    ),
)
"""Hard constraints: no design that breaks one is ever proposed."""


XLSX = Export("xlsx", "Excel", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
DNA = Export("dna", "Genes (FASTA)", "fasta", "text/x-fasta")

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
        backbones=("library", "protein"),
        settings={
            "search": FREE | {"steps": 20, "minibatch": 16},  # those by gradient
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
            Parameter("table", "file", None, "CSV, TSV, xlsx or Parquet with a variant and a value column."),
            Parameter(
                "wild_type",
                "text",
                "",
                "Residues of the wild type at the mutable positions, or the whole protein.",
                0,
                60_000,
                area=True,
            ),
            Parameter(
                "positions",
                "text",
                "",
                "Residue numbers of the positions: 39-41,54 or V39,D40,G41,V54; empty counts from 1.",
                0,
                5000,
            ),
            *(replace(p, group="How tables are read") for p in (*READING, *TREATMENT)),
            Parameter(
                "use",
                "text",
                "benchmark",
                "Benchmark: a variant that was not measured costs a call. Replay: only measured ones are proposed.",
                choices=("benchmark", "replay"),
                label="Variants not in the table",
            ),
        ),
        backbones=("library",),
        settings={
            "search": TABLE,
        },
        reads="A real experiment replayed: variants that were not measured are invalid, and cost a call.",
    ),
    Entry(
        name="protein/campaign",
        people=lambda params: params["oracle"] == "laboratory",
        loader="domains.protein.campaign:Campaign",
        check="domains.protein.campaign:Campaign",
        title="Protein campaign",
        summary="Your own protein: a parent, variable sites, hard constraints, what you measured, and a laboratory.",
        objective="measured value",
        unit="units of the table",
        seconds=1e-5,
        tokens=_campaign_sites,
        parameters=(
            Parameter(
                "parent",
                "text",
                "",
                "Sequence of the parent: letters, FASTA or GenPept; several chains by ':' or records.",
                0,
                60_000,
                label="Parent sequence",
                area=True,
            ),
            Parameter(
                "sites",
                "text",
                "",
                "Variable sites: V39,D40,G41,V54 or 39-41,54; chains A39,B54; 100a; 'offset 18' after them. Empty: "
                "those that vary in the data, or all.",
                0,
                20_000,
                label="Variable sites",
            ),
            *(replace(p, group="Hard constraints") for p in LIMITS),
            Parameter(
                "data",
                "file",
                "",
                "Table of what was measured before; learnt before the first proposal.",
                label="Measured before",
            ),
            *(replace(p, group="How tables are read") for p in (*READING, *TREATMENT)),
            Parameter(
                "oracle",
                "text",
                "laboratory",
                "Laboratory: the run waits for your results. Table: answers are looked up, to play a campaign.",
                choices=("laboratory", "table"),
                label="Who answers",
                group="Rehearse: a table answers",
            ),
            Parameter(
                "answers",
                "file",
                "",
                "Table of the answers, where a table answers.",
                label="Table of answers",
                group="Rehearse: a table answers",
            ),
            Parameter(
                "value_name",
                "text",
                "",
                "What is measured; empty takes the column's name.",
                0,
                100,
                label="What is measured",
            ),
            Parameter("unit", "text", "", "Unit of the value, e.g. nM.", 0, 40),
            Parameter(
                "prior_keep",
                "float",
                0.3,
                "Before anything is measured: chance that a site keeps the parent's letter, at least.",
                0.0,
                0.95,
                label="Keep the parent's letter",
                group="Before anything is measured",
            ),
            Parameter(
                "prior_mutations",
                "float",
                4.0,
                "Before anything is measured: mutations of a design on average, at most. A protein of many sites keeps "
                "most of its letters.",
                0.5,
                512.0,
                label="Mutations of a first design",
                group="Before anything is measured",
            ),
            Parameter(
                "prior_temperature",
                "float",
                4.0,
                "How freely other letters are drawn by BLOSUM62: small follows it closely, large takes all alike.",
                0.5,
                1000.0,
                label="Freedom of substitutions",
                group="Before anything is measured",
            ),
            Parameter(
                "organism",
                "text",
                "E. coli",
                "Whose codons exported genes use.",
                group="Genes of the winners",
                choices=(
                    "E. coli",
                    "S. cerevisiae",
                    "B. subtilis",
                    "H. sapiens",
                    "M. musculus",
                    "D. melanogaster",
                    "C. elegans",
                    "G. gallus",
                ),
            ),
            Parameter(
                "avoid_sites",
                "text",
                "",
                "Restriction sites that exported genes must not hold: enzymes or DNA, such as BsaI, GGATCC.",
                0,
                1000,
                label="Restriction sites to avoid",
                group="Genes of the winners",
            ),
        ),
        backbones=("library",),
        settings={
            "search": TABLE,
            # With two wells of the parent a batch fills a plate of 96.
            "budget": {"rounds": 4, "batch": 94},
        },
        reads="An experiment of your own; nothing here predicts it but what you measure.",
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
    exports=(Export("fasta", "FASTA", "fasta", "text/x-fasta"), CSV, XLSX, DNA),
    drawing="domains.protein.drawing:draw",
    naming="domains.protein.naming:named",
    views="domains.protein.views.shown:views",
    structure="domains.protein.views.shown:structure",
    structures=("pdb", "ent", "cif", "mmcif"),
    install="pip install 'poets[protein]'",
)
