"""A run makes diagnostics itself and writes them: the same values as of its snapshots, into files that go on after a restart."""

import dataclasses
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from command_line import RUN, dycore

from dycore import Model, cases, diagnostics, pictures, restart
from dycore.backends import on_numpy
from dycore.restart import Restarts
from dycore.writing import Diagnostics, Snapshots

xr = pytest.importorskip("xarray")
DAY = 86400.0
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def volume(dataset):
    """A diagnostic without dimensions."""
    return diagnostics.content(dataset)


DRAKE = partial(diagnostics.section_transport, x=1.0e5)
IN_CLASSES = partial(diagnostics.overturning_in_density, edges=[1000.0, 1020.0, 1030.0])
FUNCTIONS = (diagnostics.overturning, diagnostics.heat_transport, diagnostics.energy, volume, DRAKE, diagnostics.mixed_layer_depth)


def channel(communication=None):
    """A small channel with its first state."""
    grid, parameters, state = cases.baroclinic_channel((3, 8, 12))
    backend = on_numpy if communication is None else on_numpy.create(communication=communication)
    return Model(grid, dataclasses.replace(parameters, time_step=300.0, substeps=10), backend), state


def in_four_steps(folder, suffix, communication=None):
    """A run of four steps that writes snapshots and diagnostics of every second."""
    model, state = channel(communication)
    every = 600.0 / DAY
    write = Snapshots(folder / f"states{suffix}", every), Diagnostics(folder / f"found{suffix}", every, FUNCTIONS)
    return model.run(state, steps=4, progress=False, write=write)


def opened(path):
    with xr.open_dataset(path, decode_times=False) as found:
        return found.load()


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_what_a_run_writes_is_what_its_snapshots_give(tmp_path, suffix):
    pytest.importorskip("zarr" if suffix == ".zarr" else "netCDF4")
    in_four_steps(tmp_path, suffix)
    states, found = (opened(tmp_path / f"{name}{suffix}") for name in ("states", "found"))
    np.testing.assert_array_equal(found.time, [0.0, 600.0, 1200.0])
    expected = [diagnostics.overturning(states), diagnostics.heat_transport(states), volume(states), DRAKE(states),
                diagnostics.mixed_layer_depth(states), *diagnostics.energy(states).values()]
    assert {*found.data_vars} == {each.name for each in expected}
    for each in expected:
        np.testing.assert_array_equal(found[each.name], each, err_msg=each.name)
        assert found[each.name].attrs.items() >= each.attrs.items() and found[each.name].dims == each.dims
    assert {"height_edge", "y_face"} <= {*found.coords} and np.abs(found.overturning_stream_function).max() > 0.0


def test_diagnostics_go_on_after_a_restart_as_if_nothing_had_been(tmp_path):
    in_four_steps(tmp_path, ".nc")
    whole, part = opened(tmp_path / "found.nc"), tmp_path / "part.nc"
    write, restarts = (Diagnostics(part, 600.0 / DAY, FUNCTIONS),), Restarts(tmp_path / "restarts", 600.0 / DAY)
    model, state = channel()
    model.run(state, steps=3, progress=False, write=write, restarts=restarts)
    state = restart.read(restart.path_of(tmp_path / "restarts", 2), model)
    (tmp_path / "restarts" / "restart_0000000003.npz").unlink()
    model.run(state, steps=2, progress=False, write=write, restarts=restarts)
    again = opened(part)
    assert all(again[name].equals(whole[name]) for name in whole.variables)
    other = Diagnostics(part, 600.0 / DAY, FUNCTIONS[:1])
    with pytest.raises(ValueError, match="was written by another run"):
        model.run(model.step(state), steps=2, progress=False, write=(other,))


def test_pictures_show_what_a_run_has_diagnosed_and_no_land(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = "run", "global_ocean", "--cells", "3,10,24", "--steps", 1, "--diagnostics", "found.nc", "--quiet", "--diagnose"
    assert dycore(capsys, *arguments, "barotropic_stream_function,mixed_layer_depth")[0] == 0
    found = pictures.opened(Path("found.nc"))
    assert {*pictures.fields(found)} == {"barotropic_stream_function", "mixed_layer_depth"}
    psi, sea = pictures.field(found, "barotropic_stream_function"), found.mixed_layer_depth.isel(time=-1).notnull().values
    both = np.pad(sea & np.roll(sea, 1, axis=1), ((1, 1), (0, 0)))  # beside west faces, with walls
    np.testing.assert_array_equal(np.isfinite(psi.isel(time=-1)), both[1:] | both[:-1])
    assert psi.attrs["units"] == "Sv" and psi.dims == ("time", "latitude_edge", "longitude_face")
    drawn = "barotropic_stream_function", "--projection", "mollweide", "--output", "a.png"
    assert dycore(capsys, "plot", "found.nc", *drawn)[0] == 0
    assert Path("a.png").stat().st_size > 1000


def test_the_overturning_is_drawn_as_a_section_with_its_values_and_as_nothing_else(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = "run", "baroclinic_channel", "--cells", "3,10,12", "--days", 1, "--diagnostics", "found.nc", "--quiet"
    assert dycore(capsys, *arguments, "--diagnose", "overturning,mixed_layer_depth")[0] == 0
    found, name = pictures.opened(Path("found.nc")), "overturning_stream_function"
    shown = pictures.field(found, name).isel(time=-1)
    assert shown.dims == ("height_edge", "y_face") and np.abs(shown).max() > 0.0
    np.testing.assert_array_equal(shown, found[name].isel(time=-1))
    drawn = pictures.section(pictures.field(found, name)).axes[0].collections
    (mesh,) = (each for each in drawn if hasattr(each, "get_coordinates"))
    np.testing.assert_array_equal(np.ma.filled(mesh.get_array(), np.nan).reshape(shown.shape), shown)
    assert dycore(capsys, "plot", "found.nc", name, "--kind", "section", "--output", "a.png")[0] == 0
    for more, sentence in (((), "draw it with --kind section"), (("--kind", "section", "--at", "x=10"), "leave out the place")):
        code, _, said = dycore(capsys, "plot", "found.nc", name, *more)
        assert code == 2 and "is on one horizontal axis alone" in said and sentence in said


def test_the_example_separates_what_eddies_carry(tmp_path):
    from test_examples import example

    samples, cells = 8, (2, 6, 8)
    whole, of_mean = example("eddy_transport").main(cells=cells, days=1.0, samples=samples, folder=tmp_path,
                                                    picture=tmp_path / "heat.png")
    assert (tmp_path / "heat.png").stat().st_size > 3000
    grid, parameters, state = cases.baroclinic_channel(cells)
    model, transports = Model(grid, parameters, on_numpy), []
    for _ in range(samples):
        state = model.steps(state, round(DAY / parameters.time_step) // samples)
        transports.append(diagnostics.heat_transport(model.dataset(state)))
    np.testing.assert_allclose(whole, sum(transports) / samples, rtol=1e-12)
    assert (whole != of_mean)[1:].all() and np.abs(whole - of_mean).max() < np.abs(whole).max()


def late(dataset):
    """A function of a user that fails once the run has begun."""
    if float(dataset.time) > 0.0:
        raise KeyError("mine")
    return diagnostics.content(dataset)


def test_the_command_line_writes_diagnostics_by_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = "--diagnostics", "found.nc", "--diagnose", "overturning,mixed_layer_depth", "--diagnostics-every", 600.0 / DAY
    code, said, _ = dycore(capsys, *RUN, "--steps", 2, *named, "--dry-run")
    assert code == 0 and 'diagnostics = "found.nc"' in said and 'diagnose = ["overturning", "mixed_layer_depth"]' in said
    assert dycore(capsys, *RUN, "--steps", 2, *named, "--quiet") == (0, "", "")
    found = opened("found.nc")
    assert {*found.data_vars} == {"overturning_stream_function", "mixed_layer_depth"} and found.sizes["time"] == 3
    assert dycore(capsys, *RUN, "--steps", 1, "--diagnostics", "energy.nc", "--quiet")[0] == 0
    assert {*opened("energy.nc").data_vars} == {"kinetic_energy", "potential_energy", "energy"}
    for given, sentence in ((["--diagnostics", "a.nc", "--diagnose", "overturnin"], "did you mean 'overturning'?"),
                            (["--diagnostics", "a.nc", "--diagnose", "energy,energy"], "names energy twice"),
                            (["--diagnostics", "a.nc", "--diagnose", "zonal_statistics"], "is of an ocean"),
                            (["--diagnostics", "a.txt"], "does not end in .zarr, .icechunk or .nc"),
                            (["--diagnose", "energy"], "is given without diagnostics"),
                            (["--diagnostics", "a.nc", "--output", "a.nc"], "diagnostics and output are both 'a.nc'")):
        code, _, said = dycore(capsys, *RUN, "--steps", 1, *given)
        assert code == 2 and sentence in said, said
    assert not Path("a.nc").exists()


@pytest.mark.parametrize("functions, sentence", [
    ((), "must be a tuple of diagnostics"), ((3,), r"functions\[0\]"),
    ((diagnostics.overturning, diagnostics.overturning), "Two diagnostics are called 'overturning_stream_function'"),
    ((diagnostics.overturning, lambda d: IN_CLASSES(d).rename("psi"), lambda d: IN_CLASSES(d, edges=[1.0, 2.0]).rename("other")),
     "dimension density_edge of the diagnostic 'other' has other values"),
    ((lambda dataset: 3.0,), "makes 3.0: it must be an xarray.DataArray with a name"),
    ((lambda dataset: dataset.missing,), "failed: AttributeError"),
    ((lambda dataset: xr.DataArray("text", name="a"),), "with a name, of numbers and without"),
    ((lambda dataset: xr.DataArray(3 if dataset.time == 0.0 else 2.5, name="a"),), "is float64 {} now, and was int64 {} at first"),
    ((lambda dataset: xr.DataArray(np.zeros(1 + int(dataset.time > 0.0)), dims="n", name="a"),), r"is float64 \{'n': 2\} now"),
    ((lambda dataset: xr.DataArray([1.0], {"n": [float(dataset.time)]}, ("n",), "a"),), "at first, or at other places"),
    ((lambda dataset: xr.DataArray(1.0, name="a" if dataset.time == 0.0 else "b"),), "make b now, and made a at first"),
    ((diagnostics.zonal_statistics,), "is of an ocean"), ((late,), "The diagnostic late failed: KeyError: 'mine'")])
def test_functions_that_make_no_record_are_refused(tmp_path, functions, sentence):
    model, state = channel()
    with pytest.raises(ValueError, match=sentence):
        model.run(state, steps=2, progress=False, write=(Diagnostics(tmp_path / "a.nc", 300.0 / DAY, functions),))


def test_two_ranks_write_what_one_writes_and_both_hear_of_what_fails(tmp_path):
    assert MPIEXEC is not None
    for suffix in (".nc", ".zarr"):
        in_four_steps(tmp_path, suffix)
    (tmp_path / "two").mkdir()
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1",
                                "OMPI_MCA_rmaps_base_oversubscribe": "1",
                                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])}
    subprocess.run([MPIEXEC, "-n", "2", sys.executable, "-m", "mpi4py", __file__, tmp_path / "two"], env=environment, check=True,
                   timeout=600)
    for name in ("found.nc", "found.zarr"):
        one, two = opened(tmp_path / name), opened(tmp_path / "two" / name)
        assert all(one[variable].equals(two[variable]) for variable in one.variables)


def on_ranks(folder):
    """Run on all ranks of MPI, and fail on all."""
    from dycore.backends import mpi

    for suffix in (".nc", ".zarr"):
        in_four_steps(folder, suffix, mpi.World())
    model, state = channel(mpi.World())
    with pytest.raises(ValueError, match="KeyError: 'mine'"):
        model.run(state, steps=2, progress=False, write=(Diagnostics(folder / "late.nc", 300.0 / DAY, (late,)),))


if __name__ == "__main__":
    on_ranks(Path(sys.argv[1]))
