"""Environment in which this process was started: as one of several ranks, or as a child of one. Loads no MPI."""

from __future__ import annotations

import os
import stat
import warnings

RANK_AND_SIZE = (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
                 ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"), ("PALS_RANKID", "PALS_SIZE"),
                 ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"))


class ProcessesWarning(UserWarning):
    """Several processes were started, and each runs the whole domain by itself."""


def launched() -> tuple[int, int]:
    """(rank, number of ranks) that the launcher of this process says, (0, 1) where none does; no MPI is loaded for it."""
    for rank, size in RANK_AND_SIZE:
        if rank in os.environ and size in os.environ:
            return int(os.environ[rank]), int(os.environ[size])
    return 0, 1


def forget_launcher() -> None:
    """Take what a launcher says out of the environment of this process, which goes on by itself."""
    for name in (name for pair in RANK_AND_SIZE for name in pair):
        os.environ.pop(name, None)


def is_child_of_rank() -> bool:
    """Whether a rank, and no launcher, started this process, as far as one can see: MPICH's way to the launcher is closed to it.

    MPI would end such a process when it is loaded.
    """
    if "PMI_FD" not in os.environ:
        return False
    try:
        return not stat.S_ISSOCK(os.fstat(int(os.environ["PMI_FD"])).st_mode)
    except (OSError, ValueError):
        return True


def warn_of_others() -> None:
    """Warn, on the first rank, a process of several that was not told how to speak to the others."""
    rank, size = launched()
    if rank == 0 and size > 1:
        warnings.warn(f"{size} processes were started, and each of them runs the whole domain by itself. Divide it among them with "
                      "create(communication=dycore.backends.mpi.World()) of the backend; or, where each is to run one of its own, "
                      "say so with create(communication=dycore.backends.halos.Serial()).", ProcessesWarning, stacklevel=4)
