"""The ranking of all rows of a comparison log at once, without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.log import read_log
from poets_core.llm_po.sample import Sample
from poets_core.spec import ExperimentSettings
from poets_core.worker.experiment.statistics import ExperimentStatistics


def ranking_of_log(spec: ExperimentSettings) -> dict[str, Any]:
    """Return the ranking as JSON data; rows are counted as an experiment on the log would count them.

    Raises:
        InvalidComparisons: the log cannot be read.
    """
    names = [p.name for p in spec.policies]
    rows = read_log(Path(spec.log), names, spec.mapping).rows
    statistics = ExperimentStatistics(spec, 0, Sample(rows, names, 0))
    statistics.rebuild([Comparison(r.first, r.second, r.outcome, row=r.index, both_bad=r.both_bad) for r in rows])
    return statistics.ranking(pairs=True)
