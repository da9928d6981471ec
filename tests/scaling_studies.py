"""Site files and studies of the tests of `dycore slurm`."""

import json

from dycore import cli

SRUN = "srun --mpi=pmix --overlap --nodes={nodes} --ntasks={ranks} --ntasks-per-node={ranks_per_node} --cpus-per-task={threads}"


def site(folder, name="site", **keys):
    """A site file with these keys."""
    path = folder / f"{name}.toml"
    known = {"launcher": SRUN, "cores_per_node": 2} | keys
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in known.items()))
    return path


def dycore(*words):
    return cli.main(["slurm", *map(str, words)])


SMALL = ("--cases", "baroclinic_wave", "--cells", "3000", "--samples", "1", "--backends", "numpy")
