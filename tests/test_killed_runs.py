"""What is killed at any time goes on when it is submitted again, and loses nothing."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import killed_runs
import pytest

from dycore import cli, restart, writing

pytest.importorskip("xarray")
pytest.importorskip("zarr")
pytest.importorskip("netCDF4")
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def test_a_run_that_is_killed_at_twenty_random_times_loses_nothing(tmp_path):
    done, early = killed_runs.kill(20, tmp_path, seed=20261128)
    assert done >= 1 and early >= 1


def dies(at, function, *arguments):
    """Run a function that is killed when so many records are written."""
    append = writing.Series._append

    def counted(series, step, cells):
        append(series, step, cells)
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    writing.Series._append = counted
    function(*arguments)


def killed(at, function, *arguments):
    process = killed_runs.CONTEXT.Process(target=dies, args=(at, function, *arguments))
    process.start()
    process.join(300.0)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("backend, tolerance", [("numpy", 0.0), ("numba", 1e-12)])
def test_what_was_killed_before_its_first_restart_goes_on_on_other_ranks_and_another_backend(tmp_path, backend, tolerance):
    assert MPIEXEC is not None
    killed_runs.submitted(tmp_path / "whole")
    killed(2, killed_runs.submitted, tmp_path / "run")
    assert list(restart.all_in(tmp_path / "run")) == [0]
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1",
                                "OMPI_MCA_rmaps_base_oversubscribe": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([MPIEXEC, "-n", "2", sys.executable, "-m", "mpi4py", killed_runs.__file__, tmp_path / "run", backend],
                   env=environment, check=True, timeout=600)
    undisturbed = {name: killed_runs.records(tmp_path / "whole" / name) for name in killed_runs.OUTPUT}
    killed_runs.check_the_end(tmp_path / "run", undisturbed, tmp_path / "whole", tolerance)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_the_same_command_goes_on_where_it_was_killed_before_its_first_restart(capsys, monkeypatch, tmp_path, suffix):
    def command(folder):
        return ["run", "baroclinic_channel", "--cells", "3,8,6", "--steps", "6", "--time-step", "600", "--output",
                str(tmp_path / folder / f"o{suffix}"), "--output-every", "0.007", "--restarts", str(tmp_path / folder / "r"),
                "--continue", str(tmp_path / folder / "r"), "--quiet"]

    assert cli.main(command("whole")) == 0
    killed(1, cli.main, command("killed"))
    assert cli.main([*command("killed")[:-5], "--quiet"]) == 2  # without --restarts and --continue
    assert "is there already, and the run starts from the beginning" in capsys.readouterr().err
    assert cli.main(command("killed")) == 0
    one, two = (killed_runs.records(tmp_path / folder / f"o{suffix}") for folder in ("whole", "killed"))
    assert one.sizes["time"] == 7 and one.equals(two)


def test_a_run_does_not_take_the_restart_of_step_0_of_another_for_its_own(numpy_backend, tmp_path):
    from dycore import Model, cases
    from dycore.restart import Restarts

    grid, parameters, state = cases.baroclinic_wave((3, 8, 12), time_step=1800.0)
    model = Model(grid, parameters, numpy_backend)
    restart.write(tmp_path, model, state)
    other = state._replace(surface=state.surface + 1.0)
    with pytest.raises(ValueError, match=r"0000000000.npz' is another state than that from which this run starts. Go on from it"):
        model.run(other, steps=1, restarts=Restarts(tmp_path, 1.0), progress=False)
    model.run(state, steps=1, restarts=Restarts(tmp_path, 1.0), progress=False)
    assert list(restart.all_in(tmp_path)) == [0, 1]
