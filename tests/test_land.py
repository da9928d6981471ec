"""Columns of land: budgets that close, steady states, phenology and photosynthesis against numbers worked by hand, and backends."""

import math
from pathlib import Path

import numpy as np
import pytest
from conftest import create
from land_cases import CELLS, parameters, seasons, total_carbon

from dycore import land
from dycore.backends import on_numpy
from dycore.land import observed
from dycore.land.carbon import coefficients_of
from dycore.land.phenology import YEAR, lambert
from dycore.land.weather import day_length


def constant_gpp(canopy, weather, carbon):
    """A photosynthesis that knows no weather: 5 g C/(m2 day)."""
    return np.full_like(canopy.leaf_area, 5.0)


def test_there_are_23_parameters_of_carbon_and_all_have_a_range_and_a_value_within_it():
    assert len(land.Carbon._fields) == 23 and list(land.by_name(land.Parameters())) == list(land.RANGES)
    for name, value in land.by_name(land.Parameters()).items():
        bounds = land.RANGES[name]
        assert bounds.least <= value <= bounds.greatest and bounds.unit and bounds.meaning, name


def test_carbon_of_all_pools_changes_by_photosynthesis_less_respiration_to_round_off():
    for days in (1.0, 0.25):
        columns = land.Land(CELLS, parameters(), on_numpy, days=days)
        state, weather = columns.start(), seasons(steps=60, length=days)
        for number in range(60):
            before = total_carbon(state)
            state, fluxes = columns.step(state, weather.at(number))
            gained = days * (fluxes.gpp - fluxes.autotrophic - fluxes.heterotrophic)
            assert np.allclose(total_carbon(state) - before, gained, rtol=0.0, atol=1e-14 * before.max())
            assert np.allclose(-days * observed.net_exchange(fluxes), gained, rtol=0.0, atol=1e-12)
        assert all((pool > 0.0).all() for pool in state.pools)


def test_water_and_energy_change_by_what_comes_and_goes_to_round_off_and_water_stays_within_its_bounds():
    columns = land.Land(CELLS, parameters(), on_numpy)
    state, weather, water = columns.start(), seasons(), columns.parameters.water
    for number in range(365):
        before, (state, fluxes) = state, columns.step(state, weather.at(number))
        stored = observed.water_storage(state) - observed.water_storage(before)
        come = weather.at(number).precipitation - fluxes.evaporation - fluxes.runoff - fluxes.drainage
        assert np.allclose(stored, come, rtol=0.0, atol=1e-11)
        heated = water.heat_capacity * (state.reservoirs.temperature - before.reservoirs.temperature) / 86400.0
        assert np.allclose(heated, fluxes.net_radiation - fluxes.latent_heat - fluxes.sensible_heat, rtol=0.0, atol=1e-7)
        assert np.allclose(fluxes.latent_heat, 2.45e6 / 86400.0 * fluxes.evaporation)
        assert (state.reservoirs.root_zone >= 0.0).all() and (state.reservoirs.root_zone <= water.root_zone_capacity).all()
        assert ((fluxes.stress >= 0.0) & (fluxes.stress <= 1.0)).all()


def test_pools_of_a_weather_without_change_stay_where_inputs_are_turnover_times_pools():
    """Of a frozen season, in which some leaves unfold and some fall every day."""
    carbon = land.Carbon(onset_day=100.0, fall_day=100.0, soil_turnover=1e-4, root_turnover=1e-2)
    flat = land.Land((1, 1), land.Parameters(carbon, land.Water(stress_threshold=1e-6)), on_numpy, photosynthesis=constant_gpp)
    day = land.weather((1, 1), [100.0], latitude=0.0, minimum_temperature=10.0, maximum_temperature=20.0, shortwave=15.0,
                       vapour_pressure_deficit=5.0, precipitation=3.0)
    made = flat.coefficients.carbon
    onset, fall = ((season.peak * np.exp(-(season.sharpness * (day.season_sine * season.cosine
                                                                    - day.season_cosine * season.sine)) ** 2)).item()
                   for season in (made.onset, made.fall))
    net, warmth = 5.0 * (1.0 - carbon.autotrophic_fraction), math.exp(carbon.temperature_sensitivity * 15.0)
    leaves = net * carbon.leaf_fraction
    labile = (net - leaves) * carbon.labile_fraction
    roots = (net - leaves - labile) * carbon.root_fraction
    litter = (leaves + labile + roots) / ((carbon.litter_turnover + carbon.decomposition_rate) * warmth)
    wood = net - leaves - labile - roots
    soil = (wood + carbon.decomposition_rate * warmth * litter) / (carbon.soil_turnover * warmth)
    steady = land.Pools(labile / onset, (leaves + labile) / fall, roots / carbon.root_turnover, wood / carbon.wood_turnover,
                        litter, soil)
    first = flat.start()
    state, fluxes = flat.step(first._replace(pools=land.Pools(*(np.full((1, 1), pool) for pool in steady))), day.at(0))
    assert np.allclose(state.pools, np.reshape(steady, (6, 1, 1)), rtol=1e-12)
    assert observed.net_exchange(fluxes) == pytest.approx(0.0, abs=1e-12)
    for _ in range(1500):
        first, _ = flat.step(first, day.at(0))
    assert np.allclose(first.pools[:3], np.reshape(steady[:3], (3, 1, 1)), rtol=1e-3)  # the quick pools get there


def test_photosynthesis_is_that_of_the_published_formula_and_needs_leaves_light_and_carbon_dioxide():
    """The sums of Bloom and Williams (2015), as they stand there: 3 m2/m2 of leaves, 10 to 22 degrees C, 18 MJ, 390 ppm, 15 h."""
    def gpp(leaf_area=3.0, light=18.0, outside=390.0):
        columns = land.Land((1, 1), land.Parameters(land.Carbon(initial_leaves=60.0 * leaf_area, canopy_efficiency=20.0)), on_numpy)
        day = land.weather((1, 1), [180.0], latitude=0.0, minimum_temperature=10.0, maximum_temperature=22.0, shortwave=light,
                           vapour_pressure_deficit=5.0, precipitation=0.0, carbon_dioxide=outside)
        return float(columns.step(columns.start(), day._replace(day_length=np.full((1, 1, 1), 15.0)).at(0))[1].gpp.item())

    g = 2.0**0.789798 / (0.37836 + 6.0)
    p = 3.0 * 20.0 * math.exp(0.011136 * 22.0) / g
    q = 4.22273 - 208.868
    inside = 0.5 * (390.0 + q - p + math.sqrt((390.0 + q - p) ** 2 - 4.0 * (390.0 * q - p * 4.22273)))
    light = 7.19298 * 9.0 / (9.0 + 2.1001) * 18.0
    published = light * g * (390.0 - inside) / (light + g * (390.0 - inside)) * (0.0156935 * 15.0 + 0.0453194)
    assert gpp() == pytest.approx(published, rel=1e-12) and gpp() == pytest.approx(8.226021453811, rel=1e-12)
    assert gpp(leaf_area=0.0) == gpp(light=0.0) == 0.0
    assert gpp(leaf_area=6.0) < 2.0 * gpp() and gpp(outside=800.0) > gpp() > gpp(light=9.0) > 0.5 * gpp()


def test_a_flow_of_leaves_is_greatest_on_its_day_and_leaves_of_a_pool_what_is_said():
    for day, period, fraction in ((120.0, 30.0, 0.9), (300.0, 80.0, 0.3), (10.0, 50.0, 0.99)):
        carbon = land.Carbon(*(np.array([[value]]) for value in land.Carbon()))
        carbon = carbon._replace(fall_day=np.array([[day]]), fall_period=np.array([[period]]),
                                 leaf_fall_fraction=np.array([[fraction]]))
        fall = coefficients_of(np, carbon).fall
        days = np.arange(0.0, YEAR, 0.01) + day - 0.5 * YEAR
        angle = np.pi * days / YEAR
        rate = (fall.peak * np.exp(-(fall.sharpness * (np.sin(angle) * fall.cosine - np.cos(angle) * fall.sine)) ** 2)).ravel()
        pool = np.exp(-np.concatenate([[0.0], 0.01 * np.cumsum(rate)]))
        assert math.log(pool[-1]) == pytest.approx(math.log(1.0 - fraction), rel=0.1)  # a sine is no straight line: longest last
        assert days[(rate * pool[:-1]).argmax()] == pytest.approx(day, abs=0.02 * period)


def test_the_function_of_lambert_is_that_of_scipy():
    from scipy.special import lambertw

    x = 10.0 ** np.linspace(-6.0, 3.0, 200)
    assert np.allclose(lambert(np, x), lambertw(x).real, rtol=1e-13)


def test_days_are_as_long_as_the_sun_is_above_the_horizon():
    solstice = day_length(np.array([[0.0, 45.0, 70.0, -70.0, 90.0]]), np.array([172.0]))[0, 0]
    assert solstice == pytest.approx([12.0, 15.4, 24.0, 0.0, 24.0], abs=0.05)


def test_weather_with_units_is_converted_or_refused():
    """As arrays of files have them: kelvin, and watts in place of megajoules a day."""
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("cf_units")
    usual = {"latitude": 45.0, "minimum_temperature": 5.0, "maximum_temperature": 15.0, "shortwave": 8.64,
             "vapour_pressure_deficit": 5.0, "precipitation": 2.0}
    plain = land.weather((1, 1), [0.0, 1.0], **usual)
    for name, value, units in (("minimum_temperature", 278.15, "K"), ("shortwave", 100.0, "W m-2"),
                               ("precipitation", 0.2, "cm day-1"), ("vapour_pressure_deficit", 500.0, "Pa")):
        own = xarray.DataArray([value, value], dims="time", attrs={"units": units})
        found = land.weather((1, 1), [0.0, 1.0], **usual | {name: own})
        assert np.allclose(getattr(found, name), getattr(plain, name), rtol=1e-12), name
    with pytest.raises(ValueError, match="The units of precipitation are 'kg m-2 s-1', which cannot be converted to 'mm day-1'"):
        land.weather((1, 1), [0.0], **usual | {"precipitation": xarray.DataArray([1e-5], attrs={"units": "kg m-2 s-1"})})


def test_labile_carbon_becomes_leaves_in_spring_and_leaves_fall_in_autumn():
    columns = land.Land((1, 1), land.Parameters(), on_numpy)
    _, fluxes = columns.run(columns.start(), seasons((1, 1), steps=730))
    year = np.asarray(fluxes.leaf_area[365:, 0, 0])
    assert 150 < year.argmax() < 285 and year[:60].max() < 0.5 * year.max()
    assert np.diff(year)[95:125].min() > 0.0 and np.diff(year)[270:300].max() < 0.0


@pytest.mark.parametrize("photosynthesis", [land.acm, constant_gpp])
def test_backends_agree_bit_for_bit_or_to_round_off(photosynthesis):
    found = {}
    for name in ("numpy", "numba"):
        columns = land.Land(CELLS, parameters(), create(name), photosynthesis=photosynthesis)
        found[name] = columns.run(columns.start(), seasons(steps=40))
    for one, other in zip(flat(found["numpy"]), flat(found["numba"]), strict=True):
        assert np.array_equal(one, other)
    if photosynthesis is land.acm:
        columns = land.Land(CELLS, parameters(), create("jax"))
        for one, other in zip(flat(found["numpy"]), flat(columns.run(columns.start(), seasons(steps=40))), strict=True):
            assert np.allclose(one, other, rtol=1e-11, atol=1e-11)


def flat(tree):
    """The arrays of a tree of tuples."""
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, tuple) else [tree]


def test_single_precision_stays_single_and_near():
    double, single = (land.Land(CELLS, parameters(), on_numpy, precision=precision) for precision in ("float64", "float32"))
    (_, one), (end, other) = (columns.run(columns.start(), seasons(steps=60)) for columns in (double, single))
    assert all(array.dtype == np.float32 for array in flat((end, other)))
    assert np.allclose(one.gpp, other.gpp, rtol=1e-3, atol=1e-4)


def test_every_column_is_for_itself_in_any_number_of_them():
    whole = land.Land(CELLS, parameters(), on_numpy)
    weather = seasons(steps=20)
    end, fluxes = whole.run(whole.start(), weather)
    one = tuple(slice(n - 2, n - 1) for n in CELLS)
    part = land.with_values(land.Parameters(), {name: value[one] for name, value in land.by_name(parameters()).items()})
    alone = land.Land((1, 1), part, on_numpy)
    own = land.Weather(*(values[:, one[0] if values.shape[1] > 1 else slice(None), one[1] if values.shape[2] > 1 else slice(None)]
                         for values in weather))
    end_alone, fluxes_alone = alone.run(alone.start(), own)
    for a, b in zip(flat((end, fluxes)), flat((end_alone, fluxes_alone)), strict=True):
        assert np.array_equal(a[(..., *one)], b)


def test_halved_steps_are_near_whole_ones():
    carbon = land.Parameters()
    daily, quarter = (land.Land((1, 1), carbon, on_numpy, days=days) for days in (1.0, 0.25))
    weather = seasons((1, 1), steps=200)
    often = land.Weather(*(np.repeat(values, 4, axis=0) if len(values) > 1 else values for values in weather))
    (one, _), (other, _) = daily.run(daily.start(), weather), quarter.run(quarter.start(), often)
    assert np.allclose(one.pools, other.pools, rtol=0.02)


def test_two_ranks_have_the_bits_of_one():
    pytest.importorskip("mpi4py")
    from test_ranks import MPIEXEC, launch

    if MPIEXEC is None:
        pytest.skip("no mpiexec")
    ran = launch(2, [str(Path(__file__).parent / "land_ranks.py")])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.split() == ["same", "bits"]
