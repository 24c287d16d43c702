"""The regime map: methods x landscapes x seeds, from one frozen table of settings (benchmarks/search_cells.py).

    python -m benchmarks.search --table gb1.csv --phoq phoq.csv --results map.jsonl --json

Every finished search is a line of --results and is not played again, so that an
interrupted map goes on. Goals are stated on test seeds (from 0), eight or more.
Regret is cumulative, in fractions of the maximum where it is known; an
unmeasured or infeasible design counts as 0. "optimum reached" is how many runs
found the best possible value, with Wilson's 95 % interval, where the problem
states that value.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.stats import t as student

from benchmarks.campaign import Played, play_all, search_settings
from benchmarks.regret import (
    cumulative_regret,
    expected_growth,
    growth_exponent,
    judge_growth,
    product_information_gain,
)
from benchmarks.report import Goal, finish, summary
from benchmarks.search_cells import FIRST_TUNING_SEED, LANDSCAPES, METHODS, cell_spec, playable
from domains.catalog import load
from poets_core.keyed import rng_for
from poets_core.runs.views.share import Share, reaches
from poets_core.spec import SearchSpec
from poets_core.spec.old import METHOD_BEFORE
from poets_core.spec.presets import decisive
from poets_core.types import F8

FIGURES = ("best", "regret", "top_100")
FEWEST_SEEDS = 8
SPACE = (20,) * 4
CORRELATION = float(np.exp(-1 / 4))
"""Of designs that differ in one site, under the Gaussian process at its shortest length scale here (2, one-hot)."""
KERNEL_NOISE = 0.1
"""Variance of an observation, prior variance 1, for gamma_T."""
DIGITS = 6
"""After the point, of the values that a line keeps."""
REACHED = "optimum reached"


def fingerprint(spec: SearchSpec) -> str:
    """What a line of results belongs to: everything that the method reads, but not where a table lies."""
    data = decisive(spec)
    data["problem"]["params"].pop("table", None)
    data["search"]["method"] = METHOD_BEFORE.get(data["search"]["method"], data["search"]["method"])
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read finished searches: JSON lines, or the Parquet file that `benchmarks.search_report` writes."""
    if path.suffix == ".parquet":
        rows = pd.read_parquet(path).to_dict("records")
        told = [[None if np.isnan(v) else float(v) for v in r["values"]] for r in rows]
        return [r | {"values": v, "rounds": json.loads(r["rounds"])} for r, v in zip(rows, told, strict=True)]
    return [json.loads(x) for x in path.read_text(encoding="utf-8").splitlines()]


def write_parquet(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Write finished searches as `read_lines` reads them."""
    rows = [
        x | {"values": [np.nan if v is None else v for v in x["values"]], "rounds": json.dumps(x["rounds"])}
        for x in lines
    ]
    pd.DataFrame(rows).to_parquet(path, compression="zstd", index=False)


def line_of(name: str, method: str, seed: int, spec: SearchSpec, played: Played) -> dict[str, Any]:
    """One line of results: the values of all calls, in their order, and what the rounds said."""
    values = [round(v, DIGITS) if np.isfinite(v) else None for v in played.values]
    return {
        "landscape": name,
        "method": method,
        "seed": seed,
        "spec": fingerprint(spec),
        "values": values,
        "rounds": played.rounds,
        "seconds": round(played.seconds, 2),
        "cpu_seconds": round(played.cpu_seconds, 2),
    }


def values_of(line: dict[str, Any], optimum: float | None) -> F8:
    """Values of the whole budget in fractions of the optimum (or as they are).

    What was invalid, and calls that a method left unspent, count as 0 (or as the worst value seen).
    """
    where = LANDSCAPES[line["landscape"]]
    told = [np.nan if x is None else x for x in line["values"]]
    if not line.get("short"):
        told += [np.nan] * (where.rounds * where.batch - len(told))
    v = np.array(told) / (1.0 if optimum is None else optimum)
    return np.nan_to_num(v, nan=float(np.nanmin(v)) if optimum is None else 0.0)


def figures(line: dict[str, Any], optimum: float | None) -> dict[str, float]:
    """Best, mean of the 100 best, and, where the optimum is known, cumulative regret in fractions of it."""
    v = values_of(line, optimum)
    out = {"best": float(v.max()), "top_100": float(np.sort(v)[-100:].mean())}
    return out | ({} if optimum is None else {"regret": float((1.0 - v).sum())})


def stated_optima(name: str, specs: Mapping[int, SearchSpec]) -> dict[int, float | None]:
    """What each seed's problem states as the best possible value; None where it states none.

    Args:
        name: of the landscape.
        specs: by seed, one search on that landscape.
    """
    return {s: load(x.problem.name, **x.problem.params).info.objectives[0].optimum for s, x in specs.items()}


def units(name: str, stated: Mapping[int, float | None]) -> dict[int, float | None]:
    """What values are divided by on each seed: the optimum, or None where they stay in their own unit."""
    return {s: o if LANDSCAPES[name].unit == "optimum" else None for s, o in stated.items()}


def share_of(lines: Sequence[dict[str, Any]], stated: Mapping[int, float | None]) -> Share | None:
    """How many searches found the best possible value; None where a problem does not state it.

    A search told with noise is judged by the true values, which its line holds.
    """
    optima = [stated[x["seed"]] for x in lines]
    best = [max((v for v in x["values"] if v is not None), default=None) for x in lines]
    if not lines or None in optima:
        return None
    rounding = 10.0**-DIGITS
    return Share.of(reaches(b, o, rounding=rounding) for b, o in zip(best, optima, strict=True) if o is not None)


def uniform_growth(specs: Sequence[SearchSpec]) -> dict[str, float]:
    """Exponent of uniform sampling on the same landscapes."""
    curves = []
    for table in sorted({str(s.problem.params["table"]) for s in specs}):
        values = pd.read_parquet(table)["value"].to_numpy()
        drawn = rng_for(0, "uniform", Path(table).name).choice(values, specs[0].budget.calls)
        curves.append(cumulative_regret(drawn, 1.0))
    return dict(zip(("mean", "low", "high"), growth_exponent(np.stack(curves)), strict=True))


def paired(a: Sequence[float], b: Sequence[float]) -> dict[str, float]:
    """Mean difference with its 95 % interval (Student's t over seeds), and the mean two standard errors up and down."""
    d = np.asarray(a) - np.asarray(b)
    s = summary(d.tolist())
    reach = float(student.ppf(0.975, max(1, len(d) - 1))) * s["standard_error"]
    up = s["mean"] + 2 * s["standard_error"]
    down = s["mean"] - 2 * s["standard_error"]
    return s | {"low": s["mean"] - reach, "high": s["mean"] + reach, "two_errors_up": up, "two_errors_down": down}


def collect(lines: Sequence[dict[str, Any]], name: str, stated: Mapping[int, float | None]) -> dict[str, Any]:
    """Figures of every method of a landscape, and POETS against each, paired over seeds.

    Args:
        lines: finished searches.
        name: of the landscape.
        stated: the problem's optimum by seed, None where it states none.
    """
    optima = units(name, stated)
    by: dict[str, dict[int, dict[str, float]]] = {}
    for line in lines:
        if line["landscape"] == name:
            by.setdefault(line["method"], {})[line["seed"]] = figures(line, optima[line["seed"]])
    out: dict[str, Any] = {}
    for method, rows in by.items():
        keys = [k for k in FIGURES if all(k in r for r in rows.values())]
        out[method] = {k: summary([r[k] for r in rows.values()]) for k in keys}
        mine = [x for x in lines if x["landscape"] == name and x["method"] == method]
        out[method]["cpu_seconds"] = summary([x["cpu_seconds"] for x in mine])
        share = share_of(mine, stated)
        if share is not None:
            out[method][REACHED] = share.as_data() | {"share": share.reached / share.n}
        told = [x["coverage"] for line in mine for x in line["rounds"] if x.get("coverage") is not None]
        if told:
            out[method]["coverage"] = summary(told)
        if name == "growth":
            curves = np.stack([cumulative_regret(values_of(x, optima[x["seed"]]), 1.0) for x in mine])
            gains = product_information_gain(SPACE, CORRELATION, KERNEL_NOISE, curves.shape[1])
            growth = judge_growth(curves, expected_growth(gains))
            out[method]["exponent"] = {"mean": growth.exponent, "low": growth.low, "high": growth.high}
            out[method]["growth"] = {"exponent of sqrt(T gamma_T)": growth.bound, "says": growth.says}
        if name == "deceptive":
            out[method]["escapes"] = float(np.mean([r["best"] > 0.5 for r in rows.values()]))
        for ours in ("exact", "poets", "explore"):
            both = sorted(set(by.get(ours, {})) & set(rows))
            if ours != method and both:
                out[method][f"{ours} minus this"] = {
                    k: paired([by[ours][s][k] for s in both], [rows[s][k] for s in both]) for k in keys
                }
    return out


Add: TypeAlias = Callable[[str, str, float, Any], None]


def exact_goals(add: Add, beyond: Add) -> None:
    """State what branches that learn exactly are to reach; the rows beside are those by gradient."""
    beyond("gb1: regret, exact", "gb1/exact/regret", 285.0, "<=")
    beyond("gb1: best, exact", "gb1/exact/best", 0.96, ">=")
    add("gb1: share of runs at the maximum, exact", f"gb1/exact/{REACHED}/share", 0.6, ">=")
    beyond("phoq: regret, exact minus GP", "phoq/gp/exact minus this/regret", 0.0, "<=")
    beyond("phoq: best, exact minus GP", "phoq/gp/exact minus this/best", 0.0, ">=")
    for name in ("nk-smooth", "nk-rugged"):
        for rival in ("gp", "boosting", "ga", "grpo"):
            add(
                f"{name}: regret, exact minus {rival}, less two errors",
                f"{name}/{rival}/exact minus this/regret/two_errors_down",
                0.0,
                "<=",
            )
    beyond("deceptive: regret, exact minus GP", "deceptive/gp/exact minus this/regret", 10.0, "<=")
    add("deceptive: escapes, exact", "deceptive/exact/escapes", 0.95, ">=")
    beyond("instability-60: best, exact", "instability-60/exact/best", 115.0, ">=")
    beyond("artificial-7q: best, exact", "artificial-7q/exact/best", 6.2, ">=")
    for name in ("instability-60", "artificial-7q"):
        for rival in ("ga", "string-gp", "boosting"):
            beyond(f"{name}: best, exact minus {rival}", f"{name}/{rival}/exact minus this/best", 0.0, ">")


def goals(found: dict[str, dict[str, Any]]) -> list[Goal]:
    """What is to be reached, of what was played."""
    out: list[Goal] = []

    def add(name: str, path: str, target: float, sense: Any) -> None:
        at: Any = found
        for part in path.split("/"):
            if not isinstance(at, dict) or part not in at:
                return
            at = at[part]
        out.append(Goal(name, float(at), target, sense))

    def beyond(name: str, path: str, target: float, sense: Any) -> None:
        add(name, f"{path}/mean", target, sense)

    exact_goals(add, beyond)
    beyond("gb1: regret", "gb1/poets/regret", 300.0, "<=")
    beyond("gb1: best", "gb1/poets/best", 0.90, ">=")
    beyond("gb1: top 100", "gb1/poets/top_100", 0.48, ">=")
    add("gb1: regret minus one branch, upper limit", "gb1/one branch/poets minus this/regret/high", 0.0, "<=")
    beyond("gb1: regret minus GP", "gb1/gp/poets minus this/regret", -10.0, "<=")
    add("gb1: best minus GP plus two standard errors", "gb1/gp/poets minus this/best/two_errors_up", 0.0, ">=")
    beyond("gb1: best, gain of the prior adapter", "gb1/no prior/poets minus this/best", 0.07, ">=")
    beyond("nk-rugged: regret minus one branch", "nk-rugged/one branch/poets minus this/regret", 0.0, "<=")
    for rival in ("gp", "ga"):
        beyond(f"nk-rugged: regret minus {rival}", f"nk-rugged/{rival}/poets minus this/regret", -10.0, "<=")
        beyond(f"gb1-noisy: regret minus {rival}", f"gb1-noisy/{rival}/poets minus this/regret", -10.0, "<=")
    beyond("growth: exponent of regret", "growth/poets/exponent", 0.88, "<=")
    beyond("growth: exponent of uniform sampling, at least", "growth/uniform/exponent", 0.98, ">=")
    beyond("growth: exponent of uniform sampling, at most", "growth/uniform/exponent", 1.02, "<=")
    add("deceptive: escapes", "deceptive/explore/escapes", 0.6, ">=")
    add(
        "deceptive: best minus one branch, lower limit",
        "deceptive/explore, one branch/explore minus this/best/low",
        0.0,
        ">",
    )
    beyond("ehrlich-15: regret minus GA", "ehrlich-15/ga/poets minus this/regret", -60.0, "<=")
    beyond("ehrlich-15: best minus GA", "ehrlich-15/ga/poets minus this/best", 0.0, ">")
    beyond("ehrlich-32: regret minus GA", "ehrlich-32/ga/poets minus this/regret", 0.0, "<=")
    beyond("ehrlich-32: best minus GA", "ehrlich-32/ga/poets minus this/best", 0.0, ">=")
    for name in ("instability-60", "artificial-7q"):
        for rival in ("tosfit", "ga", "grpo"):
            beyond(f"{name}: best minus {rival}", f"{name}/{rival}/poets minus this/best", 0.0, ">")
    return out


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="the GB1 table; without it GB1 is left out")
    parser.add_argument("--phoq", type=Path, help="the PhoQ table; without it PhoQ is left out")
    parser.add_argument("--only", action="append", choices=list(LANDSCAPES), help="some of the landscapes")
    parser.add_argument("--method", action="append", choices=list(METHODS), help="some of the methods")
    parser.add_argument("--seeds", type=int, default=FEWEST_SEEDS)
    parser.add_argument("--first-seed", type=int, default=0, help=f"settings are chosen from {FIRST_TUNING_SEED} on")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a search setting; no goals")
    parser.add_argument("--results", type=Path, help="a file that keeps every finished search")
    parser.add_argument("--resume", type=Path, help="more finished searches, e.g. results.parquet of the docs")
    parser.add_argument("--tables", type=Path, help="a folder for generated landscapes; temporary otherwise")
    parser.add_argument("--jobs", type=int, default=2, help="searches at a time, one thread each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed of two landscapes, no goals: under 60 s")
    args = parser.parse_args()
    if args.quick and args.results:
        parser.error("Expected --quick without --results: its searches must not be taken for the map's.")
    return args


def main() -> None:
    """Run from the command line."""
    args = arguments()
    names = ["nk-rugged", "ehrlich-15"] if args.quick else args.only or list(LANDSCAPES)
    tables = {"gb1": args.table, "phoq": args.phoq}
    names = [n for n in names if playable(n, tables)]
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    changes = search_settings(args.set)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.tables or Path(temporary)
        cells = [(n, m, s) for s in seeds for n in names for m in args.method or LANDSCAPES[n].methods]
        specs = {c: cell_spec(*c, folder=folder, tables=tables, changes=changes) for c in cells}
        if args.quick:
            short = {"budget": {"rounds": 3, "batch": 16}}
            specs = {c: SearchSpec.model_validate(s.model_dump() | short) for c, s in specs.items()}
        lines: list[dict[str, Any]] = []
        for source in (args.resume, args.results):
            lines += read_lines(source) if source and source.is_file() else []
        wanted = {(*c, fingerprint(s)) for c, s in specs.items()}
        found_before = {(x["landscape"], x["method"], x["seed"], x["spec"]): x for x in lines}
        lines = [x for key, x in found_before.items() if key in wanted]
        done = {(x["landscape"], x["method"], x["seed"]) for x in lines}
        todo = [c for c in cells if c not in done]

        def keep(count: int, played: Played) -> None:
            cell = todo[count - 1]
            lines.append(line_of(*cell, specs[cell], played) | ({"short": True} if args.quick else {}))
            if args.results:
                with args.results.open("a") as file:
                    file.write(json.dumps(lines[-1]) + "\n")
            print(f"\r{count}/{len(todo)} searches", end="", file=sys.stderr)

        noise = [LANDSCAPES[c[0]].noise for c in todo]
        play_all([specs[c] for c in todo], jobs=args.jobs, report=keep, noise=noise)
        print(file=sys.stderr)
        found = {}
        for name in names:
            stated = stated_optima(name, {c[2]: s for c, s in specs.items() if c[0] == name})
            found[name] = collect(lines, name, stated)
            if name == "growth":
                found[name]["uniform"] = {"exponent": uniform_growth([s for c, s in specs.items() if c[0] == name])}
    stated = goals(found) if len(seeds) >= FEWEST_SEEDS and args.first_seed < FIRST_TUNING_SEED and not changes else []
    settings = {"seeds": list(seeds), "changes": changes, "methods": {m: dict(METHODS[m]) for m in METHODS}}
    finish([] if args.quick else stated, found, settings, as_json=args.json)


if __name__ == "__main__":
    main()
