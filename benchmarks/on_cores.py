"""One rank of a program on cores of its own: python -m benchmarks.on_cores CORES THREADS PROGRAM [ARGUMENT ...]

mpiexec starts this once for each rank. It settles the cores before any library counts them and becomes the program.
All launchers say in the environment which rank a process is, but bind each in its own way, or not at all.
"""

import os
import sys

RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")


def main() -> None:
    cores, threads = [int(core) for core in sys.argv[1].split(",")], int(sys.argv[2])
    rank = next((int(os.environ[name]) for name in RANK_VARIABLES if name in os.environ), None)
    if rank is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores_of(rank, threads, cores))
    os.execvp(sys.argv[3], sys.argv[3:])


def cores_of(rank: int, threads: int, cores: list[int]) -> list[int]:
    """The cores of a rank; with more ranks than cores they begin again at the first."""
    first = rank * threads
    return [cores[n % len(cores)] for n in range(first, first + threads)]


if __name__ == "__main__":
    main()
