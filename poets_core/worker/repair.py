"""Files of a run that is over, made again where they are missing or damaged: its own backbone, and its adapters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from poets_core.errors import StoreUnavailable
from poets_core.protocols import unheard
from poets_core.runs import kept
from poets_core.runs.export import damages
from poets_core.runs.store import RunStore
from poets_core.spec import SearchSpec
from poets_core.worker.backbone import Workshop
from poets_core.worker.restore import restore
from poets_core.worker.science import REAL_SCIENCE, Science
from poets_core.worker.search_log import read_search_log


def repair(store: RunStore, run: str, science: Science = REAL_SCIENCE) -> str:
    """Make missing and damaged files of a finished search again, to the bits that its events name.

    Args:
        store: where it is.
        run: its id.
        science: how searches are made.

    Returns:
        what was wrong, ``""`` if nothing was.

    Raises:
        StoreUnavailable: the run goes on, or this machine does not come to the same bits; nothing has changed then.
        PoetsError: and whatever building the search raises.
    """
    events, folder, spec = store.read(run), store.folder(run), store.spec(run)
    said = damages(folder, events)
    if not said or not isinstance(spec, SearchSpec):
        return said
    # Nobody writes a finished run: it cannot be claimed. Any other one makes its files again by itself.
    if store.status(run).state != "finished":
        raise StoreUnavailable(
            f"Expected the files that run {run} names, got {said}. Resume it: it makes them again by itself."
        )
    print(f"run {run}: {said}; making it again from seed, spec and events", file=sys.stderr, flush=True)
    # The events are enough: proposals and answers are in them, and training is keyed.
    log = read_search_log(line.event for line in events)
    # Read through one folder, written to another: what is right stays untouched until all of it is.
    aside = kept.empty_aside(folder, "repair", "now")

    def place(name: str, write: Callable[[Path], object]) -> dict[str, str]:
        (aside / name).mkdir()
        write(aside / name)
        return kept.checksums(aside / name)

    began = log.prepared
    whole = began is not None and not kept.damage(folder / kept.BACKBONE, began.files)
    bench = Workshop(science, folder if whole else aside, place, unheard)
    search, _ = bench.build(science.load(spec), spec, began, run)
    restore(search, log, folder, lambda _: None)
    place(kept.ADAPTERS, search.export_adapters)
    wanted = {kept.BACKBONE: {} if whole or began is None else began.files, kept.ADAPTERS: log.exported}
    for name, files in wanted.items():
        if files and (wrong := kept.damage(aside / name, files)):
            raise StoreUnavailable(
                f"Expected {name} of run {run} to come out as they were, got other bits (other hardware or package "
                f"versions): {wrong}. Bring them back from a backup."
            )
    for name, files in wanted.items():
        if files:
            kept.sync(aside / name)
            kept.put_in_place(aside / name, folder / name)
    kept.sweep(folder)
    return said
