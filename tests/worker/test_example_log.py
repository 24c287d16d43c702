"""The comparison log that ships ends in a verdict, with the form's first settings and with those of the example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poets_core.llm_po.comparison import Comparison
from poets_core.spec import ExperimentSpec, parse_spec
from poets_core.worker.experiment.sources.log import LogSource
from poets_core.worker.experiment.statistics import ExperimentStatistics
from scripts import example_comparisons

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 10


def example() -> dict[str, object]:
    data: dict[str, object] = json.loads((ROOT / "examples" / "comparison_log.json").read_text(encoding="utf-8"))
    return data


@pytest.mark.parametrize("assumed", [True, False])
def test_the_shipped_log_ends_in_a_verdict_whatever_the_seed(assumed: bool) -> None:
    for seed in range(SEEDS):
        data = example() | {"seed": seed}
        settings = {"source": "log", "judge": "replay", "policies": data["experiment"]["policies"]}  # type: ignore[index]
        settings |= {"log": str(example_comparisons.TARGET), "assume_condorcet": assumed}
        spec = parse_spec(data | {"experiment": settings})
        assert isinstance(spec, ExperimentSpec)
        source = LogSource(spec.experiment, seed)
        statistics = ExperimentStatistics(spec.experiment, seed, source.sample)
        asked = 0
        while (verdict := statistics.verdict()) is None:
            (pair,) = source.responses(statistics.next_pairs(1, asked=asked))  # raises where the log is too short
            source.count(pair)
            asked += 1
            statistics.record(Comparison(pair.first, pair.second, source.judge(pair).outcome, row=pair.row))
        assert (verdict.kind, verdict.policy) == ("winner", "concise"), seed


def test_the_log_is_what_its_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_comparisons, "TARGET", tmp_path / "log.csv")
    example_comparisons.main()
    assert (tmp_path / "log.csv").read_bytes() == (ROOT / "examples" / "comparisons.csv").read_bytes()
