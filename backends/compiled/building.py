"""Generated source as compiled functions, kept on disk (dycore.backends.compiled.cache), so that a second start is quick."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np

from dycore.backends.compiled.cache import cache_folder
from dycore.backends.user_cache import in_turn

# Loops over threads as they stand: Numba does not see that calls within write what is read after, and would make one loop of two
LOOPS_ALONE = {"prange": True} | dict.fromkeys(
    ("comprehension", "fusion", "inplace_binop", "numpy", "reduction", "setitem", "stencil"), False)
_built: dict[str, Callable] = {}


def build(source: str, name: str, names: dict[str, Any], digest: str, alone: bool, parallel: bool = False) -> Callable:
    """Compile generated source; its file is named after all that it depends on, as Numba's cache needs.

    So is the function: Numba tells functions of one name apart by a number that counts within a process, so that
    two of them, compiled by different processes and read from the cache by a third, would be taken for one another.
    `alone`: no two of its array arguments overlap, which LLVM may rely on.
    """
    digest = hashlib.sha256(f"{digest}{source}{parallel}{_generator()}{numba.__version__}{sys.version}".encode()).hexdigest()[:24]
    if digest in _built:
        return _built[digest]
    own = f"{name}_{digest}"
    source = source.replace(f"def {name}(", f"def {own}(", 1)
    path = cache_folder() / f"{own}.py"
    if not path.exists():
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(source)
        os.utime(temporary, (0, 0))  # Numba's cache compares time stamps
        temporary.replace(path)
    scope = {**names, "np": np, "prange": numba.prange, "__name__": __name__}
    exec(compile(source, str(path), "exec"), scope)
    function = numba.njit(error_model="numpy", parallel=parallel and dict(LOOPS_ALONE), cache=True, nogil=True,
                          no_cfunc_wrapper=True, no_cpython_wrapper=alone, _nrt=not alone)(scope[own])
    if alone:
        function._compiler._customize_flags = without_aliases  # Numba has no public option for it
    return _built.setdefault(digest, function)


def turn_to_compile(function: Any) -> AbstractContextManager[None]:
    """The turn of this process to compile what `build` made: the others of a machine then find it on disk."""
    return in_turn(Path(function.__code__.co_filename).with_suffix(".lock"))


@cache
def _generator() -> str:
    """Digest of the files with what generated source calls besides stencils: what was compiled with other versions is not used."""
    names = "arguments", "building", "calls", "kernels", "language", "strips", "views"
    return hashlib.sha256(b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in names)).hexdigest()


def without_aliases(flags: Any) -> Any:
    """Compiler flags that promise LLVM that arrays do not overlap."""
    flags.noalias = True
    return flags
