"""The report of an experiment."""

from __future__ import annotations

import json

import numpy as np
import pytest

from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.report import report


def test_the_report_says_what_the_experiment_knows():
    experiment = Experiment(["a", "b", "c"], 0.1, assume_condorcet=True)
    assert report(experiment)["optimal"] is None  # nobody is ahead yet
    for _ in range(60):
        pair = experiment.next_pair()
        experiment.record(Comparison(pair.first, pair.second, "first" if pair.first < pair.second else "second"))
        if experiment.verdict():
            break
    told = json.loads(json.dumps(report(experiment, compare=True)))
    assert told["left"] == ["a"]
    assert told["comparisons"] == len(experiment.comparisons) == np.sum(told["wins"])
    assert np.sum(told["optimal"]) == pytest.approx(2.0)
    assert sum(e >= told["evidence_threshold"] for e in told["evidence"]) == 2
    assert told["round_robin"]["mean"] > 0
