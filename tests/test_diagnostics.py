"""Diagnostics of datasets have the values of analytic flows, and say what to write into the output where it is missing."""

import dataclasses

import numpy as np
import pytest
from conftest import channel, random_velocity

from dycore import Model, cases, diagnostics
from dycore.fluid import Atmosphere, Ocean
from dycore.grid import EARTH_RADIUS, interior, latitude_longitude, rectilinear, tripolar
from dycore.parameters import Parameters
from dycore.seawater import teos10
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.vertical import uniform
from dycore.writing import Snapshots

xr = pytest.importorskip("xarray")
TRACERS = ("temperature", "salinity")


def ocean_of(grid, backend, fluid=None, **fields):
    """The dataset of an ocean with such fields, and its model."""
    substeps = 1 if grid.tile.y is Boundary.POLE else 10
    model = Model(grid, Parameters(fluid or Ocean(), time_step=100.0, substeps=substeps, tracer_names=TRACERS), backend)
    fields = {"surface": 0.0, "tracers": (10.0, 35.0)} | fields
    return model.dataset(initial_state(grid, **fields)), model


def box(cells=(4, 6, 8), **options):
    """A channel of 1000 m by 600 km (y) by 800 km (x), without land."""
    return rectilinear(cells, extent=(8.0e5, 6.0e5), interfaces=uniform(cells[0], -1000.0, 0.0), **options)


def air_of(backend, cells=(4, 12, 16), u=0.0, v=0.0, theta=300.0, surface=1.0e5):
    """The dataset of air on a whole sphere."""
    grid = latitude_longitude(cells, interfaces=uniform(cells[0], 0.0, 1.0e5))
    model = Model(grid, Parameters(Atmosphere(), time_step=100.0, tracer_names=("potential_temperature",)), backend)
    return model.dataset(initial_state(grid, u=u, v=v, surface=surface, tracers=(theta,)))


@pytest.fixture
def ocean(numpy_backend, random):
    """A channel with an island and a step, where all fields differ in every cell, and its model."""
    grid = channel((4, 7, 10))
    u, v = (interior(part) for part in random_velocity(grid, random))
    tracers = 10.0 + random.random(grid.cells), 35.0 + random.random(grid.cells)
    return ocean_of(grid, numpy_backend, u=0.1 * u, v=0.1 * v, surface=random.random(grid.cells[1:]), tracers=tracers)


# Transports ------------------------------------------------------------------------------------------


def test_a_uniform_current_in_a_channel_carries_its_speed_times_the_section(numpy_backend):
    dataset, _ = ocean_of(box(), numpy_backend, u=0.1, surface=2.0)
    psi = diagnostics.barotropic_stream_function(dataset)
    assert psi.dims == ("y_edge", "x_face") and psi.attrs["units"] == "sverdrup"
    exact = -0.1 * 1002.0 * np.linspace(0.0, 6.0e5, 7) / 1e6  # U = -d(psi)/dy, and the surface is 2 m high
    np.testing.assert_allclose(psi, exact[:, None] * np.ones((1, 8)), rtol=1e-13)
    assert diagnostics.section_transport(dataset, x=3.0e5).item() == pytest.approx(60.12, rel=1e-13)
    across_the_seam = diagnostics.section_transport(dataset, x=7.9e5)  # next to the first face, to which the last cell leads
    assert across_the_seam.item() == pytest.approx(60.12, rel=1e-13)
    half = diagnostics.section_transport(dataset, x=3.0e5, y=(0.0, 3.0e5))
    assert half.item() == pytest.approx(30.06, rel=1e-13) and "eastward" in half.attrs["long_name"]


def test_the_stream_function_of_solid_body_rotation_rises_with_the_sine_of_latitude(numpy_backend):
    grid = latitude_longitude((2, 40, 8), interfaces=uniform(2, -4000.0, 0.0))
    speed = 10.0 * np.cos(np.radians(grid.y))[None, :, None] * np.ones(grid.cells)
    dataset, _ = ocean_of(grid, numpy_backend, u=speed)
    psi = diagnostics.barotropic_stream_function(dataset).isel(longitude_face=3)
    exact = -10.0 * 4000.0 * EARTH_RADIUS * (np.sin(np.radians(psi.latitude_edge)) + 1.0) / 1e6
    np.testing.assert_allclose(psi, exact, atol=3e-4 * np.abs(exact).max())  # second order: (4.5 degrees)^2 / 24
    across = [diagnostics.section_transport(dataset, x=x).item() for x in (-90.0, 270.0, 0.0)]
    np.testing.assert_allclose(across, -psi[-1].item(), rtol=1e-13)


def test_transports_are_sums_of_velocity_times_open_faces_of_stretched_columns_around_land(ocean):
    dataset, model = ocean
    metrics, grid = model.grid.metrics, model.grid
    surface, v = (dataset[name].fillna(0.0).values for name in ("sea_surface_height", "northward_velocity"))
    stretched = np.where(grid.wet[-1], (surface - interior(metrics.fixed)) / interior(metrics.thickness), 1.0)
    open_v = grid.open_thickness(metrics.floor_v, metrics.fraction_v)
    by_hand = (v * open_v * interior(metrics.dx_v) * 0.5 * (stretched + np.roll(stretched, 1, 0))).sum((0, 2)) / 1e6
    by_section = [diagnostics.section_transport(dataset, y=float(y)).item() for y in dataset.y_face]
    np.testing.assert_allclose(by_section, by_hand, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(-diagnostics.overturning(dataset).isel(height_edge=-1), by_hand, rtol=1e-12, atol=1e-12)
    density = diagnostics.potential_density(dataset)
    lightest = diagnostics.overturning_in_density(dataset, [1000.0, 1100.0], density=density)
    np.testing.assert_allclose(-lightest[0], by_hand, rtol=1e-12, atol=1e-12)
    assert np.abs(by_hand[1:]).min() > 0.0 and (lightest[1] == 0.0).all()


def two_layers(backend):
    """A channel with 0.02 m/s northward in the upper half of the water, at 20 degrees, and as much southward at 5 below it."""
    upper = (np.arange(4) >= 2)[:, None, None] * np.ones((4, 6, 8))
    v = np.where(upper > 0.0, 0.02, -0.02)
    v[:, 0] = 0.0  # a wall
    tracers = np.where(upper > 0.0, 20.0, 5.0), np.where(upper > 0.0, 34.0, 36.0)
    return ocean_of(box(), backend, v=v, tracers=tracers)[0]


def test_the_overturning_of_two_layers_is_the_same_in_depth_and_in_density_and_carries_their_difference(numpy_backend):
    dataset = two_layers(numpy_backend)
    volume = 0.02 * 500.0 * 8.0e5  # m3/s
    psi = diagnostics.overturning(dataset).isel(y_face=slice(1, None))
    np.testing.assert_allclose(psi.sel(height_edge=-500.0), volume / 1e6, rtol=1e-13)
    np.testing.assert_allclose(psi.sel(height_edge=-250.0), 0.5 * volume / 1e6, rtol=1e-13)
    np.testing.assert_allclose(psi.isel(height_edge=[0, -1]), 0.0, atol=1e-13)
    assert (diagnostics.overturning(dataset).isel(y_face=0) == 0.0).all()
    layers = 1025.0 * (1.0 - 2e-4 * (np.array([20.0, 5.0]) - 10.0) + 8e-4 * (np.array([34.0, 36.0]) - 35.0))
    classes = [layers[0] - 1.0, layers.mean(), layers[1] + 1.0]
    in_density = diagnostics.overturning_in_density(dataset, classes).isel(y_face=slice(1, None))
    np.testing.assert_allclose(in_density[1], volume / 1e6, rtol=1e-13)
    np.testing.assert_allclose(in_density[::2], 0.0, atol=1e-13)
    heat, salt = (each(dataset).isel(y_face=2) for each in (diagnostics.heat_transport, diagnostics.salt_transport))
    assert heat.item() == pytest.approx(1025.0 * 3991.86795711963 * volume * 15.0, rel=1e-12) and heat.attrs["units"] == "W"
    assert salt.item() == pytest.approx(1025.0 * 1e-3 * volume * -2.0, rel=1e-12)


def test_a_section_between_longitudes_goes_across_the_seam(numpy_backend):
    grid = latitude_longitude((2, 6, 8), interfaces=uniform(2, -100.0, 0.0), latitudes=(-30.0, 30.0))  # cells of 45 degrees
    dataset, _ = ocean_of(grid, numpy_backend, v=np.broadcast_to(np.arange(8.0) + 1.0, grid.cells))
    width = EARTH_RADIUS * np.radians(45.0)  # at the equator
    for ends, cells in (((330.0, 30.0), 8 + 1), ((-70.0, 30.0), 7 + 8 + 1), ((0.0, 90.0), 1 + 2), (None, 36)):
        found = diagnostics.section_transport(dataset, x=ends, y=0.0)
        assert found.item() == pytest.approx(cells * 100.0 * width / 1e6, rel=1e-12)


def test_a_region_takes_the_faces_both_sides_of_which_belong_to_it(numpy_backend):
    dataset = two_layers(numpy_backend)
    west = (xr.zeros_like(dataset.cell_area) + 1.0).where(dataset.x < 2.0e5, 0.0).where(dataset.y > 1.0e5, 0.0) > 0.0
    psi = diagnostics.overturning(dataset, region=west).sel(height_edge=-500.0)
    np.testing.assert_allclose(psi, np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0]) * 0.02 * 500.0 * 2.0e5 / 1e6, rtol=1e-13)


def test_the_hadley_cell_of_the_north_is_positive_and_the_mass_that_goes_round(numpy_backend):
    v = np.where(np.arange(4) < 2, 1.5, -1.5)[:, None, None] * np.ones((4, 12, 16))  # northward above
    v[:, 0] = 0.0
    psi = diagnostics.overturning(air_of(numpy_backend, v=v))
    circle = 2.0 * np.pi * EARTH_RADIUS * np.cos(np.radians(psi.latitude_face[8].item()))
    assert psi.sel(air_pressure_edge=5.0e4)[8].item() == pytest.approx(1.5 * 5.0e4 * circle / 9.80616, rel=1e-12)
    assert psi.attrs["units"] == "kg s-1" and abs(psi.isel(air_pressure_edge=-1)[8].item()) < 1.0


# Seawater ---------------------------------------------------------------------------------------------


def test_the_mixed_layer_ends_where_temperature_or_density_differ_by_the_threshold_from_10_m(numpy_backend):
    grid = box((50, 2, 3), land=np.array([[True, False, False], [False, False, False]]))  # levels of 20 m, centres at 10, 30, ...
    depth = -0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    falling = np.where(depth < 100.0, 20.0, 20.0 - 0.01 * (depth - 90.0))  # 0.01 K/m below the centre at 90 m
    temperature = falling[:, None, None] * np.ones(grid.cells)
    temperature[:, 1, 2] = 20.0
    dataset, _ = ocean_of(grid, numpy_backend, tracers=(temperature, 35.0))
    found = diagnostics.mixed_layer_depth(dataset)
    assert found.dims == ("y", "x") and found.attrs["standard_name"] == "ocean_mixed_layer_thickness_defined_by_sigma_theta"
    assert found[0, 1].item() == pytest.approx(90.0 + 0.03 / (1025.0 * 2e-4 * 0.01), rel=1e-9)
    assert np.isnan(found[0, 0]) and found[1, 2].item() == 1000.0  # land; mixed down to the floor
    by_temperature = diagnostics.mixed_layer_depth(dataset, by_temperature=True)
    assert by_temperature[1, 0].item() == pytest.approx(110.0, rel=1e-12)
    warmer_below = dataset.assign(temperature=20.0 - (dataset.temperature - 20.0))
    assert diagnostics.mixed_layer_depth(warmer_below, by_temperature=True)[1, 0].item() == pytest.approx(110.0, rel=1e-12)
    assert diagnostics.mixed_layer_depth(warmer_below)[1, 0].item() == 1000.0  # lighter below is no end of the layer


def test_the_value_at_10_m_is_between_levels_and_that_of_the_first_where_this_is_deeper(numpy_backend):
    for nz, start in ((250, 10.0), (20, 25.0)):  # levels of 4 m and of 50 m
        grid = box((nz, 1, 1))
        depth = -0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
        dataset, _ = ocean_of(grid, numpy_backend, tracers=((20.0 - 0.01 * depth)[:, None, None], 35.0))
        found = diagnostics.mixed_layer_depth(dataset, by_temperature=True)
        assert found.item() == pytest.approx(start + 20.0, rel=1e-9)


def test_potential_density_is_that_of_teos10_at_the_reference_depth(numpy_backend):
    gsw = pytest.importorskip("gsw")
    dataset, _ = ocean_of(box((2, 2, 3)), numpy_backend, fluid=Ocean(buoyancy=teos10), tracers=(4.0, 35.0))
    for depth in (0.0, 2000.0):
        density = diagnostics.potential_density(dataset, depth)
        assert density[0, 0, 0].item() == pytest.approx(gsw.rho(35.0, 4.0, depth), abs=0.02)


# Energy and eddies ---------------------------------------------------------------------------------------


def test_energy_is_that_of_motion_of_buoyancy_and_of_the_surface(numpy_backend):
    dataset, _ = ocean_of(box(), numpy_backend, u=0.3, surface=0.0, tracers=(12.0, 35.0))
    area, found = 8.0e5 * 6.0e5, diagnostics.energy(dataset)
    assert found.kinetic_energy.item() == pytest.approx(1025.0 * 0.5 * 0.09 * area * 1000.0, rel=1e-12)
    assert found.potential_energy.item() == pytest.approx(1025.0 * 9.81 * 2e-4 * 2.0 * area * 0.5 * 1000.0**2, rel=1e-12)
    assert found.energy.item() == pytest.approx((found.kinetic_energy + found.potential_energy).item())
    raised = ocean_of(box(), numpy_backend, surface=1.0)[0]  # at the temperature of no buoyancy
    assert diagnostics.energy(raised).energy.item() == pytest.approx(1025.0 * 9.81 * 0.5 * area, rel=1e-12)
    assert diagnostics.content(raised).item() == pytest.approx(1001.0 * area, rel=1e-12)
    assert diagnostics.content(raised, "salinity").item() == pytest.approx(35.0 * 1001.0 * area, rel=1e-12)


def test_the_energy_of_isothermal_air_is_its_enthalpy(numpy_backend):
    level = diagnostics.air_temperature(air_of(numpy_backend))[:, 0, 0].values  # of theta = 300 K
    air = air_of(numpy_backend, theta=(300.0 * 280.0 / level)[:, None, None])
    np.testing.assert_allclose(diagnostics.air_temperature(air), 280.0, rtol=1e-13)
    mass = 4.0 * np.pi * EARTH_RADIUS**2 * 1.0e5 / 9.80616
    assert diagnostics.content(air).item() == pytest.approx(mass, rel=1e-12)
    assert diagnostics.energy(air).energy.item() == pytest.approx(mass * 1004.5 * 280.0, rel=1e-12)
    assert diagnostics.area_mean(air, "surface_pressure").item() == pytest.approx(1.0e5, rel=1e-14)


def test_the_rate_of_change_of_energy_is_between_times(numpy_backend):
    still, moving = (ocean_of(box(), numpy_backend, u=u)[0] for u in (0.0, 0.2))
    both = xr.concat([still, moving.assign_coords(time=still.time + 200.0)], dim="time", data_vars="minimal", coords="minimal",
                     compat="override", join="override")
    kinetic = 1025.0 * 0.5 * 0.04 * 8.0e5 * 6.0e5 * 1000.0
    for dataset in (both, xr.decode_cf(both)):
        rate = diagnostics.energy_tendency(dataset)
        assert rate.kinetic_energy_tendency.values == pytest.approx([kinetic / 200.0], rel=1e-12)
        assert rate.energy_tendency.values == pytest.approx([kinetic / 200.0], rel=1e-9)
    assert diagnostics.energy_tendency(both).time.item() == still.time.item() + 100.0


def test_available_potential_energy_is_that_of_a_lock_before_it_is_opened_and_none_of_levels(numpy_backend):
    warm = (np.arange(8) >= 4) * np.ones((4, 6, 8))
    lock, _ = ocean_of(box(), numpy_backend, tracers=(10.0 + 5.0 * warm, 35.0))
    exact = 1025.0 * 9.81 * 2e-4 * 5.0 * 1000.0**2 * 8.0e5 * 6.0e5 / 8.0
    assert diagnostics.available_potential_energy(lock).item() == pytest.approx(exact, rel=1e-12)
    level, _ = ocean_of(channel(), numpy_backend, tracers=(np.arange(4.0)[:, None, None], 35.0))
    energy = abs(diagnostics.energy(level).potential_energy.item())
    assert abs(diagnostics.available_potential_energy(level).item()) < 1e-13 * energy


def at_times(*datasets):
    """Datasets as one along time."""
    return xr.concat([each.assign_coords(time=100.0 * n) for n, each in enumerate(datasets)], dim="time", data_vars="all",
                     coords="minimal", compat="override", join="override")


def test_eddies_are_departures_from_the_mean_over_time(numpy_backend):
    dataset = at_times(*(ocean_of(box((2, 3, 4)), numpy_backend, u=u)[0] for u in (0.1, 0.3, 0.1, 0.3)))
    eddies = diagnostics.eddy_kinetic_energy(dataset)
    np.testing.assert_allclose(eddies, 0.5 * 0.1**2, rtol=1e-12)
    np.testing.assert_allclose(diagnostics.kinetic_energy(dataset).mean("time") - eddies, 0.5 * 0.2**2, rtol=1e-12)
    assert eddies.dims == ("height", "y", "x")


def test_zonal_statistics_of_a_wave_are_half_its_amplitudes_multiplied(numpy_backend):
    angle = np.radians((np.arange(16) + 0.5) * 22.5)  # of centres; velocities at centres are means of faces
    theta = 300.0 + 4.0 * np.cos(2.0 * angle) * np.ones((4, 12, 16))
    v = 3.0 * np.cos(2.0 * angle) * np.ones((4, 12, 16))
    v[:, 0] = 0.0
    u = 20.0 + 5.0 * np.cos(2.0 * (angle - np.radians(11.25))) * np.ones((4, 12, 16))
    dataset = air_of(numpy_backend, theta=theta, v=v, u=u)
    found = diagnostics.zonal_statistics(dataset).isel(latitude=5)
    exner = (diagnostics.air_temperature(dataset) / dataset.potential_temperature).values[:, 0, 0]
    np.testing.assert_allclose(found.eddy_heat_flux, 0.5 * 3.0 * 4.0 * exner, rtol=1e-12)
    np.testing.assert_allclose(found.temperature_variance, 0.5 * 16.0 * exner**2, rtol=1e-12)
    np.testing.assert_allclose(found.temperature, 300.0 * exner, rtol=1e-12)
    np.testing.assert_allclose(found.u, 20.0, rtol=1e-12)
    np.testing.assert_allclose(found.v, 0.0, atol=1e-12)
    halved = np.cos(np.radians(22.5))  # the mean of two faces
    np.testing.assert_allclose(found.eddy_momentum_flux, 0.5 * 3.0 * 5.0 * halved, rtol=1e-12)


def test_a_zonal_mean_leaves_land_out(ocean):
    dataset, model = ocean
    mean = diagnostics.zonal_mean(dataset.temperature)
    wet = model.grid.wet
    by_hand = np.where(wet, dataset.temperature.fillna(0.0), 0.0).sum(2) / wet.sum(2)
    np.testing.assert_allclose(mean, by_hand, rtol=1e-13)
    assert mean.attrs["units"] == "degree_C" and not wet[:, 3, 1].any()
    assert np.isnan(diagnostics.zonal_mean(dataset.temperature, region=dataset.y < 1e5)).values[:, 3:].all()


# Spectra -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nx", [15, 16])
def test_a_spectrum_has_the_mean_square_of_a_row_in_all_and_half_the_square_of_an_amplitude_in_one(numpy_backend, random, nx):
    noise = 10.0 + random.random((4, 6, nx))
    dataset, _ = ocean_of(box((4, 6, nx)), numpy_backend, tracers=(noise, 35.0))
    found = diagnostics.zonal_spectrum(dataset, "temperature")
    np.testing.assert_allclose(found.sum("wavenumber"), (noise**2).mean(axis=2), rtol=1e-13)
    np.testing.assert_allclose(found.isel(wavenumber=0), noise.mean(axis=2) ** 2, rtol=1e-13)
    wave = 3.0 * np.cos(2.0 * np.pi * 4.0 * np.arange(nx) / nx + 0.3) * np.ones((4, 6, nx))
    dataset, _ = ocean_of(box((4, 6, nx)), numpy_backend, tracers=(wave, 35.0))
    found = diagnostics.zonal_spectrum(dataset, "temperature").isel(height=0, y=0)
    np.testing.assert_allclose(found, 4.5 * (np.arange(nx // 2 + 1) == 4), atol=1e-13)
    np.testing.assert_allclose(found.wavenumber, np.arange(nx // 2 + 1) / 8.0e5, rtol=1e-13)


def test_the_spectrum_of_kinetic_energy_adds_up_to_the_kinetic_energy_by_zonal_wavenumbers(numpy_backend, random):
    u, v = random.standard_normal((2, 4, 12, 16))
    v[:, 0] = 0.0
    dataset = air_of(numpy_backend, u=u, v=v)
    found = diagnostics.kinetic_energy_spectrum(dataset)
    np.testing.assert_allclose(found.sum("wavenumber"), diagnostics.zonal_mean(diagnostics.kinetic_energy(dataset)), rtol=1e-12)
    np.testing.assert_array_equal(found.wavenumber, np.arange(9))


# Datasets ------------------------------------------------------------------------------------------------


def same_everywhere(dataset, edges):
    """Diagnostics of many kinds by name."""
    made = [diagnostics.barotropic_stream_function(dataset), diagnostics.overturning(dataset), diagnostics.heat_transport(dataset),
            diagnostics.overturning_in_density(dataset, edges), diagnostics.mixed_layer_depth(dataset),
            diagnostics.energy(dataset).energy, diagnostics.speed(dataset), diagnostics.relative_vorticity(dataset)]
    made += [diagnostics.zonal_spectrum(dataset, "temperature"), diagnostics.available_potential_energy(dataset)]
    return {each.name + each.attrs["long_name"]: each for each in made}


def test_the_output_of_a_run_has_the_same_diagnostics_as_its_states_at_every_time_and_they_are_lazy(ocean, tmp_path):
    pytest.importorskip("dask")
    dataset, model = ocean
    model = Model(model.grid, dataclasses.replace(model.parameters, time_step=50.0), model.backend)
    from dycore.output import state_from_dataset

    state = state_from_dataset(model, dataset)
    after = model.run(state, steps=2, progress=False, write=(Snapshots(tmp_path / "run.nc", 100.0 / 86400.0),))
    edges, states = np.linspace(1020.0, 1030.0, 11), [same_everywhere(model.dataset(each), np.linspace(1020.0, 1030.0, 11))
                                                      for each in (state, after)]
    with xr.open_dataset(tmp_path / "run.nc", chunks={"time": 1, "height": 3, "x": 4}) as written:
        for name, found in same_everywhere(written, edges).items():
            assert found.dims[0] == "time" and found.chunks is not None, name
            for record, each in enumerate(states):  # round-off: sums by chunk
                np.testing.assert_allclose(found.isel(time=record), each[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_single_precision_is_summed_in_double(numpy_backend):
    dataset, _ = ocean_of(box(precision="float32"), numpy_backend, u=0.1)
    psi = diagnostics.barotropic_stream_function(dataset)
    assert psi.dtype == "float64" and psi[-1, 0].item() == pytest.approx(-60.0, rel=1e-7)


def test_xgcm_takes_grid_and_metrics(ocean):
    pytest.importorskip("xgcm")
    dataset, _ = ocean
    grid = diagnostics.xgcm_grid(dataset.fillna(0.0))
    area = grid.integrate(xr.ones_like(dataset.sea_surface_height.fillna(0.0)), ["X", "Y"])
    assert area.item() == pytest.approx(1.0e6 * 5.0e5, rel=1e-12)
    u, v = (dataset[name].fillna(0.0) for name in ("eastward_velocity", "northward_velocity"))
    exact = np.sqrt(grid.interp(u, "X") ** 2 + grid.interp(v, "Y") ** 2).transpose("height", "y", "x")
    np.testing.assert_allclose(diagnostics.speed(dataset), exact, rtol=1e-12)


def rotated(backend):
    """An ocean on a rotated grid."""
    grid = latitude_longitude((2, 4, 5), interfaces=uniform(2, -100.0, 0.0), latitudes=(-10.0, 10.0), longitudes=(0.0, 20.0),
                              pole=(20.0, 40.0))
    return ocean_of(grid, backend)[0]


@pytest.mark.parametrize("ask, sentence", [
    (lambda d: diagnostics.overturning(d.drop_vars("northward_velocity")),
     r"lacks northward_velocity; it has .* Write northward_velocity into the output of the run"),
    (lambda d: diagnostics.mixed_layer_depth(d.drop_vars("salinity")), "Write salinity into the output"),
    (lambda d: diagnostics.barotropic_stream_function(d.drop_vars("sea_surface_height")), "Write sea_surface_height into"),
    (lambda d: diagnostics.overturning(d.drop_vars("south_face_length")), r"assign_coords\(model.dataset\(state\).coords\)"),
    (lambda d: diagnostics.overturning(d.isel(height=slice(1, None))), "has 3 of 4 levels, and whole columns are needed"),
    (lambda d: diagnostics.overturning(d.isel(height=1)), "no dimension along the axis Z"),
    (lambda d: diagnostics.heat_transport(d.drop_attrs(deep=False)), "lacks the attribute reference_density"),
    (lambda d: diagnostics.potential_density(d.assign_attrs(buoyancy="mine")), "buoyancy='mine' of the dataset is no equation"),
    (lambda d: diagnostics.eddy_kinetic_energy(d), "the dataset has one time. Write snapshots"),
    (lambda d: diagnostics.energy_tendency(d), "needs two times or more"),
    (lambda d: diagnostics.section_transport(d, x=1.0, y=2.0), "one of them must be a number"),
    (lambda d: diagnostics.section_transport(d, y=-1.0e5), "y = -100000 is not there: the faces of the dataset are from 0 to"),
    (lambda d: diagnostics.section_transport(d, x=1.0, y=(3.0, 2.0)), "No cell of the dataset has its y within"),
    (lambda d: diagnostics.section_transport(d, x=1.0, y=(3.0, 2.0, 1.0)), "must be the two ends"),
    (lambda d: diagnostics.overturning_in_density(d, [2.0, 1.0]), "must be densities .* that increase"),
    (lambda d: diagnostics.overturning(d, region=d.x > 0.0), "region has the dimensions x, and must have y, x"),
    (lambda d: diagnostics.overturning(d, region=(d.x > 0.0) & (d.y > 1e9)), "region has no cell: it is False everywhere"),
    (lambda d: diagnostics.area_mean(d, "temperature", region=d.y > 1e9), "region has no cell: .* places of the data, y from"),
    (lambda d: diagnostics.area_mean(d, "temperature", region=2 * (d.y > 0.0)), "must be True in cells that belong to it"),
    (lambda d: diagnostics.zonal_mean(d.temperature, region=d.y[:2] > 0.0), "region has 2 of y from .* of their coordinates"),
    (lambda d: diagnostics.zonal_spectrum(d.isel(x=slice(4), x_face=slice(4)), "temperature"), "rows do not go round"),
    (lambda d: diagnostics.zonal_mean(d.temperature.isel(x=0)), "has no dimension along x"),
    (lambda d: diagnostics.air_temperature(d), "is of an ocean")])
def test_what_is_missing_or_makes_no_sense_is_refused_with_what_to_do(ocean, ask, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask(ocean[0])


def test_meridional_transports_of_a_tripolar_grid_are_those_along_its_parallels(numpy_backend, random):
    grid = tripolar((2, 31, 60), interfaces=uniform(2, -4000.0, 0.0))
    dataset, _ = ocean_of(grid, numpy_backend, v=0.1 * random.random(grid.cells))
    northward = (dataset.y_velocity * dataset.south_face_length).sum("grid_longitude") * 2000.0 / 1e6
    upper = diagnostics.overturning(dataset).isel(height_edge=1)
    assert (upper.grid_latitude_face.values == np.arange(-78.0, 61.0, 6.0)).all()
    np.testing.assert_allclose(upper, -northward.isel(height=0)[:24], rtol=1e-13)
    assert diagnostics.heat_transport(dataset).size == 24
    classes = diagnostics.overturning_in_density(dataset, [900.0, 1100.0]).isel(density_edge=0)
    np.testing.assert_allclose(classes, -northward.sum("height")[:24], rtol=1e-12)


def test_walls_air_and_rotated_grids_are_refused_where_they_make_no_sense(numpy_backend):
    walled, _ = ocean_of(box(x_boundary=Boundary.WALL), numpy_backend)
    for ask, dataset, sentence in (
            (lambda d: diagnostics.zonal_spectrum(d, "temperature"), walled, "x_boundary='wall'"),
            (diagnostics.overturning, rotated(numpy_backend), "rows of this rotated grid are none"),
            (lambda d: diagnostics.zonal_mean(d.temperature), rotated(numpy_backend), "rows of this rotated grid are none"),
            (diagnostics.mixed_layer_depth, air_of(numpy_backend), "Write temperature into the output"),
            (diagnostics.potential_density, air_of(numpy_backend), "is of air")):
        with pytest.raises(ValueError, match=sentence):
            ask(dataset)
    with pytest.raises(TypeError, match=r"must be an xarray.Dataset"):
        diagnostics.overturning(walled.temperature)
    assert diagnostics.section_transport(rotated(numpy_backend), x=5.0).item() == 0.0  # along the grid, which makes sense


def test_diagnostics_of_a_case_are_finite_and_named(numpy_backend):
    grid, parameters, state = cases.baroclinic_wave((4, 12, 16))
    dataset = Model(grid, parameters, numpy_backend).dataset(state)
    for each in (diagnostics.heat_transport(dataset), diagnostics.overturning(dataset), diagnostics.kinetic_energy(dataset),
                 *diagnostics.zonal_statistics(dataset).values()):
        assert np.isfinite(each).all() and each.attrs["units"] and each.attrs["long_name"] and each.name
