"""Equations of a model, given to a step besides a state: numbers and arrays (new from call to call), and choices."""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.forcing import Forcing, Stress, stress_u
from dycore.tiles import HaloWidth, Tile


class Barotropic(NamedTuple):
    """Inputs of the barotropic substeps (dycore.equations.barotropic)."""

    grid: Any  # metrics on the wide halo, or None where it is not wide
    tile: Tile  # with the wide halo
    substeps_per_exchange: int  # that go without a message
    neighbours: HaloWidth  # 1 where cells of other processes follow
    averaging: tuple  # weights (a, b) of every stage
    gravity: Any  # g' of dycore.equations.barotropic (m2/s2 per unit of r)


class Equations(NamedTuple):
    """A model for its step: what of it may be new from call to call are the numbers and arrays in it, whatever their depth."""

    parameters: Any  # dycore.parameters.Parameters, whose fields are padded
    grid: Any  # dycore.grid.Metrics of this process
    heights: Any  # dycore.equations.pressure.Heights
    adams_bashforth: Any  # rows: first, second, later steps
    barotropic: Barotropic | None  # None without substeps
    response_u: Any  # polar filter of centre rows, or None
    response_v: Any
    viscosity: Any  # dycore.equations.friction.Viscosity, or None
    forcing: tuple  # dycore.forcing.Forcing
    read: tuple[int, ...]  # numbers of the tracers that the buoyancy is given
    closure_places: tuple  # where the prognostic fields of closures stand
    has_land: bool
    openings: Any = None  # dycore.equations.open_boundaries.Openings, or None
    open_at: tuple = ()  # dycore.geometry.sides.Side of these

    @property
    def filtered(self) -> bool:
        """Whether rows near poles are filtered."""
        return self.response_u is not None

    @property
    def extrapolated_pressure(self) -> Any:
        """Fraction of the pressure force that is extrapolated with the advection."""
        return self.parameters.extrapolated_pressure if self.parameters.stepper.history else 0.0

    @property
    def surface_stress(self) -> Stress | None:
        """Surface stress / reference density [j, i] (m2/s2) on west and south faces; None where none was given."""
        return next((forcing.values for forcing in self.forcing if isinstance(forcing, Forcing) and forcing.u is stress_u), None)

    def buoyant(self, tracers: tuple) -> tuple:
        """The tracers that the buoyancy is given."""
        return tuple(tracers[number] for number in self.read)
