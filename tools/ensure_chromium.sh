#!/usr/bin/env bash
# Print the path of a Chromium for the browser tests: an installed one, else one installed now, else a clear error.
set -euo pipefail
cd "$(dirname "$0")/.."

works() { [ -n "$1" ] && "$1" --version >/dev/null 2>&1 </dev/null; }

first_of() {
    local name path
    for name; do
        path=$(command -v "$name" 2>/dev/null || true)
        if works "$path"; then echo "$path"; return 0; fi
    done
    return 1
}

found() {
    local path
    [ -z "${CHROMIUM:-}" ] || ! first_of "$CHROMIUM" || return 0
    # One test goes back through the cache of pages, which only a whole browser has; for all others the shell
    # without windows opens a page in a third of the time.
    if path=$(first_of chromium chromium-browser google-chrome google-chrome-stable); then
        first_of chromium-headless-shell || echo "$path"
        return 0
    fi
    # One that playwright has fetched into this user's cache, newest last.
    path=$(ls -d "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium*/chrome-*/chrome 2>/dev/null | tail -1 || true)
    works "$path" && echo "$path"
}

found && exit
echo "set-up: no Chromium found, installing one (once)" >&2
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >/dev/null 2>&1 || true
    for package in chromium-headless-shell chromium; do
        apt-get install -qq -y --no-install-recommends "$package" </dev/null >/dev/null 2>&1 || true
    done
    found && exit
fi
.venv/bin/python -m playwright install chromium </dev/null >/dev/null 2>&1 || true
found && exit
cat >&2 <<'WHAT'
set-up: the browser tests need a Chromium and none could be installed. Do one of these, then repeat the command:
  - Debian:       sudo apt-get install chromium chromium-headless-shell
  - Ubuntu:       sudo .venv/bin/python -m playwright install --with-deps chromium
  - or point to one that is there:  CHROMIUM=/path/to/chrome make test
WHAT
exit 1
