"""Strings over any alphabet, as the catalog knows them; standard library only."""

from __future__ import annotations

from domains.entry import CSV, Entry, Parameter, Science

SETTINGS = {"search": {"branches": 8, "pool": 4}, "budget": {"rounds": 8, "batch": 16}}
LENGTHS = "Letters of a design, at {}."


def _language(shortest: int, longest: int, pattern: str, forbidden: str, run: int) -> tuple[Parameter, ...]:
    said = (
        "What a whole design looks like: letters, . for any, [AC], [^AC], |, brackets, *, +, ?, {2,5}; empty: anything."
    )
    return (
        Parameter("min_length", "int", shortest, LENGTHS.format("least"), 1, 2000, label="Shortest"),
        Parameter("max_length", "int", longest, LENGTHS.format("most"), 1, 2000, label="Longest"),
        Parameter("pattern", "text", pattern, said, 0, 500, group="Constraints", wide=True, example="[^A].*(CG|GC)"),
        Parameter(
            "forbidden",
            "text",
            forbidden,
            "Words that no design holds, apart by blanks.",
            0,
            4000,
            group="Constraints",
            example="GAATTC GGATCC",
        ),
        Parameter(
            "longest_run",
            "int",
            run,
            "How often a letter may follow itself; 0: any number.",
            0,
            100,
            label="Longest run of a letter",
            group="Constraints",
        ),
    )


_ORACLE = (
    Parameter(
        "function",
        "text",
        "",
        "Python function that is called with a design and returns a number; or name a program, or an address.",
        0,
        500,
        label="Oracle: a function",
        example="my_oracle:measure",
    ),
    Parameter(
        "program",
        "text",
        "",
        "Command that answers lines of JSON with lines of JSON and stays alive.",
        0,
        2000,
        label="Oracle: a program",
        example="./my_oracle --fast",
    ),
    Parameter(
        "address",
        "text",
        "",
        "Service on this machine that answers a POST of JSON with JSON.",
        0,
        500,
        label="Oracle: a service",
        example="http://127.0.0.1:8000/measure",
    ),
    Parameter(
        "folder",
        "text",
        "",
        "Full path of the folder of the function's file, or in which the program runs.",
        0,
        1000,
        label="Folder of the oracle",
    ),
    Parameter("quantity", "text", "value", "What is measured.", 1, 80),
    Parameter("unit", "text", "", "Its unit; empty for none.", 0, 40),
    Parameter(
        "direction", "text", "maximise", "Which way is better.", choices=("maximise", "minimise"), label="Better is"
    ),
    Parameter("seconds", "float", 60.0, "Time for one answer.", 0.01, 86_400.0, group="How it is asked"),
    Parameter(
        "start",
        "float",
        60.0,
        "Time to start besides, for a function or program.",
        0.1,
        3600.0,
        group="How it is asked",
    ),
    Parameter("retries", "int", 1, "How often it is asked again after a failure.", 0, 10, group="How it is asked"),
    Parameter("parallel", "int", 1, "Designs that are with it at once.", 1, 64, group="How it is asked"),
    Parameter("memory", "int", 4096, "MiB that a function or program may take.", 64, 1 << 20, group="How it is asked"),
)

PROBLEMS = (
    Entry(
        name="strings/own",
        loader="domains.strings.strings:own",
        check="domains.strings.strings:health",
        title="Strings with an oracle of one's own",
        summary="Strings over any alphabet, measured by a function, a program or a service on this machine.",
        objective="value",
        unit="of one's own",
        seconds=1.0,
        tokens=lambda params: int(params["max_length"]),
        parameters=(
            Parameter(
                "alphabet", "text", "dna", "What designs are written in.", choices=("dna", "rna", "protein", "own")
            ),
            Parameter("letters", "text", "", "Letters of an alphabet of one's own.", 0, 90, example="01"),
            *_ORACLE,
            *_language(8, 20, "", "", 0),
        ),
        settings=SETTINGS,
        reads="As good as the oracle: POETS knows nothing of it but what it answers.",
    ),
    Entry(
        name="strings/primer",
        loader="domains.strings.dna:primer",
        title="DNA primer",
        summary="A strand of DNA that melts at a wanted temperature, ends in G or C and holds no forbidden site.",
        objective="distance to the wanted melting point",
        unit="°C",
        seconds=1e-4,
        tokens=lambda params: int(params["max_length"]),
        parameters=(
            Parameter("target", "float", 60.0, "Wanted melting temperature, °C.", 0.0, 100.0),
            *_language(18, 24, ".*[CG]", "GAATTC GGATCC AAGCTT", 4),
            Parameter("micromolar", "float", 0.25, "Of each strand, µmol/l.", 1e-6, 1e4, label="Concentration"),
            Parameter("sodium", "float", 0.05, "Of Na+, mol/l.", 1e-3, 5.0, label="Salt"),
        ),
        settings=SETTINGS,
        reads="A worked example: the nearest-neighbour model alone; hairpins, dimers and the genome are not looked at.",
    ),
)

SCIENCE = Science(
    name="strings",
    title="Strings",
    design="string",
    problems=PROBLEMS,
    exports=(CSV,),
    drawing="domains.strings.drawing:draw",
)
