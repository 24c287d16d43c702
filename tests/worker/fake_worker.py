"""A worker process with the fakes: `python -m tests.worker.fake_worker RUN GATE FREE`, store in POETS_STORE."""

from __future__ import annotations

import sys
from pathlib import Path

from poets_core.runs.store import open_store
from poets_core.worker.worker import work
from tests.worker.gate import Gate

if __name__ == "__main__":
    run, folder, free = sys.argv[1:]
    sys.exit(work(open_store(), run, Gate(Path(folder), int(free)).science()))
