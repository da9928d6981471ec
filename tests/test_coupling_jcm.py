"""The core below physics of JCM: what JCM asks of a core, and that coupled steps are those of our own forcing to first order.

Where JCM is not installed (it brings 100 packages) it is its interface that `jcm_stand_in` describes; where it is, these are tests
with JCM itself.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jcm_stand_in
import numpy as np
import pytest

jax = pytest.importorskip("jax")
from conftest import create  # noqa: E402
from test_examples import drawn, example, is_drawn  # noqa: E402

from dycore import Model, cases, initial_state  # noqa: E402
from dycore.backends import on_jax, on_numpy  # noqa: E402
from dycore.fluid import Atmosphere, moist_air, shallow_water  # noqa: E402
from dycore.grid import interior, latitude_longitude, rectilinear  # noqa: E402
from dycore.learning.forcing_rates import rates_at  # noqa: E402
from dycore.parameters import Parameters  # noqa: E402
from dycore.vertical import uniform  # noqa: E402

INSTALLED = jcm_stand_in.installed()
CELLS = 4, 8, 16
SHAPE, PLANE = (4, 16, 8), (16, 8)  # as JCM has them: longitudes before latitudes


@pytest.fixture(scope="module")
def coupling():
    """dycore.coupling.jcm, and what of JCM it stands on."""
    if INSTALLED:
        import jcm.dycore.registry as registry
        import jcm.physics_interface as interface

        import dycore.coupling.jcm as module

        yield SimpleNamespace(module=module, interface=interface, registry=registry)
        return
    made = jcm_stand_in.modules()
    sys.modules.update(made)
    import dycore.coupling.jcm as module

    yield SimpleNamespace(module=module, interface=made["jcm.physics_interface"], registry=made["jcm.dycore.registry"])
    jcm_stand_in.remove()


@pytest.fixture(scope="module")
def core(coupling):
    grid, parameters = coupling.module.aquaplanet(CELLS, 600.0)
    parameters = replace(parameters, tracer_names=(*parameters.tracer_names, "dust"))
    return coupling.module.DycoreCore(grid, parameters, create("jax"))


def air(coupling, **changes):
    """Uniform air, but for changes."""
    usual = {"u_wind": 1.5, "v_wind": -2.5, "temperature": 271.0, "specific_humidity": 1e-3, "geopotential": 0.0}
    fields = {name: np.broadcast_to(changes.get(name, value), SHAPE) for name, value in usual.items()}
    return coupling.interface.PhysicsState(**fields, normalized_surface_pressure=np.full(PLANE, 0.98), tracers={})


def tendency(coupling, u=0.0, v=0.0, temperature=0.0, humidity=0.0, **tracers):
    return coupling.interface.PhysicsTendency(*(np.broadcast_to(value, SHAPE) for value in (u, v, temperature, humidity)), tracers)


def test_a_state_of_air_comes_back_as_it_was_given_in_the_shapes_that_jcm_asks_for(coupling, core):
    state = core.initial_state(air(coupling), sim_time=60.0)
    found = core.to_physics_state(state)
    assert core.coords.nodal_shape == SHAPE == found.geopotential.shape
    assert found.u_wind == pytest.approx(np.full(SHAPE, 1.5), rel=1e-12)
    assert found.v_wind[..., 1:-1] == pytest.approx(np.full((4, 16, 6), -2.5), rel=1e-12)  # no wind across the poles' faces
    assert found.temperature == pytest.approx(np.full(SHAPE, 271.0), rel=1e-12)
    assert found.specific_humidity == pytest.approx(np.full(SHAPE, 1e-3), rel=1e-12)
    assert found.normalized_surface_pressure == pytest.approx(np.full(PLANE, 0.98), rel=1e-12)
    assert float(core.sim_time(state)) == 60.0 and float(core.sim_time(core.with_sim_time(state, 5))) == 5.0
    doubled = jax.tree_util.tree_map(lambda leaf: leaf * 2, state)
    assert core.to_physics_state(doubled).u_wind == pytest.approx(np.full(SHAPE, 3.0), rel=1e-12)


def test_geopotential_is_the_hydrostatic_height_of_moist_air(coupling, core):
    warm = core.to_physics_state(core.initial_state(air(coupling, specific_humidity=0.01)))
    fluid, sigma = Atmosphere(), np.linspace(0.0, 1.0, 5)
    # of one virtual temperature, layers of Arakawa and Suarez: phi(k) - phi(k + 1) = cp theta_k (P(k + 1/2) - P_k) + ...
    face, layer = fluid.reference_s(1e5 * sigma)
    theta = 271.0 * 1.00608 / layer
    below = np.cumsum((fluid.heat_capacity * theta * np.diff(face))[::-1])[::-1]
    expected = below - fluid.heat_capacity * theta * (layer - face[:-1])
    assert warm.geopotential == pytest.approx(np.broadcast_to(expected[:, None, None], SHAPE), rel=1e-6)


def test_a_tendency_is_added_over_a_step_and_then_the_core_steps(coupling, core):
    state = core.initial_state(air(coupling, u_wind=0.0, v_wind=0.0))
    given = tendency(coupling, u=1.0 / 600.0, temperature=0.5 / 600.0, humidity=1e-3 / 600.0, dust=np.full(SHAPE, 2.0 / 600.0))
    after, before = core.after_physics_state(state, given), core.to_physics_state(state)
    assert after.u_wind == pytest.approx(np.asarray(before.u_wind) + 1.0, abs=1e-12)
    assert after.temperature == pytest.approx(np.asarray(before.temperature) + 0.5, abs=1e-10)
    assert after.specific_humidity == pytest.approx(np.full(SHAPE, 2e-3), abs=1e-12)
    assert after.tracers["dust"] == pytest.approx(np.full(SHAPE, 2.0), abs=1e-12)
    later = core.step(state, given)
    assert float(core.sim_time(later)) == 600.0 and int(later.state.step) == 1
    expected = core.model.pure_step(core.with_tendency(state, given))
    assert np.array_equal(later.state.u, expected.u) and np.abs(np.asarray(expected.u - state.state.u)).max() > 0.5
    alone, plain = core.step(state, None), core.model.pure_step(state.state)
    assert np.array_equal(alone.state.tracers[0], plain.tracers[0])


@pytest.mark.parametrize("native", [False, True])
def test_physics_may_be_called_once_in_several_steps_and_its_whole_tendency_comes_before_them(coupling, core, native):
    rare = coupling.module.DycoreCore(core.model.grid, core.model.parameters, on_jax.create(native=native), dynamics_steps=3)
    assert rare.dt_seconds == 1800.0
    state = core.initial_state(None)
    given = tendency(coupling, u=1.0 / 1800.0, temperature=0.5 / 1800.0, humidity=1e-3 / 1800.0)
    expected = core.model.steps(rare.with_tendency(state, given), 3)
    later = jax.jit(lambda state: rare.step(state, given))(state)
    assert float(rare.sim_time(later)) == 1800.0 and int(later.state.step) == 3
    assert np.asarray(later.state.u) == pytest.approx(np.asarray(expected.u), rel=1e-9, abs=1e-12)
    for found, tracer in zip(later.state.tracers, expected.tracers, strict=True):
        assert np.asarray(found) == pytest.approx(np.asarray(tracer), rel=1e-10, abs=1e-16)


def test_the_example_says_how_much_rains_and_evaporates_and_draws_it(coupling, tmp_path):
    pytest.importorskip("xarray")
    cells = (8, 8, 16) if INSTALLED else CELLS  # levels of SPEEDY are five or more
    water, means = example("aquaplanet").main(cells, days=0.25, picture=drawn(tmp_path))
    assert is_drawn(tmp_path) and water["precipitation"].shape == (1, 16, 8)
    if not INSTALLED:
        assert means == pytest.approx({"precipitation": 1.0, "evaporation": 4.0}, rel=1e-9)
    assert means["evaporation"] > means["precipitation"] >= 0.0


def test_air_at_the_start_is_that_of_the_standard_atmosphere(coupling, core):
    # ISO 2533 at 1.5, 3, 9 and 11 km
    pressure, temperature = (84556.0, 70121.0, 30800.0, 22632.0), (278.40, 268.66, 229.73, 216.65)
    assert coupling.module.standard_temperature(np.array(pressure)) == pytest.approx(temperature, abs=0.1)
    found = np.asarray(core.to_physics_state(core.initial_state(None)).temperature)
    expected = coupling.module.standard_temperature(1e5 * np.asarray(core.coords.vertical.centers))
    assert found.mean(axis=(1, 2)) == pytest.approx(expected, abs=0.05)


def held_suarez_differences(coupling, time_step, fixed):
    """Largest difference of potential temperature and of wind after a fixed time, by our forcing and through the coupling."""
    grid, parameters, state = cases.held_suarez(CELLS, time_step=time_step)
    backend = create("jax")
    own = Model(grid, parameters, backend)
    core = coupling.module.DycoreCore(grid, replace(parameters, forcing=()), backend)
    start = ours = own.asarrays(state)._replace(step=jax.numpy.asarray(0, jax.numpy.int32))
    through = core.initial_state(None)._replace(state=start)
    columns = sys.modules["dycore.coupling.columns"]

    @jax.jit
    def both(ours, through):
        rates = rates_at(own, through.state)
        v = jax.numpy.concatenate([rates.v[:, 1:], 0.0 * rates.v[:, :1]], axis=1)
        given = coupling.interface.PhysicsTendency(
            columns.turned(0.5 * (rates.u + jax.numpy.roll(rates.u, -1, -1))), columns.turned(0.5 * (rates.v + v)),
            columns.turned(rates.tracers[0] * columns.exner(own, interior(through.state.surface))), jax.numpy.zeros(SHAPE))
        return own.pure_step(ours), core.step(through, given)

    for _ in range(round(fixed / time_step)):
        ours, through = both(ours, through)
    return (float(abs(interior(ours.tracers[0] - through.state.tracers[0])).max()),
            float(abs(interior(ours.tracers[0] - start.tracers[0])).max()))


def test_dry_steps_through_the_coupling_are_those_of_our_own_forcing_to_first_order(coupling):
    coarse, moved = held_suarez_differences(coupling, 1200.0, 4800.0)
    fine, _ = held_suarez_differences(coupling, 600.0, 4800.0)
    assert coarse < 0.02 * moved  # K
    assert 1.6 < coarse / fine < 2.6


@pytest.mark.parametrize("physics, said", [
    (lambda m: (rectilinear((2, 4, 4), extent=(1e6, 1e6), interfaces=uniform(2, 0.0, 1e5)), Atmosphere(), 60.0), "whole sphere"),
    (lambda m: (latitude_longitude((2, 4, 8), interfaces=uniform(2, 0.0, 1e5), pole=(10.0, 40.0)), Atmosphere(), 60.0),
     "whole sphere"),
    (lambda m: (latitude_longitude((2, 4, 8), interfaces=uniform(2, 100.0, 1e5)), Atmosphere(), 60.0), "no sigma levels"),
    (lambda m: (latitude_longitude((1, 4, 8), interfaces=uniform(1, 0.0, 1e5)), shallow_water(), 60.0), "no atmosphere"),
    (lambda m: (latitude_longitude((2, 4, 8), interfaces=uniform(2, 0.0, 1e5)), Atmosphere(), 60.5), "Round it down to 60 s"),
])
def test_what_jcm_cannot_couple_is_refused_with_a_sentence(coupling, physics, said):
    grid, fluid, seconds = physics(coupling.module)
    names = () if said == "no atmosphere" else ("potential_temperature",)
    with pytest.raises(ValueError, match=said):
        coupling.module.DycoreCore(grid, Parameters(fluid=fluid, time_step=seconds, tracer_names=names))


def test_fields_of_other_shapes_and_values_that_are_no_numbers_are_refused(coupling, core):
    with pytest.raises(ValueError, match=r"u_wind of shape \(4, 8, 16\); this core has \(4, 16, 8\)"):
        core.initial_state(replace(air(coupling), u_wind=np.zeros((4, 8, 16))))
    with pytest.raises(ValueError, match="dust of shape"):
        core.step(core.initial_state(None), tendency(coupling, dust=np.zeros(PLANE)))
    with pytest.raises(ValueError, match="finite"):
        core.initial_state(air(coupling, temperature=np.nan))
    for wrong in ("600", np.nan, -60.0, None):
        with pytest.raises(ValueError, match="time_step"):
            coupling.module.check_whole_seconds(wrong)
    with pytest.raises(ValueError, match="dissipation"):
        coupling.module.aquaplanet(CELLS, 600.0, dissipation=-1.0)


def test_tracers_that_the_core_lacks_terrain_files_and_other_backends_are_refused(coupling, core):
    with pytest.raises(ValueError, match="does not carry: qc"):
        core.required_tracers_ok([SimpleNamespace(name="qc", initial_value=0.0)])
    with pytest.raises(ValueError, match="does not carry: ozone"):
        core.step(core.initial_state(None), tendency(coupling, ozone=np.zeros(SHAPE)))
    with pytest.raises(ValueError, match="with_surface_geopotential"):
        core.build_terrain(source_file="orography.nc")
    with pytest.raises(ValueError, match="one program of JAX"):
        coupling.module.DycoreCore(core.model.grid, core.model.parameters, on_numpy)
    with pytest.raises(ValueError, match="lack potential_temperature"):
        coupling.module.DycoreCore(core.model.grid, replace(
            core.model.parameters, tracer_names=(), fluid=Atmosphere(buoyancy=Parameters)))


def test_the_terrain_of_jcm_is_the_ground_of_the_grid(coupling):
    grid, parameters = coupling.module.aquaplanet(CELLS, 600.0)
    hill = np.arange(128.0).reshape(8, 16)
    built = coupling.registry.build_dycore("dycore", grid=grid.with_surface_geopotential(hill), parameters=parameters,
                                           backend=create("jax"))
    assert np.array_equal(built.terrain.phis0, hill.T)


def test_moist_air_is_as_buoyant_as_dry_air_of_its_virtual_temperature():
    grid = latitude_longitude(CELLS, interfaces=uniform(4, 0.0, 1e5))
    theta, humidity = np.linspace(400.0, 290.0, 4)[:, None, None] + np.zeros(CELLS), np.zeros(CELLS)
    theta[:, 3, 5], humidity[2:, 2, 3] = theta[:, 3, 5] + 2.0, 0.01
    dry = Parameters(fluid=Atmosphere(), time_step=300.0, tracer_names=("potential_temperature",))
    moist = replace(dry, fluid=Atmosphere(buoyancy=moist_air), tracer_names=("potential_temperature", "specific_humidity"))
    virtual = initial_state(grid, surface=1e5, tracers=(theta * (1.0 + 0.608 * humidity),))
    real = initial_state(grid, surface=1e5, tracers=(theta, humidity))
    found = Model(grid, moist, on_numpy).step(real)
    assert interior(found.u) == pytest.approx(interior(Model(grid, dry, on_numpy).step(virtual).u), rel=1e-10, abs=1e-13)
    assert np.abs(found.u).max() > 1e-3


def test_without_jcm_the_coupling_says_the_line_that_installs_it():
    program = "import sys; sys.modules['jcm'] = sys.modules['dinosaur'] = None; import dycore.coupling.jcm"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert said.returncode == 1 and "pip install 'dycore[jcm]'" in said.stderr
