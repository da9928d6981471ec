"""Values that change with time: linear between records, of which two are held, under every backend, and restarted."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import fields_of

from dycore import Model, restart
from dycore.assembly.held_records import picked
from dycore.fluid import Ocean, no_buoyancy
from dycore.forcing import Forcing
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.physics import surface_relaxation
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.tiles import Boundary
from dycore.time_series import TimeSeries, at_step, between, pair
from dycore.vertical import stretched

DT = 512.0  # s, a power of two: times and weights are exact
CELLS = (3, 5, 6)


class Rates(NamedTuple):
    """A number, a plane, a volume and a profile."""

    number: Any
    plane: Any
    volume: Any
    profile: Any = 1.0


@stencil
def supply(k, j, i, grid, column, values, now):
    return values.number * (values.plane[j, i] + values.volume[k, j, i])


def basin():
    return rectilinear(CELLS, extent=(6.0e5, 5.0e5), interfaces=stretched(3, 300.0), y_boundary=Boundary.PERIODIC)


def start(grid):
    return initial_state(grid, surface=0.0, tracers=(10.0,))


def made(backend, forcing=(), **changes):
    grid = basin()
    parameters = Parameters(Ocean(buoyancy=no_buoyancy), time_step=DT, tracer_names=("dye",), forcing=tuple(forcing), **changes)
    return Model(grid, parameters, backend), start(grid)


def dye(state):
    return fields_of(state)["tracer 0"]


class Counted:
    """Records that count how often each is read, as a variable of a file would be."""

    def __init__(self, values):
        self.values, self.read = np.asarray(values), []

    def __len__(self):
        return len(self.values)

    def __getitem__(self, number):
        self.read.append(number)
        return self.values[number]


def random_rates(random, times, **options):
    """Three series, and what they are at a time."""
    values = [factor * random.standard_normal((len(times), *shape)) for factor, shape in (
        (1.0e-3, ()), (1.0, CELLS[1:]), (1.0, CELLS))]

    def at(time):
        return Rates(*(np.apply_along_axis(lambda column: np.interp(time, times, column), 0, each) for each in values))

    return Rates(*(TimeSeries(times, each, **options) for each in values)), at


def test_a_series_is_what_its_values_would_be_if_they_were_given_anew_each_step(backend, numpy_backend, random):
    """And where a run comes to other records nothing is compiled anew."""
    times = np.array([0.0, 3.5, 4.0, 8.0]) * DT
    rates, at = random_rates(random, times)
    rates.plane.values[1] = 2.0  # the same everywhere
    model, first = made(backend, (Forcing(tracers=(supply,), values=rates),))
    plain, state = made(numpy_backend, (Forcing(tracers=(supply,), values=at(0.0)),))
    for step in range(8):
        state = plain.steps(state, 1, forcing=(at(step * DT),))
    traced, step = [], model._step

    def counted(*arguments):
        traced.append(arguments)
        return step(*arguments)

    model._steps = backend.loop(counted, period=3)
    reached = model.steps(model.steps(first, 1), 1)
    programs = len(traced)
    reached = model.steps(reached, 6)
    assert np.allclose(dye(reached) - 10.0, dye(state) - 10.0, rtol=1e-9, atol=1e-13) and np.ptp(dye(state)) > 1.0
    assert len(traced) == (programs if backend.name != "numpy" else 8)


def test_between_two_records_nothing_is_lost_to_rounding(numpy_backend):
    """Weights of eighths, and a stencil that is the value: bit for bit what is given anew each step."""
    values = np.stack([np.zeros(CELLS[1:]), np.arange(30.0).reshape(CELLS[1:])])
    model, first = made(numpy_backend, (surface_relaxation(0, TimeSeries([0.0, 8.0 * DT], values), 2.0**12),))
    plain, state = made(numpy_backend, (surface_relaxation(0, values[0], 2.0**12),))
    for step in range(8):
        state = plain.steps(state, 1, forcing=(plain.parameters.forcing[0].values._replace(target=step / 8.0 * values[1]),))
    assert np.array_equal(dye(model.steps(first, 8)), dye(state)) and np.ptp(dye(state)) > 1.0


def test_a_season_comes_again_and_its_last_record_meets_its_first(numpy_backend):
    rates = 1.0e-3 * np.array([1.0, 3.0, -2.0])
    series = TimeSeries(np.array([1.0, 3.0, 4.0]) * DT, rates, period=6.0 * DT)
    third = (rates[0] - rates[2]) / 3.0
    year = [rates[2] + 2.0 * third, rates[0], rates[:2].mean(), rates[1], rates[2], rates[2] + third]
    model, state = made(numpy_backend, (Forcing(tracers=(supply,), values=Rates(series, np.ones(CELLS[1:]), np.zeros(CELLS))),))
    dyes = [float(dye(model.steps(state, n))[0, 0, 0]) for n in range(14)]
    assert np.allclose(np.diff(dyes) / DT, [*year, *year, year[0]], rtol=1e-9)


@pytest.mark.parametrize("step", [-1, 0, 1, 5, 6, 7, 299, 300, 301])
def test_steps_are_between_the_records_around_them_in_any_year(step):
    series = TimeSeries(np.array([0.5, 3.0, 4.0]) * DT, [0.0, 1.0, 2.0], period=6.0 * DT)
    found = pair(series, step, DT)
    assert found.start <= step * DT < found.stop and found.until == np.ceil(found.stop / DT)
    assert (found.after - found.before) % 3 == 1 and (found.start / DT - [0.5, 3.0, 4.0][found.before]) % 6.0 == 0.0


def test_records_are_read_once_each_when_a_run_comes_to_them(numpy_backend):
    records = Counted(np.arange(6.0)[:, None, None] + np.zeros((6, *CELLS[1:])))
    model, state = made(numpy_backend, (Forcing(tracers=(supply,), values=Rates(
        1.0e-3, TimeSeries(np.arange(6.0) * 4.0 * DT, records), np.zeros(CELLS))),))
    assert records.read == [0, 1]
    for _ in range(7):
        state = model.step(state)
    assert records.read == [0, 1, 2] and len(model.records.records) == 2
    model.steps(state, 13)
    assert records.read == [0, 1, 2, 3, 4, 5] and len(model.records.records) == 2


def test_a_series_of_a_file_is_that_of_its_values(numpy_backend, tmp_path):
    netCDF4 = pytest.importorskip("netCDF4")
    xarray = pytest.importorskip("xarray")
    times, values = np.array([0.0, 4.0, 8.0]) * DT, 10.0 + np.arange(90.0).reshape(3, *CELLS[1:])
    xarray.Dataset({"sst": (("time", "y", "x"), values)}).to_netcdf(tmp_path / "sst.nc", engine="netcdf4")
    reached = []
    with netCDF4.Dataset(tmp_path / "sst.nc") as file, xarray.open_dataset(tmp_path / "sst.nc", engine="netcdf4") as dataset:
        for records in (values, file["sst"], dataset.sst, list(values)):
            model, state = made(numpy_backend, (surface_relaxation(0, TimeSeries(times, records), 10.0 * DT),))
            reached.append(dye(model.steps(state, 8)))
    assert all(np.array_equal(each, reached[0]) for each in reached[1:]) and np.ptp(reached[0]) > 1.0


@stencil
def by_level(k, j, i, grid, column, values, now):
    return values.profile[k]


def test_profiles_change_with_time_too(numpy_backend, random):
    times, records = np.array([0.0, 2.5, 6.0]) * DT, 1.0e-3 * random.standard_normal((3, CELLS[0]))
    model, state = made(numpy_backend, (Forcing(tracers=(by_level,), values=Rates(0.0, 0.0, 0.0, TimeSeries(times, records))),))
    sums = sum(np.apply_along_axis(lambda column, step=step: np.interp(step * DT, times, column), 0, records) for step in range(6))
    found = dye(model.steps(state, 6)) - 10.0
    assert np.allclose(found, (DT * sums)[:, None, None], rtol=1e-9)


def test_records_take_the_precision_of_the_model(numpy_backend):
    grid = rectilinear(CELLS, extent=(6.0e5, 5.0e5), interfaces=stretched(3, 300.0), precision="float32")
    rates = Rates(*(TimeSeries([0.0, 3.0 * DT], np.ones((2, *shape))) for shape in ((), CELLS[1:], CELLS)))
    parameters = Parameters(Ocean(buoyancy=no_buoyancy), time_step=DT, tracer_names=("dye",),
                            forcing=(Forcing(tracers=(supply,), values=rates),))
    reached = dye(Model(grid, parameters, numpy_backend).steps(start(grid), 2))
    assert reached.dtype == np.float32 and np.allclose(reached, 10.0 + 2.0 * 2.0 * DT)


def test_two_halves_with_a_restart_between_are_one_run(backend, tmp_path, random):
    rates, _ = random_rates(random, np.array([0.25, 3.3, 5.0]) * DT, period=7.1 * DT)
    model, state = made(backend, (Forcing(tracers=(supply,), values=rates),))
    whole = model.steps(state, 17)
    for n in (4, 9):
        path = restart.write(tmp_path / f"{n}.npz", model, model.steps(state, n))
        again, _ = made(backend, (Forcing(tracers=(supply,), values=rates),))
        assert np.array_equal(dye(again.steps(restart.read(path, again), 17 - n)), dye(whole))


def test_stages_of_a_step_have_the_value_at_its_beginning(numpy_backend):
    from dycore.equations.steppers import WickerSkamarock

    series = TimeSeries([0.0, 8.0 * DT], [0.0, 8.0e-3])
    model, state = made(numpy_backend, (Forcing(tracers=(supply,), values=Rates(series, np.ones(CELLS[1:]), np.zeros(CELLS))),),
                        stepper=WickerSkamarock())
    assert np.allclose(dye(model.steps(state, 4)) - 10.0, 1.0e-3 * (0 + 1 + 2 + 3) * DT, rtol=1e-10)


def test_a_wind_that_grows_accelerates_as_its_mean(numpy_backend):
    series = TimeSeries([0.0, 20.0 * DT], np.array([0.0, 2.0])[:, None, None])
    model, state = made(numpy_backend, surface_stress=(series, 0.0))
    u = fields_of(model.steps(state, 20))["u"]
    depth = float(basin().interfaces[-1] - basin().interfaces[0])
    # third-order Adams-Bashforth of a linear force is exact but for its first two steps
    assert np.isclose((u[:, 0, 0] * np.diff(basin().interfaces)).sum() / depth, 1.0 / 1025.0 / depth * 20.0 * DT, rtol=5e-3)


def test_a_gradient_goes_through_records_and_a_scan_through_a_season(numpy_backend, random):
    jax = pytest.importorskip("jax")
    from conftest import create

    rates, _ = random_rates(random, np.array([0.25, 3.3, 5.0]) * DT, period=7.1 * DT)
    model, state = made(create("jax"), (Forcing(tracers=(supply,), values=rates),))

    @jax.jit
    @jax.value_and_grad
    def mean(factor):
        first = model.asarrays(state)._replace(tracers=(factor * model.asarrays(state).tracers[0],))
        last, _ = jax.lax.scan(lambda now, _: (model.pure_step(now), None), first, None, length=17)
        return interior(last.tracers[0])[:, 2, 3].mean()

    plain, _ = made(numpy_backend, (Forcing(tracers=(supply,), values=rates),))
    assert np.allclose(mean(1.0), (dye(plain.steps(state, 17))[:, 2, 3].mean(), 10.0), rtol=1e-12)
    with pytest.raises(ValueError, match=r"number of the step, which is traced here. Use Model.pure_step"):
        jax.jit(lambda given: model.steps(given, 2))(model.asarrays(state))


@pytest.mark.parametrize(("period", "extend"), [(6.0, False), (7.3, False), (None, True), (None, False)])
def test_what_is_picked_of_all_records_is_what_is_read_of_two(period, extend):
    times, records = np.array([0.5, 3.0, 4.0]) * DT, np.array([1.0, 5.0, -2.0])
    series = TimeSeries(times, records, period=period and period * DT, extend=extend)
    for step in range(-5, 40):
        found = picked(np, series, records, np.int64(step), DT)
        if period is None and not extend and not 1 <= step <= 4:
            assert np.isnan(found.weight)
        else:
            own = between(series.record, pair(series, step, DT), DT)
            values = [at_step(None, each, step) for each in (found, own)]
            cycle = times[0] + (step * DT - times[0]) % (period * DT) if period else step * DT
            assert np.allclose(values, np.interp(cycle, [*times, times[0] + (period or 0.0) * DT] if period else times,
                                                 [*records, records[0]] if period else records), rtol=1e-12)


def test_before_the_first_and_after_the_last_record_a_run_is_refused_or_held(numpy_backend):
    held = TimeSeries(np.array([2.0, 4.0]) * DT, [1.0e-3, 3.0e-3], extend=True)
    rest = np.ones(CELLS[1:]), np.zeros(CELLS)
    model, state = made(numpy_backend, (Forcing(tracers=(supply,), values=Rates(held, *rest)),))
    assert np.allclose(dye(model.steps(state, 7)) - 10.0, 1.0e-3 * (1 + 1 + 1 + 2 + 3 + 3 + 3) * DT, rtol=1e-10)
    for times, n in (([2.0, 4.0], 1), ([0.0, 4.0], 6)):
        series = TimeSeries(np.array(times) * DT, [1.0e-3, 3.0e-3])
        model, state = made(numpy_backend, (Forcing(tracers=(supply,), values=Rates(series, *rest)),))
        sentence = r"forcing\[0\].values.number is known from day .* to day 0.0237037, and a step begins on day .*extend=True"
        with pytest.raises(ValueError, match=sentence):
            model.steps(state, n)
        with pytest.raises(ValueError, match=sentence):
            model.run(state, steps=n, progress=False)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"times": [0.0]}, r"have shape \(1,\). Give two of them or more"),
    ({"times": [0.0, 2.0, 1.0]}, r"times\[2\] = 1 s of a TimeSeries is not later"),
    ({"times": [np.nan, 1.0, 2.0]}, r"not later than the time before it"),
    ({"times": [0.0, 1.0]}, r"has 2 times and 3 records"),
    ({"times": np.array(["2000-01-01", "2000-01-02", "2000-01-03"], "datetime64[s]")}, r"dycore.calendars.seconds makes seconds"),
    ({"period": 2.0}, r"period=2.0 must be longer than the 2 s from the first"),
    ({"values": 3.0}, r"of the type float, without records"),
    ({"values": {0: 1.0, 1: 2.0, 2: 3.0}}, r"of the type dict, which has no first and second record"),
    ({"values": {1.0, 2.0, 3.0}}, r"of the type set, which has no first"), ({"values": "abc"}, r"of the type str, which"),
])
def test_a_series_that_makes_no_sense_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        TimeSeries(**({"times": [0.0, 1.0, 2.0], "values": np.zeros(3)} | options))


def test_tables_of_pandas_are_read_by_position():
    pandas = pytest.importorskip("pandas")
    table = np.arange(9.0).reshape(3, 3)
    for index in ([2, 1, 0], list("abc"), pandas.date_range("2000-01-01", periods=3)):
        column, rows = pandas.Series([1.0, 2.0, 3.0], index=index), pandas.DataFrame(table, index=index, columns=[2, 1, 0])
        assert [TimeSeries([0.0, 1.0, 2.0], column).record(n) for n in range(3)] == [1.0, 2.0, 3.0]
        assert np.array_equal([TimeSeries([0.0, 1.0, 2.0], rows).record(n) for n in range(3)], table)


def test_records_of_which_the_own_time_is_another_are_refused():
    xarray = pytest.importorskip("xarray")
    cftime = pytest.importorskip("cftime")
    times, days = np.arange(3) * 86400.0, np.array(["2000-01-01", "2000-01-02", "2000-01-03"], "datetime64[ns]")
    noleap = cftime.num2date([0, 1, 2], "days since 2000-02-28", "noleap")
    for own in (days, noleap, [0, 1, 2], [*"abc"]):
        values = xarray.DataArray([1.0, 2.0, 3.0], dims="time", coords={"time": own})
        assert float(TimeSeries(times, values).record(2)) == 3.0
    for own in (days, noleap, [0, 1, 2]):
        values = xarray.DataArray([1.0, 2.0, 3.0], dims="time", coords={"time": own})
        with pytest.raises(ValueError, match=r"coordinate time that does not increase: .*\.sortby\('time'\)"):
            TimeSeries(times, values[::-1])
    for own in (days, noleap):
        values = xarray.DataArray([1.0, 2.0, 3.0], dims="time", coords={"time": own})
        with pytest.raises(ValueError, match="coordinate time with 86400 s from record 0 to the next, and the times have 3600 s"):
            TimeSeries(times / 24.0, values)
    with pytest.raises(ValueError, match="are of the type Dataset, which has no first"):
        TimeSeries(times, xarray.Dataset({"a": ("time", [1.0, 2.0, 3.0])}))


def test_a_record_goes_through_the_gate_when_it_is_read(numpy_backend):
    records = np.zeros((3, *CELLS[1:]))
    records[2, 0, 1] = np.nan
    model, state = made(numpy_backend, (surface_relaxation(0, TimeSeries(np.arange(3.0) * DT, records), DT),))
    model.steps(state, 1)
    with pytest.raises(ValueError, match=r"record 2 of forcing\[0\].values.target has values that are not finite numbers"):
        model.steps(state, 2)
    with pytest.raises(ValueError, match=r"record 1 of surface_stress\[0\] has shape \(2, 2\)"):
        made(numpy_backend, surface_stress=(TimeSeries([0.0, DT], [np.zeros(CELLS[1:]), np.zeros((2, 2))]), 0.0))


def test_parameters_tell_of_a_series_without_reading_it(numpy_backend):
    records = Counted(np.zeros((12, *CELLS[1:])))
    series = TimeSeries(np.arange(12.0) * 86400.0, records, period=20.0 * 86400.0)
    text = repr(Parameters(Ocean(), time_step=DT, surface_stress=(series, 0.0)))
    assert "TimeSeries(12 records from day 0 to 11, repeated after 20 days)" in text and not records.read
