"""Whether a launcher does as it is told: so many ranks, on so many nodes, in one world, each on cores of its own.

`problem` starts this file on the ranks. The first rank of every world that comes to be says who is in it, as a line of
JSON: a list with the node and the cores of each rank. Where a launcher and the MPI library of mpi4py do not belong
together, each rank is a world of its own, and would be measured as if it were all of them.
"""

import json
import os
import socket
import subprocess
import sys
from collections import Counter

from dycore.benchmarks.launching import ROOT, Launcher, allowed_cores, environment, launched
from dycore.benchmarks.problems import Failed

PATIENCE_SECONDS = 300.0


def problem(launcher: Launcher, ranks: int, threads: int, device: str = "cpu") -> str | None:
    """A sentence about what is wrong, None where all is well."""
    try:
        name = launcher.start(ranks, threads)[0]
        program = launched([sys.executable, "-m", "mpi4py", "-m", "dycore.benchmarks.launch_check"], ranks, threads, launcher)
        told = subprocess.run(program, cwd=ROOT, env=environment(threads, device), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=PATIENCE_SECONDS)
    except Failed as trouble:
        return str(trouble)
    except OSError as trouble:
        return f"the launcher '{name}' could not be started: {trouble.strerror}"
    except subprocess.TimeoutExpired:
        return f"{ranks} ranks started by {name} did not meet within {PATIENCE_SECONDS:.0f} s"
    worlds = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("[[")]
    if told.returncode or not worlds:
        words = " ".join(told.stderr.split())[:400]
        return f"{name} could not start {ranks} ranks (exit code {told.returncode}): {words or 'it said nothing'}"
    return difference(name, worlds, ranks, launcher.nodes, threads)


def difference(name: str, worlds: list[list[tuple[str, list[int]]]], ranks: int, nodes: int, threads: int) -> str | None:
    """Between what was asked for and (node, cores) of each rank in each world."""
    if len(worlds) != 1 or len(worlds[0]) != ranks:
        sizes = " + ".join(str(len(world)) for world in worlds)
        return (f"{name} was to start one world of {ranks} ranks, and MPI sees {len(worlds)} ({sizes}): it belongs to another MPI "
                "library than mpi4py, or speaks otherwise to it. With srun choose another --mpi ('srun --mpi=list' names them), or "
                "use the mpiexec of that library")
    used = list(dict.fromkeys(node for node, _ in worlds[0]))
    if len(used) != nodes:
        return f"{ranks} ranks were to be on {nodes} nodes, and {name} put them on {len(used)} ({', '.join(used)})"
    for node in used:
        taken = Counter(core for where, cores in worlds[0] if where == node for core in cores)
        shared = [core for core, number in taken.items() if number > 1]
        if shared:
            return (f"ranks on node {node} share core {shared[0]}: let {name} bind each rank to {threads} "
                    f"core{'s' if threads > 1 else ''} of its own, or to none at all")
    return None


def main() -> None:
    from mpi4py import MPI

    node = f"{socket.gethostname()}:{os.environ.get('SLURM_NODEID', '0')}"
    places = MPI.COMM_WORLD.gather((node, allowed_cores()))
    if places is not None:
        print(json.dumps(places), flush=True)


if __name__ == "__main__":
    main()
