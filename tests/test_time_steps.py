"""A run goes on with another time step: at the same time, with the histories of the new steps, in the same files."""

import dataclasses

import numpy as np
import pytest
from test_restart import ocean, same, wave

from dycore import Model, Parameters, initial_state, restart
from dycore.equations.steppers import WickerSkamarock
from dycore.fluid import Ocean
from dycore.grid import interior, rectilinear
from dycore.restart import Restarts, leaves
from dycore.running.progress import DAY
from dycore.running.time_steps import retimed, steps_until, times
from dycore.state import Past
from dycore.tiles import Boundary
from dycore.writing import Means, Snapshots


def apart(ones, others):
    """The largest difference of fields on open faces, relative to their range."""
    return max(float(np.abs(interior(one) - interior(other)).max() / np.ptp(interior(other)))
               for one, other in zip(leaves(ones), leaves(others), strict=True))


def histories(backend, dt):
    """(values, tendencies) of a run after two hours, and those that it would have found of steps twice as long, retimed."""
    model, state = wave(backend, time_step=dt)
    trail = []
    for _ in range(round(7200.0 / dt)):
        state = model.step(state)
        trail = [state, *trail[:4]]
    now, _, two, _, four = trail
    # what a run of 2 dt keeps: values two and four of these steps ago, tendencies of the steps that began there
    double = now._replace(step=now.step // 2, history=tuple(
        Past(then.surface, then.tracers, before.history[1].tendency_u, before.history[1].tendency_v)
        for then, before in ((two, now), (four, two))))
    again = retimed(double, 2.0 * dt, dt)
    assert again.step == now.step
    rows = slice(1, None)  # the southernmost v is on the pole
    return (apart(*(tuple((past.surface, past.tracers) for past in state.history) for state in (again, now))),
            max(float(np.abs(interior(one.tendency_v)[:, rows] - interior(other.tendency_v)[:, rows]).max())
                for one, other in zip(again.history, now.history, strict=True)))


def test_histories_of_a_shorter_step_are_exact_to_third_order_and_tendencies_to_second(numpy_backend):
    """Half the step: an eighth of the error of the parabola, a quarter of that of the line."""
    coarse, fine = histories(numpy_backend, 100.0), histories(numpy_backend, 50.0)
    assert 6.0 < coarse[0] / fine[0] < 10.0 and 3.0 < coarse[1] / fine[1] < 5.0


def test_a_longer_step_finds_the_values_of_two_shorter_ones(numpy_backend):
    model, state = wave(numpy_backend, time_step=600.0)
    state = model.steps(state, 8)
    double = retimed(state, 600.0, 1200.0)
    assert double.step == 4
    one, two = double.history
    assert (one.surface == state.history[1].surface).all()
    assert np.allclose(two.surface, 2.0 * state.history[1].surface - state.surface)
    assert (one.tendency_u == state.history[1].tendency_u).all()


@pytest.mark.parametrize("steps", [0, 1])
def test_a_history_that_is_not_there_yet_is_not_used(numpy_backend, steps):
    """At the beginning there is none; after a step the tendency of that one alone, and a line through two values."""
    model, start = wave(numpy_backend, time_step=600.0)
    state = model.steps(start, steps)
    half = retimed(state, 600.0, 300.0)
    assert half.step == 2 * steps
    if steps:
        assert all((each.tendency_u == state.history[0].tendency_u).all() for each in half.history)
        assert np.allclose(half.history[0].surface, 0.5 * (state.surface + start.surface))
        assert np.allclose(half.history[1].surface, start.surface)
    else:
        assert same(half, state)


def of_inertia(backend, dt, ratio, start=retimed):
    """By how much a uniform flow on an f-plane, three steps after its time step was changed, is not where it turns to exactly."""
    def model(time_step):
        grid = rectilinear((1, 3, 6), extent=(6.0e6, 3.0e6), interfaces=np.array([-4000.0, 0.0]), coriolis=1.0e-4,
                           y_boundary=Boundary.PERIODIC)
        return Model(grid, Parameters(Ocean(), time_step=time_step, substeps=20, tracer_names=("temperature", "salinity")), backend)

    def velocity(state):
        return complex(interior(state.u)[0, 1, 1], interior(state.v)[0, 1, 1])

    before, after = model(dt), model(ratio * dt)
    state = before.steps(initial_state(before.grid, surface=0.0, u=0.1, tracers=(15.0, 35.0)), round(16000.0 / dt))
    turned = velocity(after.steps(start(state, dt, ratio * dt), 3)) / velocity(state)
    return abs(turned * np.exp(1j * 1.0e-4 * 3 * ratio * dt) - 1.0)


@pytest.mark.parametrize("ratio", [0.5, 2.0, 1.0 / 3.0])
def test_a_flow_turns_on_with_third_order_where_the_time_step_changes(numpy_backend, ratio):
    """An eighth of the error for half the steps; a quarter with histories that are left as they are."""
    coarse, fine = (of_inertia(numpy_backend, dt, ratio) for dt in (400.0, 200.0))
    assert 7.5 < coarse / fine < 8.5
    left = of_inertia(numpy_backend, 200.0, ratio, lambda state, *_: state._replace(step=round(state.step / ratio)))
    assert fine < 0.3 * left


def test_without_history_the_step_alone_is_counted_anew(numpy_backend, tmp_path):
    model, start = ocean(numpy_backend, stepper=WickerSkamarock())
    reached = model.steps(start, 3)
    again = retimed(reached, 600.0, 200.0)
    assert again.step == 9 and same(again._replace(step=3), reached)


def test_a_time_that_is_no_whole_number_of_steps_is_refused_with_those_that_fit(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    path = restart.write(tmp_path, model, model.steps(start, 3))
    other, _ = wave(numpy_backend, time_step=1000.0)
    with pytest.raises(ValueError, match=r"restart_.*3.npz', of a time step of 1800 s: day 0.0625 is not a whole number of time "
                                         r"steps of 1000 s from the beginning. Use a time step of 900 or 1080 s\.$"):
        restart.read(path, other)
    assert steps_until(1e8, 1e8 / 333333.0) == 333333 and steps_until(0.0, 7.0) == 0


def test_output_means_and_restarts_go_on_in_the_same_files(numpy_backend, tmp_path):
    """With steps of a third from the middle of a mean on: whose records are where they were to be, and hold both halves."""
    xr = pytest.importorskip("xarray")
    pytest.importorskip("zarr")
    pytest.importorskip("netCDF4")
    (long, start), (short, _) = wave(numpy_backend), wave(numpy_backend, time_step=600.0)
    hour = 1.0 / 24.0

    def writing():
        return {"write": (Snapshots(tmp_path / "s.zarr", hour), Means(tmp_path / "m.nc", 4.0 * hour, samples=4)),
                "restarts": Restarts(tmp_path / "r", 3.0 * hour, keep=9), "progress": False}

    middle = long.run(start, days=6.0 * hour, **writing())  # two hours into the second mean
    read = restart.read(restart.latest(tmp_path / "r"), short)
    assert read.step == 36 and middle.step == 12
    end = short.run(read, days=6.0 * hour, **writing())
    assert [round(time) for time in times(restart.all_in(tmp_path / "r").values()).values()][-3:] == [21600, 32400, 43200]
    assert restart.latest(tmp_path / "r") == restart.path_of(tmp_path / "r", 72)
    with xr.open_dataset(tmp_path / "s.zarr", decode_times=False) as snapshots, \
            xr.open_dataset(tmp_path / "m.nc", decode_times=False) as means:
        assert np.allclose(snapshots.time, np.arange(13) * 3600.0)
        assert np.allclose(means.time_bounds, [[0, 14400], [14400, 28800], [28800, 43200]])
        pressure = snapshots.surface_pressure.values
        assert np.allclose(means.surface_pressure, [pressure[n + 1: n + 5].mean(axis=0) for n in (0, 4, 8)])
    assert np.isfinite(end.surface).all()


def test_a_longer_step_goes_on_in_the_same_folder_where_numbers_of_steps_are_smaller(numpy_backend, tmp_path):
    (long, _), (short, start) = wave(numpy_backend), wave(numpy_backend, time_step=600.0)
    day = 600.0 / DAY
    short.run(start, steps=12, restarts=Restarts(tmp_path, 6.0 * day), progress=False)
    state = restart.read(restart.latest(tmp_path), long)
    assert state.step == 4
    long.run(state, steps=2, restarts=Restarts(tmp_path, 600.0 * day), progress=False)
    assert restart.latest(tmp_path) == restart.path_of(tmp_path, 6) and list(restart.all_in(tmp_path)) == [6, 12]
    assert restart.read(restart.latest(tmp_path), long).step == 6
    earlier = restart.read(restart.path_of(tmp_path, 12), short)  # at two hours, and the other at three
    with pytest.raises(ValueError, match=r"0006.npz' is of a later step than the state from which this run starts"):
        short.run(earlier, steps=1, restarts=Restarts(tmp_path, day), progress=False)


# What another processor computes


def nudged(model, ulps):
    """The same model on a grid whose metrics are so many times the smallest step of their largest number away."""
    def moved(values):
        return values + values.dtype.type(ulps) * np.spacing(np.abs(values).max())

    grid = dataclasses.replace(model.grid, metrics=model.grid.metrics._replace(coriolis=moved(model.grid.metrics.coriolis)),
                               y_face=moved(model.grid.y_face))
    return Model(grid, model.parameters, model.backend)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_metrics_that_differ_by_rounding_are_the_same_run_and_others_are_not(numpy_backend, tmp_path, precision):
    pytest.importorskip("zarr")
    model, start = wave(numpy_backend, precision=precision)
    model.run(start, steps=2, write=(Snapshots(tmp_path / "s.zarr", 1.0),), restarts=Restarts(tmp_path, 1.0), progress=False)
    near, far = nudged(model, 3), nudged(model, 10 ** 6 if precision == "float64" else 10 ** 3)
    state = restart.read(restart.latest(tmp_path), near)
    assert near.run(state, steps=1, write=(Snapshots(tmp_path / "s.zarr", 1.0),), progress=False).step == 3
    with pytest.raises(ValueError, match=r"does not belong to this model: .* is .* there and .* in the model"):
        restart.read(restart.latest(tmp_path), far)
    with pytest.raises(ValueError, match=r"s.zarr' was written by another run: summary of .* \(tolerance, largest, mean, "):
        far.run(state, steps=1, write=(Snapshots(tmp_path / "s.zarr", 1.0),), progress=False)
