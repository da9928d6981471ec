"""Open sides: tides come in and leave, a soliton leaves, mass and tracers change by what flows through, and what is refused."""

import numpy as np
import pytest
from conftest import create, fields_of
from rank_cases import open_sides

from dycore import Model, Parameters
from dycore.backends import on_numpy
from dycore.equations import tracers as tracer_equations
from dycore.equations.momentum import linear
from dycore.equations.steppers import WickerSkamarock
from dycore.fields import as_field
from dycore.fluid import Atmosphere, Ocean, shallow_water
from dycore.geometry.sides import Side
from dycore.grid import interior, rectilinear
from dycore.open_boundaries import TIDES, OpenBoundaries, OpenSide, Tide
from dycore.physics import sponge
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.time_series import TimeSeries

GRAVITY, DEPTH, M2 = 9.81, 50.0, TIDES["M2"]
WAVE = (GRAVITY * DEPTH) ** 0.5  # m/s


def box(cells, extent, **options):
    """A plane with walls on all sides, one level of 50 m by default."""
    interfaces = options.pop("interfaces", np.array([-DEPTH, 0.0]))
    return rectilinear(cells, extent=extent, interfaces=interfaces, x_boundary=Boundary.WALL, **options)


def model_of(grid, sides, **changes):
    return Model(grid, Parameters(**{"fluid": shallow_water(GRAVITY), "time_step": 600.0, "substeps": 24, "open_boundaries": sides,
                                     "advection": linear} | changes), on_numpy)


def test_periods_of_tides_are_those_of_tables():
    """In hours, from the tables of the Admiralty (and every textbook)."""
    for name, hours in {"M2": 12.4206, "S2": 12.0, "N2": 12.6583, "K1": 23.9345, "O1": 25.8193}.items():
        assert TIDES[name] / 3600.0 == pytest.approx(hours, abs=5e-5)


@pytest.mark.parametrize("coriolis, rows", [(0.0, 1), (1.0e-4, 8)])
def test_a_tide_goes_through_a_channel_of_open_ends_as_theory_has_it(coriolis, rows):
    """Amplitude and phase of a progressive M2 wave, or a Kelvin wave, within 2 % everywhere (2 % of a radian are 1.1 degrees).

    Without rotation the amplitude is found 0.989 to 1.001 of that of theory and the phase 0.3 degrees off.
    """
    n, dx = 40, 2.5e4
    grid = box((1, rows, n), (n * dx, rows * 5.0e4), coriolis=coriolis)
    line = 0.1 * np.exp(-coriolis / WAVE * grid.y)
    tide = Tide(M2, line, 40.0, line * (GRAVITY / DEPTH) ** 0.5, 40.0)
    model = model_of(grid, OpenBoundaries(west=OpenSide(tides=(tide,)), east=OpenSide()))
    steps = round(M2 / 600.0)
    state, rows_of, angles = model.steps(initial_state(grid, surface=0.0), 2 * steps), [], []
    for _ in range(steps):
        state = model.steps(state, 1)
        rows_of.append(interior(state.surface).ravel())
        angles.append(2.0 * np.pi / M2 * state.time)
    terms = np.stack([np.cos(angles), np.sin(angles), np.ones(steps)], axis=1)
    cosine, sine, _ = np.linalg.lstsq(terms, np.array(rows_of), rcond=None)[0].reshape(3, rows, n)
    # the face is one cell from the wall behind the cells outside
    theory = line[:, None] * np.exp(-1j * (2.0 * np.pi / M2 / WAVE * (grid.x - dx) + np.radians(40.0)))
    ratio = ((cosine - 1j * sine) / theory)[:, 1:-1]
    assert np.abs(np.abs(ratio) - 1.0).max() < 0.02 and np.abs(np.angle(ratio)).max() < 0.02


@pytest.mark.parametrize("along_x", [True, False])
def test_a_pulse_leaves_and_less_than_a_thousandth_of_its_energy_comes_back(along_x):
    n, dx = 60, 1.0e4
    grid = box((1, 1, n) if along_x else (1, n, 1), (n * dx, dx) if along_x else (dx, n * dx))
    both = {name: OpenSide() for name in (("west", "east") if along_x else ("south", "north"))}
    place = grid.x if along_x else grid.y[:, None]
    start = initial_state(grid, surface=0.01 * np.exp(-(((place - 3.0e5) / 6.0e4) ** 2)) * np.ones(grid.cells[1:]))
    model = model_of(grid, OpenBoundaries(**both))

    def energy(state):
        return sum(scale * float((interior(np.asarray(field)) ** 2).sum())
                   for scale, field in ((GRAVITY, state.surface), (DEPTH, state.u), (DEPTH, state.v)))

    # it leaves within 3e5 m / c = 23 steps and its width, 10 more; what comes back is then within
    assert energy(model.steps(start, 40)) < 1e-3 * energy(start)


@pytest.mark.parametrize("along_x", [True, False])
def test_an_internal_wave_leaves_and_less_than_a_hundredth_of_its_energy_comes_back(along_x):
    """Of the first mode, in a sea of constant N: half of it goes to either side in 100 steps. 0.3 % is left; walls keep all."""
    n, dx, nz, depth, n2, expansion = 60, 5.0e3, 10, 1000.0, 1.0e-5, 2.0e-4
    grid = box((nz, 1, n) if along_x else (nz, n, 1), (n * dx, dx) if along_x else (dx, n * dx),
               interfaces=np.linspace(-depth, 0.0, nz + 1))
    places, heights = (grid.x if along_x else grid.y[:, None]), 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    fluid = Ocean(gravity=GRAVITY, thermal_expansion=expansion, surface_gravity=1.0)  # long steps
    rest = 10.0 + n2 / (GRAVITY * expansion) * heights + np.zeros(grid.cells)
    lifted = 2.0 * np.sin(np.pi * heights / depth) * np.exp(-(((places - 0.5 * n * dx) / 3.0e4) ** 2))  # m

    def energy(state):
        velocity = interior(np.asarray(state.u if along_x else state.v))
        buoyancy = GRAVITY * expansion * (interior(np.asarray(state.tracers[0])) - rest)
        return float(((velocity - velocity.mean(axis=0)) ** 2).sum() + (buoyancy**2).sum() / n2)

    both = OpenBoundaries(**{name: OpenSide() for name in (("west", "east") if along_x else ("south", "north"))})
    start = initial_state(grid, surface=0.0, tracers=(rest + n2 / (GRAVITY * expansion) * lifted, 35.0))
    left = []
    for sides in (both, None):
        model = model_of(grid, sides, fluid=fluid, tracer_names=("temperature", "salinity"), time_step=1500.0)
        left.append(energy(model.steps(start, 160)) / energy(start))
    assert left[0] < 0.01 and left[1] > 0.9


def soliton(dx, width, length, centre):
    """Grid and state of the equatorial Rossby soliton of Boyd (1980, J. Phys. Oceanogr. 10, 1699), to zeroth order.

    As Haidvogel and Beckmann (1999, Numerical Ocean Circulation Modeling, section 6.3): depth, gravity and beta are 1.
    """
    nx, ny, scale = round(length / dx), round(width / dx), 0.394
    grid = box((1, ny, nx), (nx * dx, ny * dx), interfaces=np.array([-1.0, 0.0]), beta=1.0)
    y, south = (places[:, None] - 0.5 * width for places in (grid.y, grid.y_face[:-1]))

    def shape(x):
        return 0.771 * scale**2 / np.cosh(scale * (x - centre)) ** 2

    steep = -2.0 * scale * np.tanh(scale * (grid.x - centre)) * shape(grid.x)
    return grid, initial_state(
        grid, surface=shape(grid.x) * (3.0 + 6.0 * y**2) / 4.0 * np.exp(-(y**2) / 2.0),
        u=shape(grid.x_face[:-1]) * (-9.0 + 6.0 * y**2) / 4.0 * np.exp(-(y**2) / 2.0),
        v=steep * 2.0 * south * np.exp(-(south**2) / 2.0))


def test_less_than_five_percent_of_the_energy_of_a_soliton_comes_back_from_an_open_side_with_a_sponge():
    """It reaches the western side at t = 30 and is through at 42. At t = 50 3.5 % of the energy are left, at 60 1.2 %.

    The sponge, 7 wide, is for the slow short Rossby waves in which 40 % stay near a side without one; a gravity wave needs none.
    """
    grid, start = soliton(0.5, 9.0, 24.0, 12.0)
    layers = sponge(grid, (Side.WEST, Side.EAST), 14, 4.0)
    model = model_of(grid, OpenBoundaries(west=OpenSide(), east=OpenSide()), fluid=shallow_water(1.0), time_step=0.15, substeps=8,
                     stepper=WickerSkamarock(), forcing=(layers,), **{"advection": Parameters.advection})

    def energy(state):
        return sum(float((interior(np.asarray(field)) ** 2).sum()) for field in (state.surface, state.u, state.v))

    assert energy(model.steps(start, 333)) < 0.05 * energy(start)


# What flows through


def all_open(**changes):
    """Grid, parameters and state of a sea with land, a ridge and four open sides, with tides, flows and sections outside."""
    return open_sides("float64", **changes)


def test_the_volume_within_changes_by_what_flows_through_the_faces_of_open_sides(monkeypatch):
    grid, parameters, state = all_open()
    model, flows = Model(grid, parameters, on_numpy), []
    whole = tracer_equations.advanced

    def kept(*arguments):
        on, flow = arguments[0], arguments[7]
        flows.append([interior(np.asarray(as_field(on.whole(field)).array)) for field in (flow.transport_u, flow.transport_v)])
        return whole(*arguments)

    monkeypatch.setattr(tracer_equations, "advanced", kept)
    state = model.steps(state, 3)
    after = model.steps(state, 1)
    u, v = flows[-1]
    thickness = np.diff(grid.interfaces)[:, None]
    through = ((thickness * (u[:, 1:-1, 1] - u[:, 1:-1, -1])).sum() + (thickness * (v[:, 1, 1:-1] - v[:, -1, 1:-1])).sum())
    inner = interior(grid.metrics.area)[1:-1, 1:-1] * grid.wet.any(axis=0)[1:-1, 1:-1]
    change = (inner * (interior(after.surface) - interior(state.surface))[1:-1, 1:-1]).sum()
    volume = (inner * 4000.0).sum()
    assert abs(change) > 1e-6 * volume and abs(change - parameters.time_step * through) < 1e-14 * volume


def test_a_tracer_that_is_the_same_outside_stays_so():
    grid, parameters, _ = all_open()
    sides = [getattr(parameters.open_boundaries, side.value)._replace(tracers=(7.0, 35.0)) for side in Side]
    model = Model(grid, Parameters(shallow_water(9.81), 1000.0, substeps=24, tracer_names=("dye", "salt"),
                                   open_boundaries=OpenBoundaries(*sides)), on_numpy)
    end = model.steps(initial_state(grid, surface=0.0, tracers=(7.0, 35.0)), 30)
    assert np.abs(interior(end.surface)).max() > 0.05  # something flows
    for tracer, value in zip(end.tracers, (7.0, 35.0), strict=True):
        assert np.abs(interior(tracer)[grid.wet] / value - 1.0).max() < 1e-12


def test_inflow_brings_its_tracer_and_outflow_takes_it_away():
    grid = box((2, 3, 12), (1.2e5, 3.0e4), interfaces=np.array([-DEPTH, -20.0, 0.0]))
    through = OpenSide(velocity=1.0)
    sides = OpenBoundaries(west=through._replace(tracers=(np.array([5.0, 8.0]),)), east=through)
    model = model_of(grid, sides, tracer_names=("dye",), time_step=3000.0)
    end = model.steps(initial_state(grid, surface=0.0, u=1.0, tracers=(0.0,)), 80)  # 2.4e5 m, twice the channel
    dye = interior(end.tracers[0])
    assert np.allclose(interior(end.u)[:, :, 1:], 1.0, atol=1e-6)
    assert np.allclose(dye, np.array([5.0, 8.0])[:, None, None], atol=0.05)


def test_a_profile_of_velocity_is_that_of_the_side_about_its_depth_mean():
    grid = box((2, 3, 12), (1.2e5, 3.0e4), interfaces=np.array([-DEPTH, -20.0, 0.0]))
    profile = np.array([-0.2, 0.3])  # mean over 30 and 20 m: 0
    model = model_of(grid, OpenBoundaries(west=OpenSide(velocity=0.1, profile=profile + 4.0), east=OpenSide(velocity=0.1)))
    end = interior(model.steps(initial_state(grid, surface=0.0, u=0.1), 20).u)
    assert np.allclose(end[:, 1, 1] - np.array([30.0, 20.0]) @ end[:, 1, 1] / DEPTH, profile, atol=1e-10)
    assert np.abs(np.array([30.0, 20.0]) @ end[:, 1, 1:] / DEPTH - 0.1).max() < 1e-3


def test_an_elevation_that_rises_outside_rises_within():
    grid = box((1, 3, 8), (8.0e4, 3.0e4))
    rising = TimeSeries(np.array([0.0, 1.0e5]), np.array([0.0, 1.0]), name="a surge")
    model = model_of(grid, OpenBoundaries(west=OpenSide(elevation=rising)))
    end = model.steps(initial_state(grid, surface=0.0), 100)
    # u h = L dR/dt fills a bay of seven cells, for which it stands u sqrt(h / g) lower than the sea outside; a step is 0.006 m
    lower = 7.0e4 * 1.0e-5 / (GRAVITY * DEPTH) ** 0.5
    assert np.abs(interior(end.surface)[:, 1:] - (0.6 - lower)).max() < 0.006


def test_compiled_programs_have_the_bits_of_numpy_at_open_sides():
    grid = box((2, 5, 8), (8.0e4, 5.0e4), interfaces=np.array([-DEPTH, -20.0, 0.0]), coriolis=1.0e-4)
    tide = Tide(M2, 0.1 * np.arange(5.0), 40.0, 0.05, 40.0)
    sides = OpenBoundaries(west=OpenSide(tides=(tide,), tracers=(np.array([5.0, 8.0]),), profile=np.array([-0.2, 0.3])),
                           north=OpenSide(velocity=-0.02, tracers=(3.0,), seconds=1.0e4))
    parameters = Parameters(shallow_water(GRAVITY), 600.0, 24, ("dye",), open_boundaries=sides)
    start = initial_state(grid, surface=0.0, tracers=(1.0,))
    expected, found = (fields_of(Model(grid, parameters, backend).steps(start, 10)) for backend in (on_numpy, create("numba")))
    assert np.ptp(expected["tracer 0"]) > 0.1 and np.abs(expected["u"]).max() > 0.1
    for field, values in expected.items():
        assert (found[field] == values).all(), field


# What is refused


BOX = {"cells": (1, 6, 8), "extent": (8.0e5, 6.0e5)}
REFUSED = {
    "no open side": (OpenBoundaries(), {}, "has no open side"),
    "a fluid that is air": (OpenBoundaries(west=OpenSide()), {
        "fluid": Atmosphere(), "tracer_names": ("potential_temperature",)}, "are for an ocean"),
    "no substeps": (OpenBoundaries(west=OpenSide()), {"substeps": 1, "time_step": 60.0}, "substeps=20 or more"),
    "more tracers than there are": (OpenBoundaries(west=OpenSide(tracers=(1.0,))), {}, "has 1 values, and there are 0"),
    "a line of another length": (OpenBoundaries(north=OpenSide(elevation=np.zeros(6))), {}, "north side, which has 8 cells"),
    "NaN as a velocity": (OpenBoundaries(east=OpenSide(velocity=np.nan)), {}, "open_boundaries.east.velocity has values"),
    "text as an elevation": (OpenBoundaries(east=OpenSide(elevation="high")), {}, "open_boundaries.east.elevation"),
    "a period in hours": (OpenBoundaries(west=OpenSide(tides=(Tide(12.42, 1.0),))), {},
                          r"tides\[0\].period=12.42 s is shorter than two time steps of .* 12.42 hours are 44712 s"),
    "a tide without period": (OpenBoundaries(west=OpenSide(tides=(Tide(0.0, 1.0),))), {}, r"tides\[0\].period=0.0 must be"),
    "one tide alone": (OpenBoundaries(west=OpenSide(tides=Tide(M2, 1.0))), {}, r"west.tides=.* must be a tuple"),
    "a tide that changes": (OpenBoundaries(west=OpenSide(tides=(Tide(M2, TimeSeries([0.0, 1.0], [0.0, 1.0])),))), {},
                            "is a TimeSeries: amplitudes"),
    "a time that is negative": (OpenBoundaries(west=OpenSide(seconds=-1.0)), {}, "west.seconds=-1.0"),
    "a profile of too many levels": (OpenBoundaries(south=OpenSide(profile=np.zeros(3))), {}, "south.profile has shape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_open_sides_that_make_no_sense_are_refused_in_a_sentence(name):
    sides, changes, sentence = REFUSED[name]
    grid = box(**BOX, interfaces=np.array([0.0, 1.0e5])) if "fluid" in changes else box(**BOX)
    with pytest.raises(ValueError, match=sentence):
        model_of(grid, sides, **changes)


@pytest.mark.parametrize("sides, sentence", [("west", "open_boundaries='west' must be a dycore.open_boundaries.OpenBoundaries"),
                                             (OpenBoundaries(west=True), r"open_boundaries.west=True must be a .*OpenSide"),
                                             (OpenBoundaries(west=OpenSide(tides=("M2",))), r"tides\[0\]='M2' must be a .*Tide")])
def test_what_is_no_open_side_is_refused(sides, sentence):
    with pytest.raises(TypeError, match=sentence):
        model_of(box(**BOX), sides)


def test_sides_that_a_grid_does_not_have_or_that_are_land_cannot_be_open():
    periodic = rectilinear((1, 6, 8), extent=(8.0e5, 6.0e5), interfaces=np.array([-DEPTH, 0.0]))
    narrow, land = box((1, 3, 8), (8.0e5, 3.0e5)), np.zeros((6, 8), bool)
    land[:, 0] = True
    coast = box(land=land, **BOX)
    for grid, sides, sentence in ((periodic, OpenBoundaries(west=OpenSide()), "no side there: it is periodic"),
                                  (narrow, OpenBoundaries(north=OpenSide()), "needs 4 cells from side to side"),
                                  (coast, OpenBoundaries(west=OpenSide()), "no cell there is sea on both sides")):
        with pytest.raises(ValueError, match=sentence):
            model_of(grid, sides)
    model = model_of(coast, OpenBoundaries(east=OpenSide()))
    with pytest.raises(ValueError, match=r"open_at.0 would differ"):
        model.with_parameters(Parameters(shallow_water(GRAVITY), 600.0, 24, advection=linear,
                                         open_boundaries=OpenBoundaries(north=OpenSide())))
