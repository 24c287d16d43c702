#!/bin/sh
# Install Chromium where the browser tests look for it (tests/e2e/conftest.py), on Debian and its relatives, as root.
set -eu
for name in "${CHROMIUM:-chromium}" /usr/bin/chromium; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    echo "Expected apt-get and root to install Chromium, got neither or one. Install it by hand, or name one in CHROMIUM." >&2
    exit 1
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null
command -v chromium
