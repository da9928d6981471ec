"""Dates: a run that starts on one shows it in output, restarts, progress and on the command line, in its own calendar."""

import dataclasses
import datetime
import json
import logging
import re

import numpy as np
import pytest

from dycore import Model, Parameters, restart
from dycore.calendars import CALENDARS, after, date, dated, monthly, seconds
from dycore.cli import main
from dycore.fluid import Ocean
from dycore.forcing import Forcing
from dycore.grid import rectilinear
from dycore.running.progress import DAY
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.vertical import uniform
from dycore.writing import Means, Snapshots

cftime = pytest.importorskip("cftime")
xarray = pytest.importorskip("xarray")
YEARS = {"standard": 366, "proleptic_gregorian": 366, "noleap": 365, "all_leap": 366, "360_day": 360, "julian": 366}  # of 2000
LAST = {"standard": "2000-02-29", "noleap": "2000-03-01", "360_day": "2000-02-30"}  # 59 days after 1 January 2000

BEGUN = "2000-01-01 00:00:00 (noleap)"


@stencil
def supply(k, j, i, grid, column, values, now):
    return values[0]


def made(backend, start=None, **changes):
    grid = rectilinear((2, 4, 5), extent=(5.0e8, 4.0e8), interfaces=uniform(2, -100.0, 0.0))
    parameters = Parameters(Ocean(), DAY, tracer_names=("temperature", "salinity"), start=start, **changes)
    return Model(grid, parameters, backend), initial_state(grid, surface=0.0, tracers=(10.0, 35.0))


def on_day(model, state, days):
    step = round(days * DAY / model.parameters.time_step)
    return model.asarrays(state)._replace(step=step, time=days * DAY)


@pytest.mark.parametrize("calendar", LAST)
def test_output_has_the_date_of_a_step_in_the_calendar_of_the_run(numpy_backend, tmp_path, calendar):
    model, state = made(numpy_backend, date("2000-01-01", calendar))
    begin = on_day(model, state, 58.0)
    decoded = xarray.decode_cf(model.dataset(on_day(model, state, 59.0)).assign_coords())
    assert str(decoded.time.item() if decoded.time.dtype == object else decoded.time.values)[:10] == LAST[calendar]
    for path in ("s.nc", "s.zarr"):
        model.run(begin, steps=1, write=(Snapshots(tmp_path / path, 1.0), Means(tmp_path / f"m{path}", 1.0)), progress=False)
        for name, when in ((path, "00:00"), (f"m{path}", None)):
            engine = "zarr" if name.endswith("zarr") else "netcdf4"
            with xarray.open_dataset(tmp_path / name, engine=engine) as found:
                last = found.time.values[-1]
                calendar_there = found.time.encoding["calendar"]
            assert calendar_there == calendar
            assert when is None or str(last).replace("T", " ")[:16] == f"{LAST[calendar]} {when}"


def test_a_run_without_a_date_is_written_as_ever(numpy_backend, tmp_path):
    model, state = made(numpy_backend)
    model.run(state, steps=1, write=(Snapshots(tmp_path / "s.nc", 1.0),), restarts=restart.Restarts(tmp_path, 1.0), progress=False)
    with xarray.open_dataset(tmp_path / "s.nc", engine="netcdf4", decode_times=False) as found:
        assert found.time.attrs == {"standard_name": "time", "long_name": "time since the start, as a date", "axis": "T",
                                    "units": "seconds since 0001-01-01 00:00:00", "calendar": "noleap"}
        assert "start" not in json.loads(found.identity)
    with np.load(restart.latest(tmp_path)) as file:
        assert "start" not in json.loads(str(file["about"]))


@pytest.mark.parametrize("other", ["2000-01-02", None])
def test_restarts_and_output_of_another_start_are_refused(numpy_backend, tmp_path, other):
    model, state = made(numpy_backend, date("2000-01-01", "noleap"))
    model.run(state, steps=1, write=(Snapshots(tmp_path / "s.nc", 1.0),), restarts=restart.Restarts(tmp_path, 1.0), progress=False)
    path = restart.latest(tmp_path)
    assert restart.read(path, model).step == 1
    another, _ = made(numpy_backend, other and date(other, "noleap"))
    now = f"{other} 00:00:00 (noleap)" if other else "None"
    with pytest.raises(ValueError, match=re.escape(f"not belong to this model: start is {BEGUN} there and {now} in")):
        restart.read(path, another)
    with pytest.raises(ValueError, match=re.escape(f"was written by another run: start is {BEGUN} there")):
        another.run(on_day(model, state, 1.0), steps=1, write=(Snapshots(tmp_path / "s.nc", 1.0),), progress=False)
    dateless, _ = made(numpy_backend)
    restart.write(tmp_path / "dateless.npz", dateless, state)
    with pytest.raises(ValueError, match=re.escape(f"start is None there and {BEGUN} in the model")):
        restart.read(tmp_path / "dateless.npz", model)


@pytest.mark.parametrize("calendar", LAST)
def test_progress_shows_the_date(numpy_backend, caplog, calendar):
    model, state = made(numpy_backend, date("2000-01-01", calendar))
    with caplog.at_level(logging.INFO, "dycore"):
        model.run(on_day(model, state, 58.0), steps=1, progress=False)
    assert f"{LAST[calendar]} 00:00:00, day 59.00 of 59.00" in caplog.text


def test_dates_of_a_calendar_are_those_of_cftime():
    for calendar, days in YEARS.items():
        start = date("2000-01-01 06:00", calendar)
        assert seconds([date("2001-01-01 06:00", calendar)], start) == [days * DAY]
        assert after(start, days * DAY + 0.4) == "2001-01-01 06:00:00"
    start = date("1999-12-31", "standard")
    assert (seconds(np.array(["2000-01-01", "2000-03-01"], "datetime64[ns]"), start) == [DAY, 61.0 * DAY]).all()
    assert (seconds([datetime.datetime(2000, 1, 1)], start) == DAY).all()
    with pytest.raises(ValueError, match=re.escape("calendar 360_day, and the run starts on 1999-12-31 00:00:00 (standard)")):
        seconds([date("2000-01-01", "360_day")], start)
    dates = np.ma.masked_array([date("2000-01-01"), date("2000-02-01")], [False, True])
    with pytest.raises(ValueError, match=r"1 of the 2 dates are masked\. Leave them out"):
        seconds(dates, start)


@pytest.mark.parametrize(("text", "calendar", "sentence"), [
    ("2000-02-31", "360_day", "'2000-02-31' is no date in the calendar 360_day"),
    ("2001-02-29", "noleap", "'2001-02-29' is no date in the calendar noleap"),
    ("2001-02-29", "standard", "'2001-02-29' is no date in the calendar standard"),
    ("soon", "standard", "'soon' is no date. Give YEAR-MONTH-DAY"),
    ("2000-01-01", "lunar", "calendar='lunar' is none that there is. Use one of standard"),
])
def test_what_is_no_date_is_refused(text, calendar, sentence):
    with pytest.raises(ValueError, match=sentence):
        date(text, calendar)
    assert date("2000-02-30", "360_day").day == 30


@pytest.mark.parametrize(("start", "sentence"), [
    ("2000-01-01", "start='2000-01-01' must be a cftime.datetime, for example"),
    (datetime.datetime(2000, 1, 1), "must be a cftime.datetime"),
    (cftime.datetime(2000, 1, 1, calendar=""), "is in the calendar ''"),
    (cftime.datetime(2000, 1, 1, 0, 0, 0, 5, calendar="noleap"), "must be a date in whole seconds"),
])
def test_a_start_that_is_none_is_refused(numpy_backend, start, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(numpy_backend, start)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_months_have_the_lengths_of_their_calendar_every_year(calendar):
    start = date("1999-03-01", calendar)
    series = monthly(np.arange(12.0), start)
    assert len(series.times) == 12 * CALENDARS[calendar]
    for year in (1999, 2000, 2096, 2100, 2398):
        for number, (month, following) in enumerate(((f"{year}-02-01", f"{year}-03-01"), (f"{year}-12-01", f"{year + 1}-01-01"))):
            begin, end = seconds([date(month, calendar), date(following, calendar)], start)
            middle = 0.5 * (begin + end)
            away = (middle - series.times) % series.period
            record = int(np.argmin(np.minimum(away, series.period - away)))
            assert min(away[record], series.period - away[record]) < 1e-3 and record % 12 == (1, 11)[number]


def test_a_year_of_months_ends_as_it_began(numpy_backend):
    start = date("2000-01-01", "360_day")
    rates = np.random.default_rng(2).standard_normal(12)
    series = monthly(rates / (360.0 * DAY), start)
    model, state = made(numpy_backend, start, forcing=(Forcing(tracers=(None, supply), values=(series,)),))
    reached = model.steps(state, 360)
    # every day of a year of equal months counts once: the mean is that of the months
    assert np.allclose(reached.tracers[1][2:-2, 3:-3, 3:-3] - 35.0, rates.mean(), rtol=1e-3, atol=1e-6)
    changes = []
    for days in (10.0, 370.0, 370.0 + 360.0 * 7):
        begin = on_day(model, state, days)
        changes.append(model.steps(begin, 1).tracers[1][3, 5, 5] - 35.0)
    assert np.allclose(changes, changes[0], rtol=1e-9)
    assert np.isclose(changes[0], (rates[11] + (10.0 + 15.0) / 30.0 * (rates[0] - rates[11])) / 360.0, rtol=1e-6)


def test_months_are_twelve_and_of_a_calendar_that_repeats():
    with pytest.raises(ValueError, match="has 12 records; given 11"):
        monthly(np.zeros(11))
    with pytest.raises(ValueError, match="before the standard calendar became that of today, in 1582"):
        monthly(np.zeros(12), date("0001-01-01"))
    assert np.isclose(monthly(np.zeros(12)).times[1], (31 + 14) * DAY) and monthly(np.zeros(12)).period == 365 * DAY


def test_records_of_dates_stand_at_their_times():
    start = date("2000-01-01", "360_day")
    series = dated([1.0, 2.0], [date("2000-02-30", "360_day"), date("2000-03-01", "360_day")], start, extend=True)
    assert (series.times == [59 * DAY, 60 * DAY]).all() and series.extend


def test_a_start_changes_nothing_of_a_run(numpy_backend):
    model, state = made(numpy_backend)
    other = Model(model.grid, dataclasses.replace(model.parameters, start=date("2000-01-01")), numpy_backend)
    assert np.array_equal(model.steps(state, 3).tracers[0], other.steps(state, 3).tracers[0])
    assert other.with_parameters(other.parameters).numbers and "2000-01-01 00:00:00" in repr(other)


RUN = ["run", "baroclinic_channel", "--cells", "2,5,8", "--steps", "2", "--time-step", "1350"]


def dycore(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_the_command_line_takes_a_start_and_goes_on_with_it(capsys, tmp_path):
    dates = "--start", "2000-02-30", "--calendar", "360_day"
    written = "--restarts", tmp_path / "r", "--output", tmp_path / "s.nc", "--output-every", 1350.0 / DAY
    code, out, err = dycore(capsys, *RUN, *dates, *written)
    assert (code, err) == (0, "") and "start 2000-02-30 00:00:00 (360_day), from the beginning" in out
    with xarray.open_dataset(tmp_path / "s.nc", engine="netcdf4") as found:
        assert [str(time) for time in found.time.values] == [f"2000-02-30 00:{m}:00" if s == 0 else f"2000-02-30 00:{m}:{s}"
                                                             for m, s in (("00", 0), ("22", 30), ("45", 0))]
    (tmp_path / "run.toml").write_text('case = "baroclinic_channel"\ncells = [2, 5, 8]\nsteps = 4\ntime_step = 1350\n'
                                       'start = "2000-02-30"\ncalendar = "360_day"\n')
    going_on = "--restarts", tmp_path / "r", "--continue", tmp_path / "r"
    code, out, err = dycore(capsys, "run", tmp_path / "run.toml", *going_on)
    assert (code, err) == (0, "") and "2000-02-30 00:45:00, day 0.03125" in out
    code, out, err = dycore(capsys, "run", tmp_path / "run.toml", "--start", "2000-03-01", *going_on)
    assert code == 2 and "start is 2000-02-30 00:00:00 (360_day) there and 2000-03-01 00:00:00 (360_day) in the model" in err


def test_a_file_repeats_the_start(capsys, tmp_path):
    code, out, _ = dycore(capsys, *RUN, "--start", "2000-02-29", "--dry-run")
    assert code == 0 and 'start = "2000-02-29"\ncalendar = "standard"\n' in out
    assert "calendar" not in dycore(capsys, *RUN, "--dry-run")[1]
    (tmp_path / "run.toml").write_text(out.replace('"2000-02-29"', "2000-02-29"))  # a date of TOML
    assert dycore(capsys, "run", tmp_path / "run.toml", "--dry-run")[:2] == (0, out)


@pytest.mark.parametrize(("options", "sentence"), [
    (["--start", "2000-02-31", "--calendar", "360_day"], "'2000-02-31' is no date in the calendar 360_day"),
    (["--start", "2000-13-01"], "'2000-13-01' is no date in the calendar standard"),
    (["--start", "tomorrow"], "'tomorrow' is no date: give YEAR-MONTH-DAY"),
    (["--start", "2000-01-01", "--calendar", "360days"], "there is no calendar '360days': did you mean '360_day'?"),
    (["--calendar", "360_day"], 'calendar = "360_day" is given without start.'),
])
def test_a_start_that_no_calendar_has_is_refused_in_a_sentence(capsys, options, sentence):
    code, out, err = dycore(capsys, *RUN, *options)
    assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err
