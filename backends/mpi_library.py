"""The MPI library as mpi4py gives it: loaded when it is wanted, or a sentence about what is missing."""

from __future__ import annotations

import sys
from typing import Any

from dycore.backends.launchers import is_child_of_rank, launched

BY_ITSELF = ("For a run by itself give 'dycore run' --processes none, or a backend no mpi.World() but "
             "communication=dycore.backends.halos.Serial().")
INSTALL = ("Install it with: pip install 'dycore[mpi]', and an MPI library: that of the machine, or "
           "pip install 'dycore[bundled-mpi]'.")


def load() -> Any:
    """mpi4py.MPI, initialised. Raises ImportError with what to do where it is missing or belongs to another launcher."""
    if "mpi4py.MPI" not in sys.modules and is_child_of_rank():
        raise ImportError("This process is a child of a rank of an MPI job, and no rank itself: it can speak to no other. "
                          f"{BY_ITSELF}")
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as problem:  # RuntimeError: there is mpi4py, but no MPI library
        raise ImportError(f"MPI cannot be used ({str(problem).splitlines()[0]}). {INSTALL}") from problem
    _, size = launched()
    if size != MPI.COMM_WORLD.size:
        library = MPI.Get_library_version().split(",")[0].splitlines()[0]
        raise ImportError(f"The launcher started {size} processes, but MPI sees {MPI.COMM_WORLD.size}: mpiexec and the library of "
                          f"mpi4py ({library}) do not belong together, or this process is a child of a rank. Use the mpiexec of "
                          f"that library, or name the other library with MPI4PY_LIBMPI. {BY_ITSELF}")
    return MPI


def communicator(mpi: Any, given: Any) -> Any:
    """Communicator that was given, or that of all processes. Raises ValueError for one to which this process does not belong."""
    if given is None:
        return mpi.COMM_WORLD
    if not isinstance(given, mpi.Intracomm) or given == mpi.COMM_NULL:
        raise ValueError(f"comm={given!r} is no communicator of mpi4py to which this process belongs. Give World one from "
                         "MPI.COMM_WORLD.Split, on the processes that are in it, or nothing for all processes.")
    return given
