"""The WENO vorticity flux: steady flows, mirrors, coasts, and turbulence that loses its enstrophy and no more."""

import dataclasses

import numpy as np
import pytest
from conftest import advection_of, channel, create, fields_of, filled, random_velocity, sphere, uniform_flow

from dycore import Model
from dycore.equations import column, momentum, momentum_weno
from dycore.equations.column import Column
from dycore.fluid import Ocean, shallow_water
from dycore.grid import EARTH_RADIUS, interior, rectilinear
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary, Place
from dycore.vertical import stretched, uniform

WENO, CENTRED = momentum_weno.weno, momentum.energy_conserving


def tendencies(backend, grid, scheme, u, v, w=None):
    """Coriolis force and advection of u and v (m/s2) on open faces, zero elsewhere."""
    region = grid.tile.region
    made = Column(*backend.apply(column.columns, region.columns.grow(2, 3, 2, 3), grid.metrics, Ocean(),
                                 filled(grid, Place.CENTER, np.zeros(grid.cells[1:]))))
    forces, _ = advection_of(backend, grid, scheme, made, u, v, w)
    level = np.arange(*region.k)[:, None, None]
    return [np.where(level >= interior(floor), force, 0.0)
            for force, floor in zip(forces, (grid.metrics.floor_u, grid.metrics.floor_v), strict=True)]


def test_a_uniform_flow_on_a_plane_feels_the_coriolis_force_and_nothing_else(numpy_backend):
    f, speed_u, speed_v = 1.2e-4, 0.7, -0.4
    grid, u, v = uniform_flow(f, speed_u, speed_v)
    of_u, of_v = tendencies(numpy_backend, grid, WENO, u, v)
    assert np.allclose(of_u, f * speed_v, rtol=1e-14) and np.allclose(of_v, -f * speed_u, rtol=1e-14)


def test_solid_body_rotation_feels_what_it_feels_of_the_energy_conserving_flux(numpy_backend):
    """Nothing changes along a circle of latitude, so there is nothing to reconstruct."""
    grid = sphere((1, 18, 8), interfaces=uniform(1, -1.0, 0.0))
    speed = 7.0e-6 * EARTH_RADIUS * np.cos(np.radians(grid.y))[:, None]
    u, v = filled(grid, Place.WEST_FACE, np.broadcast_to(speed, grid.cells)), np.zeros(grid.tile.region.padded)
    ours, centred = (tendencies(numpy_backend, grid, pair, u, v) for pair in (WENO, CENTRED))
    assert (ours[0] == 0.0).all()
    assert np.allclose(ours[1], centred[1], rtol=1e-13, atol=1e-18) and np.abs(ours[1]).max() > 1e-4


def test_a_smooth_flow_over_the_poles_turns_as_with_the_energy_conserving_flux(numpy_backend):
    """Solid-body rotation about an axis in the equator: both fluxes converge to the same, at the poles too."""
    differences = []
    for ny in (16, 32):
        grid = sphere((1, ny, 2 * ny), interfaces=uniform(1, -1.0, 0.0))
        face, centre = np.radians(grid.x_face[:-1])[None, :], np.radians(grid.x)[None, :]
        u = filled(grid, Place.WEST_FACE, (20.0 * np.sin(np.radians(grid.y))[:, None] * np.cos(face))[None])
        v = filled(grid, Place.SOUTH_FACE, np.broadcast_to(-20.0 * np.sin(centre), grid.cells))
        pairs = [tendencies(numpy_backend, grid, pair, u, v) for pair in (WENO, CENTRED)]
        scale = np.abs(pairs[1][0]).max()
        differences.append(max(np.abs(ours - theirs).max() for ours, theirs in zip(*pairs, strict=True)) / scale)
    assert differences[1] < 5e-3
    assert differences[0] / differences[1] > 3.0  # second order, that of the energy-conserving flux: 4


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_flow_has_the_mirrored_tendency(numpy_backend, random, axis):
    """f changes its sign in a mirror: a plane with -f."""
    settings = {"extent": (8.0e4, 6.0e4), "interfaces": stretched(3, 500.0, 2.0)}
    ours, theirs = (rectilinear((3, 8, 10), coriolis=f, **settings) for f in (1.0e-4, -1.0e-4))
    u, v = (interior(field) for field in random_velocity(ours, random))

    def mirrored(u, v):
        if axis == 1:
            return -np.roll(u[..., ::-1], 1, axis=-1), v[..., ::-1]
        return u[:, ::-1], -np.roll(v[:, ::-1], 1, axis=1)

    def seen(grid, u, v):
        return tendencies(numpy_backend, grid, WENO, filled(grid, Place.WEST_FACE, u), filled(grid, Place.SOUTH_FACE, v))

    for one, other in zip(seen(theirs, *mirrored(u, v)), mirrored(*seen(ours, u, v)), strict=True):
        assert np.abs(one - other).max() < 1e-13 * np.abs(other).max()  # sums in another order


def test_nothing_behind_a_coast_is_read(numpy_backend, random):
    """The order falls to what is wet: corners that no open face touches may hold anything."""
    grid = channel((4, 9, 12))
    region, metrics, level = grid.tile.region, grid.metrics, np.arange(grid.tile.region.padded[0])[:, None, None]
    u, v = random_velocity(grid, random)
    made = Column(*numpy_backend.apply(column.columns, region.columns.grow(2, 3, 2, 3), metrics, Ocean(),
                                       filled(grid, Place.CENTER, np.zeros(grid.cells[1:]))))
    corners = region.grow(2, 3, 2, 3)
    _, absolute = numpy_backend.apply(momentum_weno.corner_vorticities, corners, metrics, made, u, v)
    open_u, open_v = level >= metrics.floor_u, level >= metrics.floor_v
    touched = open_u | np.roll(open_u, 1, 1) | open_v | np.roll(open_v, 1, 2)
    buried = np.where(touched[tuple(slice(*r) for r in corners.ranges)], absolute.array, 1.0e6)
    assert (buried == 1.0e6).sum() > 100

    def fluxes(values):
        field = type(absolute)(values, absolute.region, absolute.origin)
        return [numpy_backend.apply(flux, region, metrics, made, field, velocity).array[interior(open_face)]
                for flux, velocity, open_face in ((momentum_weno.vorticity_flux_u, v, open_u),
                                                  (momentum_weno.vorticity_flux_v, u, open_v))]

    for one, other in zip(fluxes(absolute.array), fluxes(buried), strict=True):
        assert (one == other).all() and np.ptp(one) > 0.0


def test_a_thin_lowest_layer_turns_as_a_thick_one(numpy_backend, random):
    """Over a level floor the thickness of partial cells cancels: thinner columns have more potential vorticity."""
    settings = {"extent": (8.0e4, 6.0e4), "interfaces": uniform(3, -600.0, 0.0), "coriolis": 1.0e-4}
    thick = rectilinear((3, 8, 10), **settings)
    thin = rectilinear((3, 8, 10), bottom=np.full((8, 10), -460.0), partial_cells=0.2, **settings)
    assert np.allclose(interior(thin.metrics.fraction), 0.3)
    u, v = random_velocity(thick, random)
    found = (tendencies(numpy_backend, grid, WENO, u, v) for grid in (thick, thin))
    for one, other in zip(*found, strict=True):
        assert np.abs(one - other).max() < 1e-13 * np.abs(one).max()  # round-off of 0.3 * (1 / 0.3)


def vortices(n=24):
    """Random vortices in geostrophic balance on a doubly periodic f plane, 1 m/s (shallow water)."""
    length, depth, f = 1.0e6, 1000.0, 1.0e-4
    fluid = shallow_water()
    grid = rectilinear((1, n, n), extent=(length, length), interfaces=uniform(1, -depth, 0.0), coriolis=f,
                       y_boundary=Boundary.PERIODIC)
    number = np.abs(np.fft.fftfreq(n, 1.0 / n))
    phases = np.random.default_rng(20240229).random((n, n))
    scale = np.exp(-((np.hypot(number[:, None], number) - 3.0) ** 2)) * np.exp(2.0j * np.pi * phases)
    psi = np.fft.ifft2(scale).real
    step = length / n
    u, v = -(np.roll(psi, -1, 0) - psi) / step, (np.roll(psi, -1, 1) - psi) / step
    size = np.sqrt((u**2 + v**2).mean())
    eta = f / fluid.gravity * 0.25 * (psi + np.roll(psi, -1, 0) + np.roll(psi, -1, 1) + np.roll(psi, (-1, -1), (0, 1))) / size
    return grid, Parameters(fluid, time_step=240.0), initial_state(grid, surface=eta, u=(u / size)[None], v=(v / size)[None])


def energy_and_enstrophy(grid, fields, depth=1000.0, gravity=9.80616):
    """Mean energy of the layer (m3/s2), mean square of vorticity (1/s2), and its share in waves shorter than three cells."""
    u, v, eta = fields["u"][0], fields["v"][0], fields["surface"]
    h, step = depth + eta, 1.0e6 / len(eta)
    energy = (0.25 * (h + np.roll(h, 1, 1)) * u**2 + 0.25 * (h + np.roll(h, 1, 0)) * v**2 + 0.5 * gravity * eta**2).mean()
    zeta = (v - np.roll(v, 1, 1) - u + np.roll(u, 1, 0)) / step
    number = np.abs(np.fft.fftfreq(len(eta), 1.0 / len(eta)))
    power = np.abs(np.fft.fft2(zeta)) ** 2
    return energy, (zeta**2).mean(), power[np.hypot(number[:, None], number) > len(eta) / 3].sum() / power.sum()


def test_turbulence_decays_without_grid_noise(numpy_backend):
    """Vorticity cascades to the grid: the energy-conserving flux piles it up there, the upwind one takes it away.

    What is upwinded is vorticity, so enstrophy is lost faster than energy; the vortices are eight cells across.
    """
    grid, parameters, state = vortices()
    start = energy_and_enstrophy(grid, fields_of(state))
    found = {"weno": [start], "centred": [start]}
    for name, pair in (("weno", WENO), ("centred", CENTRED)):
        model, now = Model(grid, dataclasses.replace(parameters, advection=pair), numpy_backend), state
        for _ in range(2):
            now = model.steps(now, round(3.0 * 86400.0 / parameters.time_step))
            found[name].append(energy_and_enstrophy(grid, fields_of(now)))
    energy, enstrophy, noise = np.array(found["weno"]).T
    assert (np.diff(enstrophy) < 0.0).all() and (np.diff(energy) < 0.0).all()
    assert 1.0 - enstrophy[-1] / enstrophy[0] > 1.5 * (1.0 - energy[-1] / energy[0])  # 43 % and 24 % in six days
    energy, enstrophy, noisy = np.array(found["centred"]).T
    assert enstrophy[-1] > 1.2 * enstrophy[0]
    assert energy[-1] == pytest.approx(energy[0], rel=1e-3)  # Adams-Bashforth does not conserve to round-off
    assert noise[-1] < 0.06 < 0.25 < noisy[-1]


@pytest.mark.parametrize("other, tolerance", [("numba", 0.0), ("jax", 1e-12)])
def test_backends_agree(numpy_backend, random, other, tolerance):
    """Over land and partial cells; XLA contracts and reorders."""
    grid = channel((4, 9, 12), bottom=random.uniform(-4000.0, -300.0, (9, 12)), partial_cells=0.2)
    u, v = random_velocity(grid, random)
    w = filled(grid, Place.CENTER, random.standard_normal(grid.cells))
    found = [tendencies(backend, grid, WENO, u, v, w) for backend in (numpy_backend, create(other))]
    for one, two in zip(*found, strict=True):
        assert np.abs(one - two).max() <= tolerance * np.abs(one).max() and np.ptp(one) > 0.0


def test_a_pair_of_functions_is_no_scheme(numpy_backend):
    grid, parameters, _ = vortices(8)
    with pytest.raises(ValueError, match=r"advection=.* must be a function of \(on, grid, layers, at\)"):
        Model(grid, dataclasses.replace(parameters, advection=(WENO, CENTRED)), numpy_backend)
