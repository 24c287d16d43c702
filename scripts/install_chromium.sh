#!/bin/sh
# Put Chromium where the browser tests look for it. Without it those tests skip, saying so.
set -u
# The same places, in the same order, as tests/e2e/conftest.py.
if [ -n "${CHROMIUM:-}" ]; then
    command -v "$CHROMIUM" >/dev/null 2>&1 || echo "CHROMIUM names $CHROMIUM, which is not there: the browser tests will be skipped." >&2
    exit 0
fi
for name in chromium /usr/bin/chromium; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Chromium is not installed and there is no apt-get here: the browser tests will be skipped." >&2
    exit 0
fi
run=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        run="sudo -n"
    else
        echo "Chromium is not installed and installing it needs root: the browser tests will be skipped." >&2
        exit 0
    fi
fi
if ! { $run apt-get update -qq && $run apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core; } >/dev/null; then
    echo "Chromium could not be installed (see above): the browser tests will be skipped." >&2
fi
exit 0
