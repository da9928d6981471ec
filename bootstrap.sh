#!/usr/bin/env bash
# Prepares .venv with all that the suite and the tests use. Needs no root: root only lets it install gfortran.
# PYTHON picks the interpreter, FC the Fortran compiler, DYCORE_APT=0 keeps apt-get out of it.
set -euo pipefail
cd "$(dirname "$0")"
say() { printf '==> %s\n' "$*" >&2; }
warn() { printf '!!  %s\n' "$*" >&2; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }
apt_allowed() { [ "$(id -u)" = 0 ] && [ "${DYCORE_APT:-1}" = 1 ] && command -v apt-get >/dev/null; }
apt_install() {
  apt_allowed || return 1
  say "installing $* with apt-get"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
    >/dev/null 2>"$log" || { warn "apt-get could not install $*: $(tail -n 1 "$log")"; return 1; }
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

venv=$PWD/.venv
stamp=$venv/.dycore-stamp
want=$(cksum pyproject.toml constraints.txt bootstrap.sh; echo "$PWD ${PYTHON:-}")
if [ -x "$venv/bin/dycore" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then exit 0; fi

if ! { [ -x "$venv/bin/python" ] && fits "$venv/bin/python"; }; then
  python=
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if fits "$name"; then python=$name; break; fi
  done
  [ -n "$python" ] || { warn "Python 3.11, 3.12 or 3.13 is needed and was not found: install one, or name it with PYTHON=/path/to/python3.12 make setup"; exit 1; }
  say "creating .venv with $("$python" -V)"
  "$python" -c 'import ensurepip' 2>/dev/null || apt_install python3-venv \
    || { warn "$python cannot make an environment: install the package python3-venv (apt-get install python3-venv, as root)"; exit 1; }
  "$python" -m venv --clear "$venv"
fi
export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH

say "installing the package and what it uses into .venv (a minute or two)"
python -m pip install -q --disable-pip-version-check uv || warn "uv is not to be had; pip does the work, only slower"
if command -v uv >/dev/null; then install=(uv pip install); else install=(python -m pip install --disable-pip-version-check); fi
"${install[@]}" -c constraints.txt -e '.[all,test]'

# The Fortran reference. Nothing else needs it, so a machine without it is served all the same.
compiler=${FC:-gfortran}
fortran_works() { printf 'end\n' | "$compiler" -x f95 - -lfftw3 -lfftw3f -o /dev/null 2>/dev/null; }
fortran_works || apt_install gfortran libfftw3-dev || true
fortran_works || warn "the Fortran reference is left out: $compiler with FFTW does not work here; get it with 'apt-get install gfortran libfftw3-dev' as root, or set FC"

printf '%s\n' "$want" > "$stamp"
say "ready"
