"""One rank of a program on cores and a GPU of its own: python -m dycore.benchmarks.on_cores THREADS PROGRAM [ARGUMENT ...]

A launcher starts this once for each rank. It settles the cores before any library counts them and becomes the program.
All launchers say in the environment which rank of its node a process is, but bind each in its own way, or not at all:
a rank takes its own of the cores that it was left, all of them where these are no more than its threads.
"""

import os
import sys

# Those of a launcher within a SLURM job come first: the job itself says SLURM_LOCALID too.
LOCAL_RANK_VARIABLES = ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "PALS_LOCAL_RANKID",
                        "SLURM_LOCALID", "PMIX_RANK", "PMI_RANK")


def main() -> None:
    threads = int(sys.argv[1])
    rank = next((int(os.environ[name]) for name in LOCAL_RANK_VARIABLES if name in os.environ), None)
    if rank is not None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores_of(rank, threads, sorted(os.sched_getaffinity(0))))
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        if len(gpus) > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = gpus[rank % len(gpus)]
    os.execvp(sys.argv[2], sys.argv[2:])


def cores_of(rank: int, threads: int, cores: list[int]) -> list[int]:
    """The cores of a rank; with more ranks than cores they begin again at the first."""
    first = rank * threads
    return [cores[n % len(cores)] for n in range(first, first + threads)]


if __name__ == "__main__":
    main()
