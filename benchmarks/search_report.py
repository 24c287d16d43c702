"""The regime map as a page: docs/results/regime_map.md and its figures, out of the lines that benchmarks.search kept.

    python -m benchmarks.search_report --results map.jsonl --table gb1.csv --commit COMMIT

Writes only what was measured; a landscape or method that has fewer seeds than
another says so in its row.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import line_chart
from benchmarks.search import REACHED, collect, read_lines, stated_optima, units, values_of, write_parquet
from benchmarks.search_cells import FIRST_TUNING_SEED, LANDSCAPES, METHODS, cell_spec, playable
from poets_core.runs.views.share import Share
from poets_core.spec.preset_rule import advise, evidence

DOCS = Path(__file__).parent.parent / "docs" / "results"
HEAD = """# Regime map

Methods x landscapes, from `python -m benchmarks.search` at commit `{commit}`. Settings, and the seeds that chose
them, are in `benchmarks/search_cells.py` and `poets_core/spec` (tuning: seeds from {tuning} on; here: seeds below).
Means ± standard errors over seeds. Regret is cumulative, in fractions of the maximum, an unmeasured or infeasible
design counting as 0; on artificial-7q, tfim-6 and instability-60 best and mean of the 100 best are in the value's own
unit. Beside the best stands how many runs found the best possible value, with Wilson's 95 % interval, where the
problem states that value: a mean hides it. "exact minus" and "poets minus"
are paired over seeds, with their 95 % interval (Student's t),
bold where that excludes 0. Written by `python -m benchmarks.search_report`; every search is in
regime_map/results.parquet, from which the map goes on (`--resume`). {hours:.1f} hours of CPU in all.
"""


def cell(found: dict[str, Any], key: str) -> str:
    """Mean ± standard error."""
    s = found.get(key)
    if s is None:
        return ""
    error = s["standard_error"]
    digits = 1 if abs(s["mean"]) >= 10 else 3
    return f"{s['mean']:.{digits}f}" + (f" ± {error:.{digits}f}" if np.isfinite(error) else "")


def share(found: dict[str, Any]) -> str:
    """How many runs found the best possible value, of how many, with Wilson's interval."""
    s = found.get(REACHED)
    return "" if s is None else str(Share(s["reached"], s["n"]))


def difference(found: dict[str, Any], ours: str, key: str) -> str:
    """Paired difference with its interval; bold where the interval excludes 0."""
    s = found.get(f"{ours} minus this", {}).get(key)
    if s is None:
        return ""
    digits = 1 if max(abs(s["low"]), abs(s["high"])) >= 5 else 3
    text = f"{s['mean']:+.{digits}f} [{s['low']:.{digits}f}, {s['high']:.{digits}f}]"
    return f"**{text}**" if s["low"] > 0 or s["high"] < 0 else text


def advice(name: str, lines: Sequence[dict[str, Any]], folder: Path) -> str:
    """How often `poets_core.spec.preset_rule` says what, of the POETS runs of a landscape."""
    said: dict[str, Counter[str]] = {}
    for x in lines:
        if x["landscape"] == name and METHODS[x["method"]].get("method", "poets") == "poets":
            search = cell_spec(name, x["method"], x["seed"], folder=folder, tables={}).search
            found = advise(evidence(x["values"], LANDSCAPES[name].batch, search, x["rounds"]))
            if search.branches > 1:
                said.setdefault(x["method"], Counter())[found.preset] += 1
    return "; ".join(f"{m}: {', '.join(f'{p} {n}' for p, n in c.most_common())}" for m, c in said.items())


def section(name: str, found: dict[str, Any], lines: Sequence[dict[str, Any]], figure: str, advised: str) -> str:
    """One landscape: table and figure."""
    where = LANDSCAPES[name]
    # What ships comes first; seeds that it lacks are not paired.
    ours = "exact" if "exact" in found else "explore" if name == "deceptive" else "poets"
    regret = any("regret" in f for f in found.values())
    known = any(REACHED in f for f in found.values())
    heads = [
        "method",
        "seeds",
        *(["regret"] if regret else []),
        "best",
        *([REACHED] if known else []),
        "top 100",
        f"{ours} minus: regret" if regret else f"{ours} minus: top 100",
        f"{ours} minus: best",
        "CPU s",
    ]
    out = [
        f"\n## {name}\n",
        f"{where.problem}, {where.rounds} rounds of {where.batch} calls"
        + (f", told values off by a log-normal factor of deviation {where.noise:g}" if where.noise else "")
        + ".\n",
    ]
    out += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    key = "regret" if regret else "top_100"
    for method, f in sorted(
        found.items(), key=lambda kv: kv[1].get(key, {"mean": np.inf})["mean"] * (1 if regret else -1)
    ):
        if "best" not in f:
            continue
        seeds = sum(x["landscape"] == name and x["method"] == method for x in lines)
        row = [method, str(seeds), *([cell(f, "regret")] if regret else []), cell(f, "best")]
        row += [*([share(f)] if known else []), cell(f, "top_100")]
        row += [difference(f, ours, key), difference(f, ours, "best"), f"{f['cpu_seconds']['mean']:.0f}"]
        out.append("| " + " | ".join(row) + " |")
    if name == "deceptive":
        said = ", ".join(f"{m} {f['escapes']:.0%}" for m, f in found.items() if "escapes" in f)
        out.append(f"\nRuns that left the poorest basin (best above .5): {said}.")
    if name == "growth":
        said = ", ".join(
            f"{m} {e['mean']:.2f} [{e['low']:.2f}, {e['high']:.2f}]"
            for m, f in found.items()
            if (e := f.get("exponent"))
        )
        out.append(f"\nExponent of cumulative regret from call 32 on, repeats allowed: {said}.")
        bound = next(f["growth"]["exponent of sqrt(T gamma_T)"] for f in found.values() if "growth" in f)
        words = "; ".join(f"{m}: {f['growth']['says']}" for m, f in found.items() if "growth" in f)
        out.append(
            f"\nsqrt(T gamma_T) itself, for the kernel of the Gaussian process here, grows with exponent {bound:.2f} "
            f"over these calls. What the curves are evidence for (`benchmarks.regret.judge_growth`): {words}."
        )
    if advised:
        out.append(f"\nPreset that the rule of Launch chooses after such a run: {advised}.")
    told = [f"{m} {f['coverage']['mean']:.2f}" for m, f in found.items() if "coverage" in f]
    if told:
        out.append(f"\nShare of new values within mean ± 2 deviations (.95 would be right): {', '.join(told)}.")
    return "\n".join([*out, f"\n![{name}: best so far]({figure})\n"])


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="the GB1 table")
    parser.add_argument("--phoq", type=Path, help="the PhoQ table")
    parser.add_argument("--tables", type=Path, help="the folder of generated landscapes")
    parser.add_argument("--commit", required=True, help="what the results were measured at")
    args = parser.parse_args()
    lines = read_lines(args.results)
    lines = [x for x in lines if x["seed"] < FIRST_TUNING_SEED]
    if len({(x["landscape"], x["method"], x["seed"]) for x in lines}) < len(lines):
        parser.error("Expected one line a search, got several of one: leave those of other settings out.")
    tables = {"gb1": args.table, "phoq": args.phoq}
    figures = DOCS / "regime_map"
    figures.mkdir(exist_ok=True)
    write_parquet(lines, figures / "results.parquet")
    hours = sum(x["cpu_seconds"] for x in lines) / 3600
    page = [HEAD.format(commit=args.commit, tuning=FIRST_TUNING_SEED, hours=hours)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.tables or Path(temporary)
        for name in LANDSCAPES:
            mine = [x for x in lines if x["landscape"] == name]
            if not mine or not playable(name, tables):
                continue
            method = mine[0]["method"]
            specs = {x["seed"]: cell_spec(name, method, x["seed"], folder=folder, tables=tables) for x in mine}
            stated = stated_optima(name, specs)
            optima, found = units(name, stated), collect(mine, name, stated)
            curves = {}
            for method in found:
                played = [values_of(x, optima[x["seed"]]) for x in mine if x["method"] == method]
                shortest = min(len(v) for v in played)
                curves[method] = np.stack([np.maximum.accumulate(v)[:shortest] for v in played])
            unit = "best so far [fraction of the maximum]" if LANDSCAPES[name].unit == "optimum" else "best so far"
            (figures / f"{name}.svg").write_text(line_chart(name, curves, x="oracle calls", y=unit), encoding="utf-8")
            page.append(section(name, found, mine, f"regime_map/{name}.svg", advice(name, mine, folder)))
    (DOCS / "regime_map.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
