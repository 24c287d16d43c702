"""Draw the picture of the README: the page Live of a real search.

    python -m scripts.picture                 # writes docs/picture.png, about two minutes on two cores
    python -m scripts.picture --out FILE.png

A temporary store gets two runs on examples/variants.csv with seed 0: a genetic
algorithm, then POETS at the settings that Launch recommends, 8 rounds each. The
app is started on a free port, and the page of the second run is photographed in
Chromium, light theme, down to the first row of charts.

What is found follows from the seed. Identifiers of runs, times and the smoothing
of fonts do not, so two pictures differ in a few pixels.

Needed: playwright (`pip install '.[test]'`) and a Chromium; the environment
variable CHROMIUM names another than the one on the path.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from poets_core.serve import app_file, prepare_static

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "problem.params.table": "examples/variants.csv",
    "problem.params.wild_type": "ATS",
    "budget.rounds": "8",
}
WIDTH, HEIGHT, MARGIN = 1280, 1400, 12
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]
SECONDS = 60
"""Any single wait."""


def command_line(store: str, *words: str) -> str:
    """Run one verb of the command line on a store; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "poets_core", *words],
        cwd=ROOT,
        env=os.environ | {"POETS_STORE": store, "OMP_NUM_THREADS": "1"},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    return done.stdout


def search(store: str, folder: Path, label: str, settings: dict[str, str]) -> str:
    """Play one search to its end; return its id."""
    words = [w for key, value in (SETTINGS | settings).items() for w in ("--set", f"{key}={value}")]
    spec = folder / f"{label.replace(' ', '-')}.json"
    printed = command_line(store, "spec", "protein/landscape", *words, "--set", f"label={label}")
    spec.write_text(printed, encoding="utf-8")
    return str(json.loads(command_line(store, "run", str(spec), "--json"))["run"])


@contextmanager
def app(store: str, folder: Path) -> Iterator[str]:
    """Start the app on a free port; give its address once it answers; end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            env=os.environ | {"POETS_STORE": store},
            stdout=out,
            stderr=out,
        )
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                    break
            except (URLError, ConnectionError, TimeoutError) as error:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError(f"Expected the app to answer, got: {log.read_text()[-2000:]}") from error
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def photograph(address: str, run: str, out: Path) -> None:
    """Open the page Live of a run, wait for its charts, write a PNG."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{address}/live?run={run}")
        for name in ("progress", "regret", "predictions"):
            page.locator(f".st-key-panel-{name} .poets-plot .main-svg").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        box = page.locator(".st-key-panel-progress").bounding_box()
        bottom = HEIGHT if box is None else min(HEIGHT, int(box["y"] + box["height"]) + MARGIN)
        page.screenshot(path=out, clip={"x": 0, "y": 0, "width": WIDTH, "height": bottom})
        browser.close()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "picture.png")
    out = parser.parse_args().out.absolute()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = f"sqlite:///{folder / 'poets.db'}"
        prepare_static(app_file().parent / "static")
        search(store, folder, "Genetic algorithm", {"search.method": "ga"})
        run = search(store, folder, "Enzyme, three sites", {})
        with app(store, folder) as address:
            photograph(address, run, out)


if __name__ == "__main__":
    main()
