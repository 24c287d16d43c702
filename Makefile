# Two commands matter: `make app` starts the app, `make test` passes the tests.
# Both create .venv on first use; they need Python 3.11 or newer, and make.
PYTHON ?= python3
BIN := .venv/bin
export STREAMLIT_BROWSER_GATHER_USAGE_STATS := false

.PHONY: app test check bench static chromium clean

app: .venv/app.installed static
	$(BIN)/python -m streamlit run app.py --server.headless true

test: .venv/test.installed static chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

check: .venv/test.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: .venv/test.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.first_light --json

static: .venv/app.installed
	@$(BIN)/python scripts/static_files.py

chromium:
	@sh scripts/install_chromium.sh

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Expected Python 3.11 or newer, got %s. Set PYTHON=python3.11, for instance." % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/app.installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

.venv/test.installed: pyproject.toml .venv/app.installed
	$(BIN)/python -m pip install --quiet '.[test,postgres]'
	@touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache static/*.js
