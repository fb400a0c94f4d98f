#!/bin/sh
# Makes .venv ready: finds Python, makes the environment, installs. Does nothing when nothing has changed.
# Usage: deploy/bootstrap.sh [EXTRA], an extra of setup.cfg: dev for the tests, bench for the benchmarks
set -eu
cd "$(dirname "$0")/.."
extra=${1:-}
stamp=.venv/pranala.stamp
# With HOME empty, pip would look for its cache in the root directory.
[ -n "${HOME:-}" ] || unset HOME

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
has_apt() { command -v apt-get >/dev/null 2>&1; }

apt_install() {
    say "installing $* with apt-get …"
    DEBIAN_FRONTEND=noninteractive apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

# A pyenv shim exists for versions that are not there: only running it tells.
find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python /usr/local/bin/python3 /usr/bin/python3; do
        [ -n "$candidate" ] || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        printf '%s\n' "$candidate"
        return
    done
}

wanted() { printf '%s %s' "$(cat setup.cfg pyproject.toml constraints.txt 2>/dev/null | cksum)" "$(pwd -P)"; }

# The stamp's first line is what was installed, its second with which extras.
extras() { sed -n 2p "$stamp" 2>/dev/null || true; }

has_extra() {
    case ",$(extras)," in
        *",$extra,"*) return 0 ;;
        *) [ -z "$extra" ] ;;
    esac
}

is_ready() {
    [ -f "$stamp" ] && [ "$(sed -n 1p "$stamp")" = "$(wanted)" ] && has_extra && .venv/bin/python -c '' 2>/dev/null
}

make_environment() {
    python=$(find_python)
    if [ -z "$python" ] && is_root && has_apt; then
        apt_install python3 python3-venv
        python=$(find_python)
    fi
    [ -n "$python" ] || fail "Python 3.11 or newer was not found. Install it, or name it: PYTHON=/path/to/python3 make up"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        if is_root && has_apt; then
            apt_install "$package"
        else
            fail "Python cannot make virtual environments here. Install the package first: sudo apt-get install $package"
        fi
    fi
    say "making .venv with $("$python" -V 2>&1) …"
    "$python" -m venv --clear .venv
}

is_ready && exit 0
# A tree that was moved takes along scripts that point to where it was.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || ! grep -qF "$(pwd -P)/.venv/" .venv/bin/pip; then
    make_environment
fi
# What was installed for the tests stays installed when only the product is wanted.
all=$(extras)
has_extra || all=${all:+$all,}$extra
rm -f "$stamp"
say "installing what Pranala needs into .venv …"
constraints=
[ ! -f constraints.txt ] || constraints="-c constraints.txt"
# shellcheck disable=SC2086 # two words or none
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input $constraints -e ".${all:+[$all]}" \
    || fail "pip could not install everything; the lines above say why. Run the same command again to go on."
printf '%s\n%s\n' "$(wanted)" "$all" >"$stamp"
