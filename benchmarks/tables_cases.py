"""Tables in the shapes that people have, written anew: each with what must be read of it, or with what it is refused.

A kind stands for others like it: an index, two products, mutations, controls, decimal commas, replicates, two chains,
whole proteins of which few residues vary.
"""

from __future__ import annotations

from benchmarks.tables_files import (
    LETTERS,
    PLAIN,
    THREE,
    TableCase,
    V,
    full,
    read,
    refuse,
    whole_protein,
)
from benchmarks.tables_sheets import SHEETS

COLUMNS = (
    read("columns: index without a name", ",Combo,Yield (%)\n0,KLWT,1\n1,ALWT,0.25\n2,FLWA,7.5\n"),
    read("columns: Unnamed: 0", "Unnamed: 0,mutated_sequence,DMS_score\n0,KLWT,1\n1,ALWT,0.25\n2,FLWA,7.5\n"),
    read("columns: a row number of another name", "well_no,AAs,brightness\n1,KLWT,1\n2,ALWT,0.25\n3,FLWA,7.5\n"),
    read("columns: numbered rows beside one column", "k,Combo,level\n1,KLWT,1\n2,ALWT,0.25\n3,FLWA,7.5\n"),
    refuse(
        "columns: two products",
        "Combo,IsoA,IsoB,Delta\nKLWT,7.1,1.2,5.9\nALWT,7.7,2,5.7\n",
        "value_column",
        "'IsoA', 'IsoB', 'Delta'",
        "Choose",
    ),
    read(
        "columns: two products, one chosen",
        "Combo,IsoA,IsoB\nKLWT,1,9\nALWT,.25,9\nFLWA,7.5,9\n",
        params={"value_column": "IsoA"},
    ),
    refuse("columns: two usual names", "variant,kcat,yield\nKLWT,1,2\nALWT,3,4\n", "value_column", "'kcat', 'yield'"),
    read(
        "columns: counts",
        "AAs,Input Count,Selected Count,log_enrichment\nKLWT,91,33,1\nALWT,5,205,0.25\nFLWA,4,9,7.5\n",
    ),
    refuse(
        "columns: counts alone", "AAs,Input Count,reads\nKLWT,91,33\nALWT,5,205\n", "value_column", "numeric column"
    ),
    read(
        "columns: plate and OD",
        "Well,Plate,AA,OD600,kcat_over_KM\nA1,1,KLWT,.9,1\nA2,1,ALWT,.4,.25\nA3,1,FLWA,1.3,7.5\n",
    ),
    read(
        "columns: a bin of the score", "mutated_sequence,DMS_score,DMS_score_bin\nKLWT,1,1\nALWT,0.25,0\nFLWA,7.5,1\n"
    ),
    read("columns: truth beside", "variant,fitness,active\nKLWT,1.0,True\nALWT,.25,False\nFLWA,7.5,True\n"),
    read(
        "columns: an id and a note", "id,Variants,note,count,Fitness\n1,KLWT,a,5,1\n2,ALWT,b,6,0.25\n3,FLWA,c,7,7.5\n"
    ),
    read(
        "columns: nucleotides beside",
        "nt_seq,aa_seq,score\nAAACTGTGGACC,KLWT,1\nGCTCTGTGGACC,ALWT,0.25\nTTTCTGTGGGCC,FLWA,7.5\n",
    ),
    read("direction: Kd", "Variant,Kd (nM)\nKLWT,1\nALWT,0.25\nFLWA,7.5\n", direction="minimise"),
    read("direction: IC50", "variant,IC50_nM\nKLWT,1\nALWT,0.25\nFLWA,7.5\n", direction="minimise"),
    read("direction: ddG", "variant,ddG (kcal/mol)\nKLWT,1\nALWT,0.25\nFLWA,7.5\n", direction="minimise"),
    read("direction: kcat/KM", "variant,kcat/KM\nKLWT,1\nALWT,0.25\nFLWA,7.5\n"),
    read("direction: pKd", "variant,pKd\nKLWT,1\nALWT,0.25\nFLWA,7.5\n"),
    read("direction: chosen", PLAIN, params={"direction": "minimise"}, direction="minimise"),
    read("columns: log10 fitness", "Mutated sequence,log10 fitness,replicate\nKLWT,1,1\nALWT,0.25,1\nFLWA,7.5,1\n"),
)
MUTATIONS = (
    refuse(
        "mutations without a wild type",
        "mutant,score\nT2G:K5R,1\nK5R,2\n",
        "wild_type",
        "wild type",
        "'T2G:K5R'",
        "row 2",
    ),
    *(
        read(
            f"mutations: {cell}",
            f"Mutations;brightness\n{cell};3.5\nT2A;1.5\nWT;1.0\n",
            {"GR": 3.5, "AK": 1.5, "TK": 1.0},
            params=V,
            labels=("2", "5"),
        )
        for cell in (
            "T2G:K5R",
            "T2G/K5R",
            "T2G_K5R",
            "T2G+K5R",
            "T2G,K5R",
            "T2G, K5R",
            "T2G-K5R",
            "T2G K5R",
            "p.(T2G/K5R)",
            "p.[Thr2Gly;Lys5Arg]".replace(";", "/"),
            "Thr2Gly/Lys5Arg",
            "2G/5R",
            "2:G/5:R",
            "t2g/k5r",
            "p.T2G/p.K5R",
        )
    ),
    read(
        "mutations: semicolons in a table of commas",
        "AA substitutions,score\nT2G;K5R,3.5\nT2A,1.5\np.=,1\n",
        {"GR": 3.5, "AK": 1.5, "TK": 1.0},
        params=V,
    ),
    read(
        "mutations: position and letter",
        "Variant,activity\nWT,1.0\n10A,0.6\n12Y,2.3\n",
        {"GG": 1.0, "AG": 0.6, "GY": 2.3},
        params=V,
        labels=("10", "12"),
    ),
    read(
        "mutations: the letters at the sites for a parent",
        "Variant,activity\nG10A_G12W,3\nG10A,1.1\nWT,1\n",
        {"AW": 3.0, "AG": 1.1, "GG": 1.0},
        params={"wild_type": "GG", "positions": "10,12"},
        labels=("10", "12"),
    ),
    read(
        "mutations: a constant offset",
        "variant,fitness\nT102A,1\nE103A,2\nY104A,3\nK105A,4\nL106A,5\n",
        5,
        params=V,
        message=("offset -100",),
    ),
    refuse(
        "mutations: an offset that may be chance", "variant,fitness\nA12D,1\nG13D,2\n", "wild_type", "offset", params=V
    ),
    refuse(
        "mutations: another parent",
        "variant,fitness\nW1A,1\nW2A,2\nW3A,3\nW4A,4\n",
        "wild_type",
        "old letters",
        "W1A",
        params=V,
    ),
    refuse(
        "mutations: one that does not fit",
        "variant,fitness\nT2A,1\nE3A,2\nY4A,3\nK5A,4\nL6A,5\nV7A,5\nV8A,5\nV9A,5\nG10A,5\nA11G,1\nG12A,3\nW13A,3\n",
        "table",
        "row 13",
        "'W13A'",
        params=V,
    ),
    refuse(
        "mutations: insertion and deletion",
        "mutant,score\nT2A,1\nE3del,0.4\nY4YA,0.9\nK5R,2\n",
        "table",
        "insertion or deletion",
        "row 3",
        "'E3del'",
        params=V,
    ),
    read(
        "mutations: insertions left out",
        "mutant,score\nT2A,1\nE3del,0.4\nK5R,2\n",
        {"AK": 1.0, "TR": 2.0},
        params=V | {"bad_rows": "leave out"},
    ),
    refuse(
        "mutations: a stop codon", "mutant,score\nT2A,1\nE3*,0.4\nK5R,2\n", "table", "stop codon", "'E3*'", params=V
    ),
)
ROWS = (
    read(
        "controls: WT at two sites",
        "variant,fitness\nWT,1\nAA,.2\nAC,.3\nDE,.9\nVD,.95\n",
        {"AA": 0.2, "AC": 0.3, "DE": 0.9, "VD": 0.95},
        message=("Wild type: 1 row (row 2",),
    ),
    read("controls: all variants at two sites, W T among them", full(2), 400),
    read("controls: WT names the parent", "variant,fitness\nWT,1\nALWT,0.25\nFLWA,7.5\n", params={"wild_type": "KLWT"}),
    read(
        "controls: an empty well at five sites",
        "Well,Variant,Yield\nA1,EMPTY,0\nA2,WYLQF,5.4\nA3,FRMNY,63.7\nA4,Parent,5.5\n",
        {"WYLQF": 5.4, "FRMNY": 63.7},
        message=("'EMPTY'", "Wild type: 1 row (row 5"),
    ),
    read("controls: sterile", "Well,Variant,Yield\nA1,Sterile,0\nA2,KLWT,1\nA3,ALWT,.25\nA4,FLWA,7.5\n"),
    read("controls: totals below", PLAIN + "MEAN,2.9\nSD,4\nCTRL,9\n", message=("3 rows",)),
    read(
        "controls: NA and ND are variants",
        "variant,fitness\nNA,3\nAN,.2\nVD,1\nND,.4\n",
        {"NA": 3.0, "AN": 0.2, "VD": 1.0, "ND": 0.4},
    ),
    refuse("DNA", "sequence,fitness\nAAACTGTGGACC,1\nGCTCTGTGGACC,2\n", "variant_column", "DNA", "Translate"),
    refuse("FASTA", ">wt,MKTAY,1.0\n>v1,MKTGY,0.2\n", "table", "FASTA"),
    refuse(
        "missing among good",
        "Combo,Fitness\nKLWT,1\nALWT,\nFLWA,NA\nFLWT,n.d.\n",
        "table",
        "3 of 4 rows",
        "row 3",
        "'NA'",
        "leave bad rows out",
    ),
    read(
        "missing left out",
        "Combo,Fitness\nKLWT,1\nALWT,0.25\nALWA,\nFLWA,7.5\n",
        params={"bad_rows": "leave out"},
        message=("1 without a value (row 4",),
    ),
    refuse("censored", "variant,kcat\nKLWT,220\nALWT,<0.01\nFLWA,>500\n", "table", "limit", "'<0.01'"),
    read(
        "replicates",
        "variant,replicate,fitness\nKLWT,1,0.5\nKLWT,2,1.5\nALWT,1,.25\nFLWA,1,7\nFLWA,2,8\n",
        message=("2 variants measured more than once",),
    ),
    refuse(
        "replicates refused",
        "variant,fitness\nKLWT,0.5\nKLWT,1.5\n",
        "table",
        "'KLWT'",
        params={"replicates": "refuse"},
    ),
    read("letters set apart", "variant,fitness\nK-L-W-T,1\nA-L-W-T,.25\nF-L-W-A,7.5\n"),
    read("letters set apart by blanks", "variant,fitness\nK L W T,1\nA L W T,.25\nF L W A,7.5\n"),
    read("three-letter codes", "variant,fitness\nLys-Leu-Trp-Thr,1\nAla-Leu-Trp-Thr,.25\nPhe-Leu-Trp-Ala,7.5\n"),
    read(
        "two chains",
        "variant,KD\nEVQLV:DIQMT,1.2\nEVKLV:DIQMT,.8\n",
        {"EVQLVDIQMT": 1.2, "EVKLVDIQMT": 0.8},
        direction="minimise",
        labels=("A1", "A2", "A3", "A4", "A5", "B1", "B2", "B3", "B4", "B5"),
    ),
    refuse("other lengths", "mutated_sequence,score\nMKLE,.4\nMAKLE,1\nMAGKLE,.9\n", "table", "length", "residues"),
    refuse(
        "ambiguous residues",
        "variant,fitness\nKLWT,1\nKXWT,.4\nKBWT,.4\nULWT,.4\n",
        "table",
        "3 with an ambiguous residue",
        "'X' at position 2",
    ),
    read(
        "whole proteins, two sites vary",
        whole_protein((12, 31)),
        25,
        labels=("12", "31"),
        message=("2 variable positions: 12, 31",),
    ),
    read("whole proteins with their parent", whole_protein((12, 31)), 25, labels=("12", "31"), params=V),
    read(
        "whole proteins, sites named", whole_protein((12, 31)), 25, labels=("12", "31"), params={"positions": "12,31"}
    ),
    refuse("whole proteins, a site not named", whole_protein((12, 31)), "positions", "31", params={"positions": "12"}),
    read(
        "a whole parent for letters at sites",
        "variant,fitness\nGV,1\nAV,2\n",
        {"GV": 1.0, "AV": 2.0},
        params=V | {"positions": "10,14"},
        labels=("10", "14"),
    ),
    refuse("a whole parent without sites", "variant,fitness\nGV,1\nAV,2\n", "positions", "numbers", params=V),
    read(
        "a first round",
        "Combo,Fitness\n" + "".join(f"{a}LWT,{i}\n" for i, a in enumerate(LETTERS)),
        20,
        message=("20 of 160,000",),
    ),
    read("one site", "variant,fitness\n" + "".join(f"{a},{i / 3}\n" for i, a in enumerate(LETTERS)), 20),
    read("negative values", PLAIN.replace("0.25", "-0.25"), THREE | {"ALWT": -0.25}),
    read("one row", "variant,fitness\nKL,1.0\n", {"KL": 1.0}),
    read("values all alike", "variant,fitness\nKL,1.0\nAL,1\n", {"KL": 1.0, "AL": 1.0}),
)
CASES: tuple[TableCase, ...] = (*COLUMNS, *MUTATIONS, *ROWS, *SHEETS)
