"""One shape for every benchmark's answer: goals, results, settings, machine."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Goal:
    """One figure to reach.

    Attributes:
        name: what is measured.
        value: what was measured.
        target: what is wanted.
        sense: whether the value must be at least, at most or above the target.
    """

    name: str
    value: float
    target: float
    sense: Literal[">=", "<=", ">"]

    @property
    def holds(self) -> bool:
        """Whether the goal is reached; NaN never holds."""
        compare = {">=": self.value >= self.target, "<=": self.value <= self.target, ">": self.value > self.target}
        return bool(compare[self.sense])


def summary(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard error over seeds, and their number."""
    x = np.asarray(values, dtype=np.float64)
    error = float(x.std(ddof=1) / np.sqrt(len(x))) if len(x) > 1 else float("nan")
    return {"mean": float(x.mean()), "standard_error": error, "n": len(x)}


def _version(package: str) -> str:
    """Version of a package; a benchmark of the engine runs where a science is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    packages = {name: _version(name) for name in ("torch", "transformers", "peft", "numpy", "qiskit")}
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version(), "packages": packages}


def finish(goals: Sequence[Goal], results: Mapping[str, Any], settings: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the answer and leave the process: exit code 1 when a goal does not hold."""
    stated = [asdict(g) | {"holds": g.holds} for g in goals]
    whole = {"goals": stated, "results": results, "settings": settings, "machine": machine()}
    if as_json:
        print(json.dumps(_plain(whole), indent=1, allow_nan=False))
    else:
        print(json.dumps(_plain(results), indent=1, allow_nan=False))
        for g in goals:
            print(f"{'holds ' if g.holds else 'MISSED'} {g.name}: {g.value:.4g} (wanted {g.sense} {g.target:.4g})")
    sys.exit(0 if all(g.holds for g in goals) else 1)


def _plain(x: Any) -> Any:
    """JSON without NaN: a figure that does not exist is null."""
    if isinstance(x, Mapping):
        return {str(k): _plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    if isinstance(x, float | np.floating):
        return float(x) if np.isfinite(x) else None
    return x
