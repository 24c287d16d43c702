# Two commands matter: `make app` starts the app, `make test` passes the tests.
# Both create .venv on first use; they need Python 3.11 or newer, and make.
PYTHON ?= python3
BIN := .venv/bin
# Tests wait for workers, servers and browsers more than they compute: two at a time, the tests of a file together.
JOBS ?= 2

.PHONY: app test check bench interop chromium clean

app: .venv/app.installed
	$(BIN)/python -m poets_core app

test: .venv/test.installed chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: .venv/test.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "not slow" tests/test_architecture.py tests/gate $$($(BIN)/python -m tests.gate.plant --nodes)

bench: .venv/test.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.first_light --json

# Exported circuits read by Cirq, pytket and PennyLane; their pins are not ours, so they have an environment of their own.
interop: .venv/test.installed .venv-interop/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -s tests/interop

.venv-interop/installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m venv .venv-interop
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["interop"], sep="\n")' > .venv-interop/requirements.txt
	.venv-interop/bin/python -m pip install --quiet --requirement .venv-interop/requirements.txt
	@touch $@

# Nothing is installed on the system without being asked for; the browser tests skip without Chromium, saying so.
chromium:
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || echo "No Chromium: the browser tests will be skipped. To run them: sudo sh scripts/install_chromium.sh (Debian, Ubuntu), or name one in CHROMIUM." >&2

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Expected Python 3.11 or newer, got %s. Set PYTHON=python3.11, for instance." % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/app.installed: requirements.txt pyproject.toml setup.py | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	$(BIN)/python -m scripts.compile_ahead
	@touch $@

.venv/test.installed: .venv/app.installed
	$(BIN)/python -m pip install --quiet --editable '.[test,postgres]'
	@touch $@

clean:
	rm -rf .venv .venv-interop build *.egg-info .pytest_cache .mypy_cache .ruff_cache static/*.js
