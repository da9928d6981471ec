"""Cases of tests/ranks.py: sides that no number of ranks divides, land, partial cells, stages, poles."""

import dataclasses

import numpy as np

from dycore import cases
from dycore.closures import EddyKineticEnergy, TurbulentKineticEnergy, Visbeck
from dycore.equations.advection import weno5
from dycore.equations.eddies import Eddies
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.grid import interior, rectilinear, tripolar
from dycore.open_boundaries import TIDES, OpenBoundaries, OpenSide, Tide
from dycore.parameters import Mixing, Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary


def channel(precision, x=Boundary.PERIODIC, y=Boundary.WALL, **changes):
    """An ocean with an island, a ridge and substeps; sides that no number of ranks divides."""
    _, parameters, state = cases.baroclinic_channel((4, 13, 22), precision=precision, time_step=2000.0)
    interfaces = np.linspace(-4000.0, 0.0, 5)
    bottom, land = np.full((13, 22), -4000.0), np.zeros((13, 22), bool)
    bottom[:, 11], land[5:8, 3:5] = -2500.0, True
    grid = rectilinear((4, 13, 22), extent=(4.0e6, 2.0e6), interfaces=interfaces, coriolis=-1.1e-4, beta=1.4e-11, bottom=bottom,
                       land=land, x_boundary=x, y_boundary=y, precision=precision)
    tracers = tuple(interior(tracer) for tracer in state.tracers)
    return grid, dataclasses.replace(parameters, **changes), initial_state(grid, surface=0.0, tracers=tracers)


def partial(precision):
    """The channel over a floor of partial cells."""
    _, parameters, state = channel(precision)
    bottom = -4000.0 + 3000.0 * np.random.default_rng(3).random((13, 22))
    grid = rectilinear((4, 13, 22), extent=(4.0e6, 2.0e6), interfaces=np.linspace(-4000.0, 0.0, 5), coriolis=-1.1e-4, beta=1.4e-11,
                       bottom=bottom, partial_cells=0.2, precision=precision)
    return grid, parameters, initial_state(grid, surface=0.0, tracers=tuple(interior(tracer) for tracer in state.tracers))


def with_eddies(case):
    """A case with neutral diffusion by a field, and a bolus flow whose diffusivity follows from the flow."""
    grid, parameters, state = case
    plane = 500.0 + 400.0 * np.random.default_rng(6).random(grid.cells[1:])
    return grid, dataclasses.replace(parameters, eddies=Eddies(plane, Visbeck(3.0e5), 2.0e-3)), state


def in_stages(case):
    """A case with Runge-Kutta stages, and some of the new velocity in what carries mass and tracers."""
    grid, parameters, state = case
    return grid, dataclasses.replace(parameters, stepper=WickerSkamarock(theta=0.5)), state


def turbulence(precision):
    """The channel over partial cells with mixing by turbulent kinetic energy and bottom drag."""
    grid, parameters, state = partial(precision)
    mixing = VerticalMixing(TurbulentKineticEnergy(), quadratic_drag=2.0e-3)
    return grid, dataclasses.replace(parameters, vertical_mixing=mixing), state


def with_closure(precision):
    """The channel with a closure by a network, which sees neighbours two cells away."""
    from dycore.learning.column_network import random_network
    from dycore.learning.subgrid_fluxes import inputs_of, outputs_of, subgrid_fluxes

    grid, parameters, state = channel(precision)
    inputs = 0.1 * np.random.default_rng(0).standard_normal((50, inputs_of(4, 2)))
    network = random_network(0, inputs, np.full(outputs_of(4, 2), 0.1), (7,))
    return grid, dataclasses.replace(parameters, forcing=(subgrid_fluxes(grid, network),)), state


def with_energy_of_eddies(case):
    """A case with eddies that have an energy of their own, from friction too."""
    grid, parameters, state = case
    energy = EddyKineticEnergy(greatest=1000.0)
    return grid, dataclasses.replace(parameters, eddies=Eddies(energy, energy, 2.0e-3)), state


def tripolar_ocean(precision):
    """An ocean with the fold across the North Pole, land at the poles of the grid, partial cells, friction, eddies and substeps."""
    cells, levels = (3, 21, 24), np.linspace(-4000.0, 0.0, 4)
    random = np.random.default_rng(8)
    grid = tripolar(cells, interfaces=levels, bottom=-4000.0 + 2500.0 * random.random(cells[1:]), land=land_at_poles(cells),
                    partial_cells=0.2, precision=precision)
    parameters = Parameters(fluid=Ocean(), time_step=1200.0, tracer_names=("temperature", "salinity"), substeps=30,
                            tracer_face=weno5, friction=Mixing(1.0e4, 1.0e4), diffusivity=1.0e3,
                            eddies=Eddies(500.0, 500.0, 2.0e-3),
                            surface_stress=(0.1 * random.standard_normal(cells[1:]), 0.1 * random.standard_normal(cells[1:])))
    return grid, parameters, initial_state(grid, surface=random.standard_normal(cells[1:]), tracers=(
        10.0 + random.standard_normal(cells), 35.0 + 0.1 * random.standard_normal(cells)))


def land_at_poles(cells):
    """True in the columns of a tripolar grid next to its poles, north of the join."""
    land, half = np.zeros(cells[1:], bool), cells[2] // 2
    land[-cells[1] // 3:, [0, 1, half - 2, half - 1, half, half + 1, -2, -1]] = True
    return land


def wave(precision):
    """An atmosphere on the full sphere, filtered near the poles."""
    return cases.baroclinic_wave((4, 14, 22), precision=precision)


def open_sides(precision, **changes):
    """The channel between four open sides: a tide and a flow along them, profiles and sections from outside."""
    random = np.random.default_rng(8)
    tide = Tide(TIDES["M2"], 0.5 * random.random(13), 30.0, 0.01, 20.0)
    sides = OpenBoundaries(OpenSide(tides=(tide,), tracers=(np.linspace(2.0, 12.0, 4), 35.0), profile=np.linspace(-0.1, 0.1, 4)),
                           OpenSide(velocity=0.02, seconds=1.0e5, tracers=(None, random.uniform(34.0, 36.0, (4, 13)))),
                           OpenSide(elevation=0.1 * random.random(22)), OpenSide(tracers=(5.0,)))
    return channel(precision, x=Boundary.WALL, open_boundaries=sides, **changes)


WIDE = {"tracer_face": weno5, "biharmonic_diffusion": True, "diffusivity": 1.0e12, "friction": Mixing(1.0e13, 1.0e13, True)}
CASES = {
    "channel": channel, "channel with eddies": lambda precision: with_eddies(partial(precision)), "wave": wave,
    "partial cells": partial, "turbulence": turbulence, "channel with a closure by a network": with_closure,
    "energy of eddies": lambda precision: with_energy_of_eddies(turbulence(precision)),
    "basin": lambda precision: channel(precision, x=Boundary.WALL, **WIDE),
    "periodic": lambda precision: channel(precision, y=Boundary.PERIODIC),
    "open sides": open_sides,
    "open sides in stages": lambda precision: open_sides(precision, stepper=WickerSkamarock(), time_step=4000.0),
    "channel in stages": lambda precision: channel(precision, stepper=WickerSkamarock(), time_step=4000.0),
    "wave in stages": lambda precision: in_stages(wave(precision)),
    "over the fold": tripolar_ocean,
    "over the poles": lambda precision: cases.steady_zonal_flow((1, 14, 22), precision=precision, angle=45.0),
}
