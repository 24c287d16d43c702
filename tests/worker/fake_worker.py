"""A worker process with the fakes: `python -m tests.worker.fake_worker RUN`, store in POETS_STORE."""

from __future__ import annotations

import sys

from poets_core.runs.store import open_store
from poets_core.worker.worker import work
from tests.worker.fake import FAKES

if __name__ == "__main__":
    sys.exit(work(open_store(), sys.argv[1], FAKES))
