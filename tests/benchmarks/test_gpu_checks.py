"""The checks for a card: refused without one, and what fails is said."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import gpu_checks


def called(monkeypatch, *args, card=False):
    monkeypatch.setattr(sys, "argv", ["gpu_checks", *args])
    monkeypatch.setattr(gpu_checks.torch.cuda, "is_available", lambda: card)
    with pytest.raises(SystemExit) as left:
        gpu_checks.main()
    return left.value.code


def test_without_a_card_they_are_refused_clearly(monkeypatch, capsys):
    assert called(monkeypatch) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Expected a CUDA device for the GPU checks, got none" in said.err
    assert "--tiny" in said.err


def test_parts_that_fail_or_take_too_long_are_said_and_the_others_go_on(monkeypatch, capsys):
    def slow(*_):
        raise subprocess.TimeoutExpired("x", 7.0)

    def broken(*_, **__):
        raise subprocess.CalledProcessError(1, "x", stderr="no such kernel")

    monkeypatch.setattr(gpu_checks, "apart", slow)
    monkeypatch.setattr(gpu_checks, "ratios", broken)
    monkeypatch.setattr(gpu_checks, "tests", lambda *_: {"passed": 1.0})
    monkeypatch.setattr(gpu_checks.torch.cuda, "get_device_name", lambda: "a card")
    assert called(monkeypatch, card=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["device"] == "a card"
    assert found["settings"]["failed"] == ["frozen", "large", "search"]
    assert found["results"]["search"]["failed"] == "took more than 7 s"
    assert found["results"]["large"]["failed"] == "no such kernel"
    held = {g["name"]: g["holds"] for g in found["goals"]}
    assert held.pop("tests: passed")
    assert not any(held.values())


def test_a_search_is_measured_by_the_code_that_runs_on_a_card():
    found = gpu_checks.search(True)
    assert found["milliseconds of a step"] > 0
    assert found["milliseconds of a sampled token of all rows"] > 0
