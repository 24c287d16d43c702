#!/bin/sh
# All that needs a card, in under 8 minutes: tests marked gpu, figures of the engine, a round of the shape of Qwen3-8B,
# training steps of a search. Prints one JSON object; see benchmarks/gpu_checks.py. With --tiny it runs on a CPU.
set -eu
cd "$(dirname "$0")/.."
OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" PYTHONPATH=. exec "${PYTHON:-.venv/bin/python}" -m benchmarks.gpu_checks "$@"
