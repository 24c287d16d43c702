"""What a run needs of memory: what fits is let through, what cannot fit is refused before it starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domains.catalog import backbones, entries, entry
from pages.parts.launch import cost
from pages.parts.launch.settings import build_spec, defaults
from poets_core.errors import InvalidSpec
from poets_core.runs import room
from poets_core.runs.store import SqlStore, open_store
from poets_core.spec import METHODS, SearchSpec
from poets_core.spec.memory import ModelSize, estimate_memory, library_size, model_size
from poets_core.spec.presets import PRESETS, default_spec
from poets_core.worker import search_run
from poets_core.worker.worker import FAILED, work

GIB = 2**30


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return open_store(f"sqlite:///{tmp_path}/poets.db")


def small(**sections: object) -> SearchSpec:
    spec = default_spec(
        "protein/ehrlich", params={"length": 12}, settings={}, overrides=dict(sections), backbone="library"
    )
    assert isinstance(spec, SearchSpec)
    return spec


def test_the_sizes_of_a_model_are_those_of_its_files() -> None:
    for shipped in backbones().values():
        found = model_size(shipped.folder)
        config = json.loads((shipped.folder / "config.json").read_text())
        assert found is not None
        assert found.vocabulary == config["vocab_size"]
        assert 1e5 < found.parameters < 1e8
    assert model_size(Path("nowhere")) is None


def test_what_people_start_fits() -> None:
    for known in entries():
        if any(p.default is None for p in known.parameters):
            continue
        for preset in PRESETS:
            for method in METHODS:
                spec, errors = build_spec(known, {}, defaults(known, preset, method))
                assert spec is not None, errors
                needed = cost.memory(spec)
                assert needed is not None
                assert needed.total < 6 * GIB, (known.name, preset, method)


def test_memory_grows_with_what_it_is_named_after() -> None:
    spec, model = small(), library_size(small())
    base = estimate_memory(spec, model, 13)
    for section, value, field in (
        ("search", {"pool": 512}, "search.pool"),
        ("search", {"branches": 64}, "search.branches"),
        ("budget", {"batch": 4096, "rounds": 10}, "search.pool"),
    ):
        more = estimate_memory(small(**{section: value}), model, 13)
        assert more.parts[field] > 2 * base.parts[field]
    large = ModelSize(8_000_000_000, 4096, 32, 128_000)
    assert estimate_memory(spec, large, 13).total > 60 * GIB


def test_a_run_that_cannot_fit_is_refused_in_form_and_worker(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sections = defaults(entry("protein/ehrlich"), "quick")
    sections["search"]["pool"], sections["budget"]["batch"] = 512, 4096
    assert build_spec(entry("protein/ehrlich"), {}, sections)[0] is not None or room.available_bytes() < 200 * GIB
    monkeypatch.setattr(cost, "available_bytes", lambda: GIB)
    spec, errors = build_spec(entry("protein/ehrlich"), {}, sections)
    assert spec is None
    assert "Lower search.pool" in errors["search.pool"]
    monkeypatch.setattr(search_run, "available_bytes", lambda: GIB // 2)
    run = store.create(small(device="cpu"))
    assert work(store, run) == FAILED
    assert "free memory" in store.status(run).reason


def test_what_is_free_is_within_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "GROUP", tmp_path)
    for name, said in (("memory.max", "5000"), ("memory.current", "3000"), ("memory.stat", "inactive_file 500\n")):
        (tmp_path / name).write_text(said)
    assert room.available_bytes() == 2500
    (tmp_path / "memory.max").write_text("max")
    assert room.available_bytes() > 2**26
    monkeypatch.setattr(room, "MEMINFO", tmp_path / "none")
    assert room.available_bytes() > 2**26


def test_the_refusal_names_the_largest_part() -> None:
    spec = small(search={"pool": 512}, budget={"batch": 4096})
    with pytest.raises(InvalidSpec, match=r"search\.pool") as caught:
        estimate_memory(spec, library_size(spec), 13).refuse(GIB)
    assert caught.value.field == "search.pool"
