"""Tables as spreadsheets and programs write them: separators, encodings, decimal marks, titles, xlsx, Parquet."""

from __future__ import annotations

import gzip

from benchmarks.tables_files import (
    LETTERS,
    PLAIN,
    THREE,
    categories,
    dated,
    decimals,
    halves,
    parquet,
    read,
    refuse,
    text,
    workbook,
    zipped,
)

SEMI = PLAIN.replace(",", ";")
SHEETS = (
    read("decimal comma", "variant;fitness\r\nKLWT;1,0\r\nALWT;0,25\r\nFLWA;7,5\r\n"),
    read("a comma in the header", "Variant;Fitness (a.u., 37 C);SD\r\nKLWT;1.0;0.1\r\nALWT;.25;.1\r\nFLWA;7.5;.3\r\n"),
    read("sep=", "sep=;\r\n" + SEMI.replace("\n", "\r\n")),
    read(
        "thousands",
        'variant,RFU\nKLWT,"1,204"\nALWT,"12,930"\nFLWA,"987"\n',
        {"KLWT": 1204.0, "ALWT": 12930.0, "FLWA": 987.0},
    ),
    read("thousands and decimals", 'variant,RFU\nKLWT,"1,204.5"\nALWT,"12"\n', {"KLWT": 1204.5, "ALWT": 12.0}),
    read("thousands and decimal comma", "variant;RFU\nKLWT;1.204,5\nALWT;12,25\n", {"KLWT": 1204.5, "ALWT": 12.25}),
    refuse(
        "1.204 in a table of semicolons",
        "variant;RFU\nKLWT;987\nALWT;1.204\nFLWA;12.930\n",
        "decimal",
        "row 3",
        "1.204",
        "1204",
    ),
    read(
        "1.204, said to be thousands",
        "variant;RFU\nKLWT;987\nALWT;1.204\n",
        {"KLWT": 987.0, "ALWT": 1204.0},
        params={"decimal": "comma"},
    ),
    read(
        "1.204, said to be decimal",
        "variant;RFU\nKLWT;987\nALWT;1.204\n",
        {"KLWT": 987.0, "ALWT": 1.204},
        params={"decimal": "point"},
    ),
    read("UTF-16", text(PLAIN.replace(",", "\t"), "utf-16"), ending="txt"),
    read("UTF-16 without a mark", text(PLAIN.replace(",", "\t"), "utf-16-le"), ending="txt"),
    read("cp1252", text(PLAIN.replace("fitness", "activity (µmol/min)"), "cp1252")),
    read("a byte order mark", text(PLAIN, "utf-8-sig")),
    read("tabs and decimal comma", "variant\tfitness\r\nKLWT\t1,0\r\nALWT\t0,25\r\nFLWA\t7,5\r\n", ending="txt"),
    read("comment lines", "# plate 3\n# normalised\n" + PLAIN),
    read("comment lines and semicolons", "# plate 3, assay 12\n" + SEMI.replace(".", ",")),
    read("a comment mark before the header", "#" + PLAIN),
    read("blanks between cells", PLAIN.replace(",", "  "), ending="txt"),
    read("old Mac", PLAIN.replace("\n", "\r")),
    read(
        "percent",
        PLAIN.replace("1.0", "5.4%").replace("0.25", "70 %").replace("7.5", "3%"),
        {"KLWT": 5.4, "ALWT": 70.0, "FLWA": 3.0},
    ),
    read("a blank first line", "\n" + PLAIN),
    read("blank lines between", PLAIN.replace("\nALWT", "\n\nALWT").replace("\nFLWA", "\n,\nFLWA")),
    read("1_000", PLAIN.replace("1.0", "1_000"), THREE | {"KLWT": 1000.0}),
    read("a line of units", "variant,activity\n,U/mg\nKLWT,1\nALWT,.25\nFLWA,7.5\n"),
    read("a title", "Assay of 3 May\n" + PLAIN),
    read("a title as wide as the table", "Assay of 3 May,\n" + PLAIN),
    read("two headings", "Round 1,Round 1\n" + PLAIN),
    read("the header again", PLAIN + PLAIN.splitlines()[0] + "\n"),
    refuse("no header", "KLWT,1\nALWT,2\n", "table", "header row"),
    read(
        "a value far below",
        "sequence,activity_uM,plate\n"
        + "".join(f"{a}{b},,1\n" for a in "ACDEFGHIKL" for b in LETTERS)
        + "VD,1,2\nWD,.5,2\n",
        {"VD": 1.0, "WD": 0.5},
        params={"bad_rows": "leave out"},
    ),
    read("a blank that does not break", PLAIN.replace("KLWT", "KL\u00a0WT").replace("7.5", "7.5\u00a0")),
    read("small letters", PLAIN.replace("KLWT", "klWT").replace("ALWT", "alwt")),
    read("a typographic minus", PLAIN.replace("0.25", "−0.25"), THREE | {"ALWT": -0.25}),
    read("powers of ten", PLAIN.replace("0.25", "2.5e-1").replace("7.5", "0.75E+1")),
    refuse("a decimal comma between commas", "variant,fitness\nKLWT,1,5\nALWT,0,25\n", "table", "cells"),
    read("gzip", lambda: gzip.compress(PLAIN.encode()), ending="csv.gz"),
    read("xlsx", workbook([["variant", "fitness"], ["KLWT", 1], ["ALWT", 0.25], ["FLWA", 7.5]]), ending="xlsx"),
    read(
        "xlsx: a title, an empty first column, numbers as text",
        workbook(
            [
                ["Plate 3"],
                [],
                [None, "Variant", "Yield (%)"],
                [None, "KLWT", "1,0"],
                [None, "ALWT", "0,25"],
                [None, "FLWA", "7,5"],
            ]
        ),
        ending="xlsx",
    ),
    read("xlsx: ids that became dates", lambda: dated()(), ending="xlsx"),
    read("Parquet", lambda: parquet(variant=list(THREE), fitness=list(THREE.values()))(), ending="parquet"),
    read(
        "Parquet: categories",
        lambda: parquet(variant=categories(list(THREE)), fitness=list(THREE.values()))(),
        ending="parquet",
    ),
    read(
        "Parquet: decimals",
        lambda: parquet(variant=list(THREE), fitness=decimals(["1.00", "0.25", "7.50"]))(),
        ending="parquet",
    ),
    read(
        "Parquet: half precision",
        lambda: parquet(variant=list(THREE), fitness=halves([1.0, 0.25, 7.5]))(),
        ending="parquet",
    ),
    read(
        "Parquet: an index",
        lambda: parquet(__index_level_0__=[0, 1, 2], variant=list(THREE), fitness=[1.0, 0.25, 7.5])(),
        ending="parquet",
    ),
    refuse("an old Excel file", lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 600, "table", "xlsx", ending="xls"),
    refuse("a zip that is no workbook", lambda: zipped(), "table", "no xlsx", ending="zip"),
    refuse("nothing", "", "table", "empty file"),
)
