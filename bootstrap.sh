#!/usr/bin/env bash
# Prepares .venv with all that the suite and the tests use. Needs no root: root only lets it install compilers.
# PYTHON picks the interpreter, FC the Fortran compiler, DYCORE_APT=0 keeps apt-get out of it.
# `bootstrap.sh for-tests` installs, for root, the programs that some tests need beside it.
# An MPI that is on the path (mpicc and mpiexec) is used; without one MPICH comes as a wheel. DYCORE_MPI=none: no MPI.
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

if [ "${1:-}" = for-tests ]; then  # a browser and SLURM; the tests that need them are skipped without
  command -v chromium >/dev/null || apt_install chromium || true
  command -v slurmctld >/dev/null || apt_install slurmctld slurmd slurm-client munge || true
  exit 0
fi

venv=$PWD/.venv
stamp=$venv/.dycore-stamp
mpi=${DYCORE_MPI:-auto}
case $mpi in auto | none) ;; *) warn "DYCORE_MPI=$mpi is not known: use auto or none"; exit 1 ;; esac
outside() { type -ap "$1" | grep -vF "$venv/" | head -n 1 || true; }  # an activated .venv is no system
system_mpicc=$(outside mpicc)
[ -n "$(outside mpiexec)" ] || system_mpicc=
want=$(cksum pyproject.toml constraints.txt bootstrap.sh; echo "$PWD ${PYTHON:-} $mpi ${system_mpicc:-wheel}")
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
if command -v uv >/dev/null; then
  install=(uv pip install) remove=(uv pip uninstall -q) fresh=(--no-cache)
  compiled=(--compile-bytecode)  # pip does so by itself; without it the imports of a command take 9 seconds instead of 3
else
  install=(python -m pip install --disable-pip-version-check) remove=(python -m pip uninstall -q -y) fresh=(--no-cache-dir)
  compiled=()
fi

# mpi4jax is compiled against the MPI and the jaxlib that are here, so neither a cache nor an environment of its own for the
# build will do. An empty CUDA_PATH keeps it from looking for CUDA. It takes most of a minute, hence the note of what it was built for.
cxx_works() {
  printf '#include <Python.h>\n' | "${CXX:-c++}" -x c++ -std=c++17 -fsyntax-only \
    -I"$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')" - 2>/dev/null
}
build_mpi4jax() {
  local note=$venv/.dycore-mpi4jax for_what no_cuda
  command -v mpicc >/dev/null || { warn "JAX runs on one process: there is no mpicc to build mpi4jax with"; return 0; }
  for_what=$(command -v mpicc; mpicc -show 2>&1 || true; grep -E '^(mpi4jax|nanobind)==' constraints.txt
             python -c 'import jaxlib, sys; print(jaxlib.__version__, sys.version)')
  if [ "$(cat "$note" 2>/dev/null)" = "$for_what" ] && python -c 'import mpi4jax' 2>/dev/null; then return 0; fi
  cxx_works || apt_install g++ "python$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')-dev" || true
  say "building mpi4jax with $(command -v mpicc) (a minute)"
  no_cuda=$(mktemp -d)
  "${remove[@]}" mpi4jax >/dev/null 2>&1 || true
  if "${install[@]}" -q -c constraints.txt nanobind 'setuptools>=82.0.1' wheel >"$log" 2>&1 \
    && CUDA_PATH=$no_cuda "${install[@]}" "${fresh[@]}" -c constraints.txt --no-build-isolation --no-deps --no-binary mpi4jax \
      mpi4jax >"$log" 2>&1 \
    && python -c 'import mpi4jax' 2>"$log"
  then printf '%s\n' "$for_what" >"$note"
  else
    "${remove[@]}" mpi4jax >/dev/null 2>&1 || true
    warn "JAX runs on one process: mpi4jax could not be built ($(grep -iE 'error' "$log" | tail -n 1 | sed 's/^ *//' | cut -c 1-160)); it needs a C++ compiler and the headers of Python (apt-get install g++ python3-dev)"
  fi
  rmdir "$no_cuda" 2>/dev/null || true
}

if [ "$mpi" = none ]; then
  "${install[@]}" "${compiled[@]}" -c constraints.txt -e '.[numba,jax,learn,io,bench,test]'
  "${remove[@]}" mpi4jax mpi4py mpich 2>/dev/null || true
else
  if [ -n "$system_mpicc" ]; then
    say "using the MPI of $system_mpicc"
    "${remove[@]}" mpich 2>/dev/null || true  # mpi4py would prefer it
    "${install[@]}" "${compiled[@]}" -c constraints.txt -e '.[all,learn,test]'
  else
    "${install[@]}" "${compiled[@]}" -c constraints.txt -e '.[all,learn,test,bundled-mpi]'
  fi
  if python -c 'from mpi4py import MPI' 2>"$log"; then
    build_mpi4jax
  else
    warn "runs are on one process: mpi4py cannot load MPI ($(tail -n 1 "$log")); name the library with LD_LIBRARY_PATH or MPI4PY_LIBMPI and start again"
  fi
fi

# The Fortran reference. Nothing else needs it, so a machine without it is served all the same.
compiler=${FC:-gfortran}
fortran_works() { printf 'end\n' | "$compiler" -x f95 - -lfftw3 -lfftw3f -o /dev/null 2>/dev/null; }
fortran_works || apt_install gfortran libfftw3-dev || true
fortran_works || warn "the Fortran reference is left out: $compiler with FFTW does not work here; get it with 'apt-get install gfortran libfftw3-dev' as root, or set FC"

printf '%s\n' "$want" > "$stamp"
say "ready"
