#!/usr/bin/env bash
# Gives this checkout its own Python environment, .venv, from the hashed lock; safe to run again at any time.
set -eu
cd "$(dirname "$0")/.."

# Not on standard output, which `make -s url` keeps for its answer.
say() { printf '%s\n' "$*" >&2; }

if ! python3 -c 'import ensurepip' 2>/dev/null; then
  say "Installing python3-venv …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet >/dev/null || true # one of the machine's other sources may be out of reach
  apt-get install --yes --quiet --no-install-recommends python3-venv >/dev/null
fi

# A folder that a killed run left half made has no .ready, so it is made again.
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
  rm -rf .venv
  python3 -m venv .venv
fi

say "Installing the Python packages …"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.lock requirements/bootstrap.lock

# The source roots, as an editable install would name them, without building anything.
site_packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for root in operator hub_config warehouse local cli images/notebook; do
  printf '%s\n' "$PWD/$root"
done > "$site_packages/carrel.pth"

touch .venv/.ready
