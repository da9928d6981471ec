"""A run goes on from a restart bit for bit; a file that is not whole, or of something else, is refused."""

import dataclasses
import math

import numpy as np
import pytest
from conftest import channel, random_velocity

from dycore import Model, cases, restart
from dycore.equations.steppers import WickerSkamarock
from dycore.fluid import Ocean
from dycore.grid import interior
from dycore.parameters import Parameters
from dycore.restart import Restarts, leaves
from dycore.running.progress import DAY
from dycore.state import initial_state
from dycore.stopping import Stopped
from dycore.writing import Means, Snapshots

STEP = 1800.0 / DAY


def wave(backend, cells=(3, 8, 12), **changes):
    grid, parameters, state = cases.baroclinic_wave(cells, time_step=changes.pop("time_step", 1800.0),
                                                    precision=changes.pop("precision", "float64"))
    return Model(grid, dataclasses.replace(parameters, **changes), backend), state


def ocean(backend, cells=(4, 7, 10), stepper=None, names=("temperature", "salinity"), **options):
    """A channel with an island, in which everything moves."""
    grid, random = channel(cells, **options), np.random.default_rng(1)
    parameters = Parameters(Ocean(), time_step=600.0, substeps=20, tracer_names=names)
    u, v = (0.1 * interior(part) for part in random_velocity(grid, random))
    state = initial_state(grid, u=u, v=v, surface=0.0, tracers=(10.0 + random.random(grid.cells), 35.0))
    return Model(grid, dataclasses.replace(parameters, **({"stepper": stepper} if stepper else {})), backend), state


def same(ones, others):
    """Whether two states are equal to the last bit, histories included; tendencies on closed faces have no meaning."""
    def parts(state):
        return leaves(state._replace(history=tuple(past[:2] for past in state.history)))

    return all((interior(np.asarray(one)) == interior(np.asarray(other))).all() if np.ndim(one) else one == other
               for one, other in zip(parts(ones), parts(others), strict=True))


@pytest.mark.parametrize("make", [wave, ocean, lambda backend: ocean(backend, stepper=WickerSkamarock())],
                         ids=["wave", "ocean", "ocean in stages"])
def test_a_run_goes_on_bit_for_bit(numpy_backend, tmp_path, make):
    model, start = make(numpy_backend)
    half = model.steps(start, 5)
    path = restart.write(tmp_path / "half.npz", model, half)
    again, _ = make(numpy_backend)
    assert same(again.steps(restart.read(path, again), 6), model.steps(half, 6))


def test_a_run_goes_on_bit_for_bit_on_every_backend_and_from_any_other(backend, numpy_backend, tmp_path):
    model, start = wave(backend)
    whole = model.run(start, steps=12, progress=False)
    model.run(start, steps=5, restarts=Restarts(tmp_path, 2 * STEP), progress=False)
    ahead = model.run(restart.read(restart.latest(tmp_path), model), steps=7, progress=False)
    assert same(model.gather(ahead), model.gather(whole))
    other, _ = wave(numpy_backend)
    mixed = other.steps(restart.read(restart.path_of(tmp_path, 5), other), 7)
    np.testing.assert_allclose(interior(mixed.u), interior(np.asarray(whole.u)), atol=1e-9)  # round-off of winds of 30 m/s


def test_restarts_come_on_schedule_and_at_the_end_and_the_newest_stay(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    model.run(start, steps=11, restarts=Restarts(tmp_path / "in/here", 3 * STEP, keep=3), progress=False)
    assert list(restart.all_in(tmp_path / "in/here")) == [6, 9, 11]
    assert restart.latest(tmp_path / "in/here") == tmp_path / "in/here/restart_0000000011.npz"


def test_files_whose_names_are_no_steps_are_left_alone(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    (tmp_path / "restart_\u00b2\u00b3.npz").write_bytes(b"mine")
    (tmp_path / "restart_\u0663.npz").write_bytes(b"mine")  # a three in Arabic
    model.run(start, steps=2, restarts=Restarts(tmp_path, STEP, keep=1), progress=False)
    assert list(restart.all_in(tmp_path)) == [2]
    assert sum(path.read_bytes() == b"mine" for path in tmp_path.glob("restart_*.npz")) == 2


def test_a_run_that_is_stopped_goes_on_with_its_output_as_if_it_had_not_been(numpy_backend, tmp_path):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("zarr")
    pytest.importorskip("netCDF4")
    model, start = wave(numpy_backend)

    def writing(folder):
        return {"write": (Snapshots(tmp_path / folder / "s.zarr", 4 * STEP), Means(tmp_path / folder / "m.zarr", 8 * STEP),
                          Snapshots(tmp_path / folder / "s.nc", 4 * STEP), Means(tmp_path / folder / "m.nc", 8 * STEP, samples=3)),
                "restarts": Restarts(tmp_path / folder, 6 * STEP), "progress": False}

    whole = model.run(start, steps=24, **writing("whole"))
    asked = iter([False] * 9 + [True])  # at most after so many steps, within a mean
    with pytest.raises(Stopped, match=r"stopped on request on day .*; '.*restart_.*' goes on from there") as stopped:
        model.run(start, steps=24, stop=lambda: next(asked), **writing("parts"))
    assert stopped.value.path == restart.latest(tmp_path / "parts") and 0 < int(stopped.value.state.step) < 24
    first = restart.read(restart.path_of(tmp_path / "parts", 6), model)  # as if what came later had not been: records are cut
    for path in restart.all_in(tmp_path / "parts").values():
        if path != restart.path_of(tmp_path / "parts", 6):
            path.unlink()
    ahead = model.run(first, steps=18, **writing("parts"))
    assert same(ahead, whole)
    for name in ("s.zarr", "m.zarr", "s.nc", "m.nc"):
        with xr.open_dataset(tmp_path / "whole" / name) as one, xr.open_dataset(tmp_path / "parts" / name) as other:
            assert one.sizes["time"] == (7 if name[0] == "s" else 3)
            assert one.drop_attrs().equals(other.drop_attrs()), name


def test_a_run_that_blows_up_leaves_its_restarts(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    model.run(start, steps=4, restarts=Restarts(tmp_path, 2 * STEP), progress=False)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.npz")}
    state = restart.read(restart.latest(tmp_path), model)
    state.u[3, 5, 5] = 1.0e200
    with pytest.raises(FloatingPointError), np.errstate(all="ignore"):
        model.run(state, steps=40, restarts=Restarts(tmp_path, 40 * STEP), progress=False)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.npz")} == before


@pytest.mark.parametrize("make, changed, sentence", [
    (wave, {"cells": (3, 8, 16)}, r"cells is \[3, 8, 12\] there and \[3, 8, 16\] in the model"),
    (wave, {"precision": "float32"}, "precision is float64 there and float32 in the model"),
    (wave, {"stepper": WickerSkamarock()}, "time stepper is AdamsBashforth3 there and WickerSkamarock in the model"),
    (ocean, {"names": ("salinity", "temperature")}, r"tracers is \['temperature', 'salinity'\] there and \['salinity', 'te"),
    (ocean, {"interfaces": np.linspace(-4000.0, 0.0, 5)}, r"interfaces \[1\] is -.* there and -3000.0 in the model"),
    (ocean, {"extent": (2.0e6, 5.0e5)}, r"x of faces \[1\] is 100000.0 there and 200000.0 in the model"),
    (ocean, {"bottom": -4000.0}, r"lowest wet level \[0, 5\] is . there and 2 in the model"),
    (ocean, {"coriolis": 2.0e-4}, r"Coriolis parameter \[0, 0\] is"),
])
def test_a_restart_of_something_else_is_refused_with_both_values(numpy_backend, tmp_path, make, changed, sentence):
    model, start = make(numpy_backend)
    path = restart.write(tmp_path / "one.npz", model, start)
    other, _ = make(numpy_backend, **changed)
    with pytest.raises(ValueError, match=f"one.npz' does not belong to this model: {sentence}"):
        restart.read(path, other)


def test_a_restart_of_another_fluid_is_refused_with_both_values(numpy_backend, tmp_path):
    model, start = ocean(numpy_backend)
    path = restart.write(tmp_path / "one.npz", model, start)
    other = Model(model.grid, dataclasses.replace(model.parameters, fluid=Ocean(gravity=3.7)), numpy_backend)
    with pytest.raises(ValueError, match=r"gravity of the fluid is 9.81 there and 3.7 in the model"):
        restart.read(path, other)


def test_a_damaged_restart_is_refused_wherever_it_is_cut_or_changed_and_the_one_before_it_is_named(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    restart.write(tmp_path, model, start)
    path = restart.write(tmp_path, model, model.steps(start, 1))
    whole = path.read_bytes()
    cut = [whole[:n] for n in range(1, len(whole), len(whole) // 7)]
    size = len(whole)
    flipped = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1:] for n in range(size // 9, size * 8 // 10, size // 9)]
    for content in (b"", b"hello", b"CDF\x05 and more", *cut, *flipped):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot be read as a restart: it is damaged.*the one before it: '.*0.npz'") as said:
            restart.read(path, model)
        assert "\n" not in str(said.value)
    path.write_bytes(whole)
    assert restart.read(path, model).step == 1


def test_what_is_no_restart_is_refused(numpy_backend, tmp_path):
    model, _ = wave(numpy_backend)
    np.savez(tmp_path / "foreign.npz", u=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name, sentence in (("foreign.npz", "is no restart that this version of dycore wrote"), ("array.npy", "cannot be read"),
                           ("missing.npz", "There is no restart"), (".", "is a folder")):
        with pytest.raises(ValueError, match=sentence):
            restart.read(tmp_path / name, model)
    with pytest.raises(ValueError, match="There is no restart in"):
        restart.latest(tmp_path)
    with pytest.raises(ValueError, match="keep=0 must be at least 1"):
        Restarts(tmp_path, 1.0, keep=0)


def test_a_run_does_not_start_beside_restarts_of_later_steps(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    model.run(start, steps=4, restarts=Restarts(tmp_path, 2 * STEP), progress=False)
    with pytest.raises(ValueError, match=r"0004.npz' is of a later step than the state from which this run starts \(0\)"):
        model.run(start, steps=4, restarts=Restarts(tmp_path, 2 * STEP), progress=False)


def test_days_go_on_where_they_ended(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    state = restart.read(restart.write(tmp_path, model, model.steps(start, 5)), model)
    assert float(model.dataset(state).time) == 5 * 1800.0 and math.isclose(5 * STEP * DAY, 9000.0)
