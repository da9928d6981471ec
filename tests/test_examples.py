"""Every example runs, and what it says is right."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from conftest import create, fields_of

from dycore import Model, cases
from dycore.backends import on_numpy
from dycore.equations import advection
from dycore.physics.surface import HEAT_CAPACITY

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name):
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(folder):
    """A path for a picture, of which `is_drawn` says whether it is there."""
    return folder / "picture.png"


def is_drawn(folder):
    return drawn(folder).read_bytes()[:4] == b"\x89PNG" and drawn(folder).stat().st_size > 3000


def test_the_heat_that_a_forcing_of_ones_own_gives_is_all_in_the_ocean(tmp_path):
    flux, before, after = example("custom_forcing").main(cells=(4, 6, 8), days=0.5, picture=drawn(tmp_path))
    assert is_drawn(tmp_path)
    thickness = np.diff(_interfaces(before))

    def heat(data):  # J/m2
        depth = 1.0 + data.sea_surface_height.values / thickness.sum()
        return 1025.0 * HEAT_CAPACITY * (thickness[:, None, None] * depth * data.temperature.values).sum(axis=0).mean()

    # sunlight falls to exp(-400 / 23) = 3e-8 of itself at the floor; heat is summed to 1e-12 of 2e10 J/m2, of which 6e6 are new
    assert heat(after) - heat(before) == pytest.approx(0.5 * 86400.0 * flux.mean(), rel=1e-6)


def _interfaces(data):
    """Interfaces from the surface down, of levels given by their centres."""
    interfaces = [0.0]
    for centre in data.height.values[::-1]:
        interfaces.append(2.0 * centre - interfaces[-1])
    return np.array(interfaces[::-1])


def test_a_first_order_tracer_scheme_of_ones_own_keeps_bounds_that_third_order_does_not(tmp_path):
    module = example("custom_tracer_scheme")
    patch, dye = module.main(picture=drawn(tmp_path))
    assert is_drawn(tmp_path)
    first, limited, third = (dye[scheme] for scheme in (module.upwind1, module.limited, advection.upwind3))
    # a mean of values with weights that are not negative: the Runge-Kutta polynomial up to Courant number one; round-off
    assert first.min() > -1e-13 and first.max() < 1.0 + 1e-13
    assert third.min() < -0.01 and third.max() > 1.01
    assert first.var() < limited.var() < patch.var()
    for values in dye.values():
        assert values.mean() == pytest.approx(patch.mean(), rel=1e-12)  # nothing is lost


def test_members_of_an_ensemble_are_the_runs_that_they_would_be_alone(tmp_path):
    create("jax")
    cells, days, perturbations = (3, 8, 12), 0.5, (0.5, 2.0)
    end = example("ensemble").main(perturbations, cells, days, picture=drawn(tmp_path))
    assert is_drawn(tmp_path)
    for member, perturbation in enumerate(perturbations):
        grid, parameters, state = cases.baroclinic_wave(cells, perturbation=perturbation)
        alone = fields_of(Model(grid, parameters, on_numpy).run(state, days=days, progress=False))
        together = fields_of(end._replace(**{name: getattr(end, name)[member] for name in ("u", "v", "w", "surface")},
                                          tracers=(end.tracers[0][member],)))
        for name, field in alone.items():  # XLA reorders sums; see test_backends
            assert np.abs(together[name] - field).max() < 1e-10 * max(np.ptp(field), 1e-2 * np.abs(field).max()), name


def test_assimilation_comes_nearer_to_the_truth_in_every_field_and_draws_it(tmp_path):
    create("jax")
    before, after, found = example("assimilation").main(on_numpy, (2, 6, 8), days=0.5, spin_up=0.5, iterations=6, uncertain=(),
                                                        picture=tmp_path / "sea_level.png")
    for name in ("u", "v", "temperature"):
        assert after[name] < 0.95 * before[name], name
    assert found.cost[-1] < 0.5 * found.cost[0] and (tmp_path / "sea_level.png").stat().st_size > 1000


def test_sensitivities_are_what_a_changed_wind_does_and_come_along_the_coast_with_kelvin_waves(tmp_path):
    create("jax")
    sea_level, slopes = example("sensitivity").main(cells=(1, 12, 16), days=0.5, picture=tmp_path / "slopes.png")
    eastward, northward, before = slopes.values()
    random = np.random.default_rng(4)
    changes = [0.1 * random.standard_normal(eastward.shape) for _ in range(2)]
    changed = [sea_level(*(sign * change for change in changes)) for sign in (1.0, -1.0)]
    expected = (eastward * changes[0]).sum() + (northward * changes[1]).sum()
    assert 0.5 * float(changed[0] - changed[1]) == pytest.approx(expected, rel=1e-3)
    assert before[0].sum() > 10.0 * abs(before[-1].sum())  # from the south, with the coast to their right
    assert (tmp_path / "slopes.png").stat().st_size > 5000


def test_calibration_has_errors_that_cover_the_truth_and_draws_its_cost(tmp_path):
    create("jax")
    module = example("calibration")
    curves, found = module.main(on_numpy, (2, 6, 8), days=0.5, spin_up=0.5, picture=tmp_path / "cost.png")
    for name, truth in module.TRUTH.items():
        assert abs(found.estimates.distance(name, truth)) < 3.0, name
    assert [curve.name for curve in curves] == list(module.TRUTH) and (curves[0].costs > found.cost[-1]).all()
    assert (tmp_path / "cost.png").stat().st_size > 1000


def test_4d_var_and_a_filter_are_as_far_off_as_they_say_and_draw_it(tmp_path):
    create("jax")
    module = example("uncertainty")
    found, distances, ranks = module.main(seeds=(0,), members=20, times=4, modes=120, picture=tmp_path / "spread.png")
    for method, each in found.items():
        assert 0.6 < each.dispersion < 1.6 and each.within_two > 0.8, method
        assert (np.abs(distances[method]) < 3.0).all(), method
    assert len(ranks) == 21 and ranks[[0, -1]].sum() < 2.0 * 2.0 / 21.0 * ranks.sum()
    assert (tmp_path / "spread.png").stat().st_size > 5000


def test_a_network_knows_parameters_of_a_basin_that_it_has_not_seen_better_than_the_best_constants_and_draws_them(tmp_path):
    create("jax")
    pytest.importorskip("equinox")
    errors = example("parameters_from_maps").main(n=10, looks=4, training=(1, 2), unseen=(5, 6), passes=20,
                                                  picture=tmp_path / "fields.png")
    network, constants = errors["network"], errors["constants"]
    assert network["sea level"] < 0.95 * constants["sea level"]
    for name in ("vertical_mixing.linear_drag", "friction"):
        assert network[name] < 0.7 * constants[name]
    assert (tmp_path / "fields.png").stat().st_size > 1000
def test_networks_that_were_trained_through_the_solver_beat_those_trained_on_rates_and_none_and_draw_it(tmp_path):
    create("jax")
    errors, climates, _ = example("hybrid").main(on_numpy, (3, 6, 8), spin_up=15, days=6, passes=300, rollouts={2: 6}, long=2,
                                                 picture=tmp_path / "hybrid.png")
    assert errors["online"][-1] < errors["offline"][-1] < 0.5 * errors["none"][-1]
    assert list(climates) == ["truth", "none", "offline", "online"] and (tmp_path / "hybrid.png").stat().st_size > 1000


def test_a_closure_that_was_trained_through_the_solver_beats_one_trained_on_rates_and_none_and_draws_it(tmp_path):
    create("jax")
    pytest.importorskip("equinox")
    errors, climates, _ = example("eddying_channel").main(on_numpy, (2, 4, 8), finer=2, spin_up=10, single=60, windows=10,
                                                          rollouts={2: 20}, tests=3, long=2, picture=tmp_path / "fluxes.png")
    assert errors["online"][-1] < errors["offline"][-1] < 0.5 * errors["none"][-1]
    assert list(climates) == ["truth", "none", "offline", "online"] and (tmp_path / "fluxes.png").stat().st_size > 1000


def test_a_state_from_a_netcdf_file_has_the_fields_of_the_file(tmp_path):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("netCDF4")
    lon, lat, depth = (xr.DataArray(values, {name: values}, name) for name, values in (
        ("lon", np.array([-5.0, 20.0, 65.0])), ("lat", np.array([60.0, 30.0, 10.0])), ("depth", np.array([0.0, 900.0, 3000.0]))))

    def theta(lon, lat, depth):
        return 20.0 - 0.1 * lat + 0.02 * lon - 0.003 * depth  # linear, so that interpolation is exact

    warm = theta(lon, lat, depth).transpose("lon", "depth", "lat")
    xr.Dataset({"theta": warm, "salt": xr.full_like(warm, 35.0)}).to_netcdf(tmp_path / "mine.nc")
    grid, start, end = example("from_netcdf").main(tmp_path / "mine.nc", cells=(3, 6, 8), days=0.1, picture=drawn(tmp_path))
    assert is_drawn(tmp_path)
    centre = -0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    fields = fields_of(start)
    depth = np.minimum(centre, 3000.0)  # below the last level of the file is what there is on it
    assert np.allclose(fields["tracer 0"], theta(grid.x, grid.y[:, None], depth[:, None, None]), atol=1e-12)  # of 20 degrees
    assert np.allclose(fields["tracer 1"], 35.0, atol=1e-12)
    assert np.ptp(fields_of(end)["u"]) > 1e-3  # and a front drives currents


def test_the_file_that_stands_in_for_ones_own_is_read(tmp_path):
    pytest.importorskip("netCDF4")
    module = example("from_netcdf")
    module.write_stand_in(tmp_path / "atlas.nc")
    _, start, _ = module.main(tmp_path / "atlas.nc", cells=(3, 6, 8), days=0.1)
    temperature = fields_of(start)["tracer 0"]
    assert (np.diff(temperature, axis=0) > 0.0).all() and (np.diff(temperature, axis=1) < 0.0).all()  # warm above and south


def test_twice_the_wind_drives_twice_the_transport_of_a_slow_gyre(tmp_path):
    transports = example("parameter_sweep").main(on_numpy, factors=(0.01, 0.02), cells=(1, 36, 36), days=0.5,
                                                 picture=drawn(tmp_path))
    assert is_drawn(tmp_path)
    # Rossby number of a gyre of 0.3 Sv: 1e-5; its sea level, 1e-6 of the depth
    assert transports[0] > 0.0 and transports[1] / transports[0] == pytest.approx(2.0, rel=1e-3)


def test_the_surface_follows_the_months_that_were_observed(capsys, tmp_path):
    months, end = example("seasons").main(days=3.0, picture=drawn(tmp_path))
    assert is_drawn(tmp_path)
    # relaxed in 0.3 days to a value that rises by 1/30 of a month's change a day: 0.3 days behind it
    behind = months[6] + (2.7 / 30.0) * (months[7] - months[6])
    assert np.allclose(end.temperature.isel(height=-1).mean("x"), behind.mean(axis=-1), atol=0.3)
    assert abs(end.temperature.isel(height=-1).mean().item() - behind.mean()) < 0.02
    assert (end.time.units, end.time.calendar) == ("seconds since 2000-07-16 00:00:00", "360_day")
    assert "3 days since 2000-07-16 00:00:00 (360_day) the surface has" in capsys.readouterr().out


def test_the_example_is_driven_by_the_months_of_its_file(tmp_path):
    """Of the records that it has in the middle of July the temperature is that of the file, in degrees Celsius, in the east too."""
    for library in ("netCDF4", "scipy", "cf_units", "cftime"):
        pytest.importorskip(library)
    grid, parameters, end = example("forcing_from_files").main(tmp_path / "climatology.nc", days=0.5, picture=drawn(tmp_path))
    assert is_drawn(tmp_path)
    sst = parameters.forcing[1].values.target
    warmth = np.cos(np.radians(grid.latitude - 10.0))
    land = (grid.longitude > 47.5) & (grid.latitude < 22.5)
    error = np.abs(sst.record(6) - (300.0 * warmth - 273.15))
    assert error[~land].max() < 300.0 * np.radians(5.0) ** 2 / 8.0 and land.sum() > 0 and np.isfinite(sst.record(6)).all()
    assert "bilinear by scipy from 36 x 72 points" in sst.in_words and end.temperature.attrs["units"] == "degree_C"
    assert np.abs(end.eastward_velocity.values).max() > 1e-3 and np.ptp(end.temperature.values[-1]) > 0.01


def test_every_example_is_here_and_short():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for path in EXAMPLES.glob("*.py"):
        assert f'example("{path.stem}")' in text, f"no test runs {path.name}"
        assert len(path.read_text().splitlines()) <= 60, path.name
