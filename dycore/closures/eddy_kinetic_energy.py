"""Diffusivity of mesoscale eddies by their kinetic energy e, which goes with the state (Eden and Greatbatch 2008).

    de/dt = B + s D - c_eps e^(3/2) / L + div( K grad e ) + d/dz( alpha K_M de/dz ),      K = c_k L sqrt(e) <= greatest
    L = min( crossing L_r, rhines sqrt(sqrt(e) / beta) ) >= least_length
    L_r = min( c / |f|, sqrt(c / (2 beta)) ),      c = 1/pi sum N dz

e (m2/s2) stands at the centres of cells. K is that of the e at the start of a step. B is the potential energy that the bolus flow
of this K releases in the step, kappa S2 N2, to the last digit (with centred faces of the tracers); D what harmonic friction along
the levels takes from the resolved flow there (biharmonic friction feeds no eddies: it takes what is as short as the grid). What e
dissipates is a source of dycore.closures.TurbulentKineticEnergy, where that is the scheme of vertical mixing. Where K is bounded
by `greatest`, so is L, also that of the dissipation. Dissipation and mixing across the levels are implicit, a B below zero is a
sink (Patankar), and the fluxes along the levels are explicit, stable and positive for as long a step as that of tracers with the
`greatest` K is: e stays positive. It is not advected: in the days that it lives (L / (c_eps sqrt(e))) the mean flow of a coarse
grid crosses a fraction of a cell.

    Eden and Greatbatch 2008, Ocean Modelling 20, 223: the equation, the smaller of the deformation radius and the Rhines scale
    Haefner et al. 2018, Geosci. Model Dev. 11, 3299 (Veros, after pyOM2): the numbers below, those of its set-up ACC; the
        deformation radius of the equator; dissipation of the mean flow by lateral friction as a source
"""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

from dycore.assembly.values import is_traced
from dycore.closures.columns import distance_between_levels, eliminate, no_speed, thickness, wave_speed
from dycore.inputs.given import check_number
from dycore.state import Prognostic
from dycore.stencils import absolute, coefficient_at, maximum, minimum, square_root, stencil, where
from dycore.terms import Term, bound
from dycore.tiles import Place

POSITIVE = "c_k", "crossing", "rhines", "least_length", "greatest", "least_energy"  # they divide, or keep from zero what does
LEAST_BETA, LEAST_CORIOLIS = 1.0e-16, 1.0e-16  # 1/(m s), 1/s: where either limits no length


class EddyKineticEnergy(NamedTuple):
    """Constants of eddies with an energy of their own, a number each: `Eddies(transport_diffusivity=EddyKineticEnergy())`.

    For an ocean of two levels or more, whose f or beta may be zero; as neutral_diffusivity too, the same record to both. A state
    starts with an energy of 1e-6 m2/s2. Raises ValueError for numbers that make no sense.
    """

    c_k: float = 0.4  # no unit, of the diffusivity
    c_eps: float = 0.5  # no unit, of the dissipation
    crossing: float = 2.0  # no unit, length over the deformation radius
    rhines: float = 1.0  # no unit, length over the Rhines scale
    least_length: float = 100.0  # m
    greatest: float = 4000.0  # m2/s, of the diffusivity
    least_mixing: float = 250.0  # m2/s, of energy along the levels
    alpha: float = 1.0  # no unit, mixing of energy across the levels over that of momentum
    friction: float = 1.0  # no unit, share of what friction along the levels takes that becomes energy of eddies
    least_energy: float = 1.0e-6  # m2/s2

    @property
    def prognostics(self) -> tuple[Prognostic, ...]:
        """The energy, of which no less than the least counts."""
        return (Prognostic("eddy_kinetic_energy", Place.CENTER, "m2 s-2", start=1.0e-6),)

    def check(self, parameters: Any) -> None:
        """Raise ValueError where a number makes no sense, or this is no diffusivity of eddies."""
        if not isinstance(getattr(parameters.eddies, "transport_diffusivity", None), EddyKineticEnergy):
            raise ValueError("EddyKineticEnergy is a diffusivity of eddies, whose energy comes from what these carry. Give it as "
                             "eddies=Eddies(transport_diffusivity=EddyKineticEnergy()), not among closures or as a scheme.")
        for name, value in self._asdict().items():
            if is_traced(value):
                continue
            needed = ("a positive number", lambda number: 0.0 < number < inf)
            if name not in POSITIVE:
                needed = ("a number not below zero", lambda number: 0.0 <= number < inf)
            check_number(f"eddies.transport_diffusivity.{name}", value, *needed)
        if not is_traced(self.least_mixing) and not is_traced(self.greatest) and self.least_mixing > self.greatest:
            raise ValueError(f"eddies.transport_diffusivity.least_mixing={self.least_mixing:g} m2/s is more than its "
                             f"greatest={self.greatest:g}, for which time steps are checked. Give a smaller one.")

    def diffusivity(self, on: Any, grid: Any, layers: Any, slopes: Any, energy: Any) -> Any:
        """K [k, j, i] of an energy and the stratification of an instant (dycore.equations.neutral_slopes.Neutral)."""
        (speed,), _ = on.upward(wave_speed, no_speed, grid, layers, slopes.inverse_stability)
        return on(bounded_diffusivity, self, *on(limits_of_length, grid, self, speed), energy)

    def dissipation(self, diffusivity: Any, energy: Any) -> Term:
        """Energy that eddies lose to turbulence, per mass (m2/s3) at centres, of their energy at the start of a step."""
        return bound(dissipation, self, diffusivity, energy)

    def advance(self, on: Any, equations: Any, time_step: Any, at: Any, start: tuple) -> tuple:
        """The energy as it is, which `complete` takes on."""
        return start

    def complete(self, on: Any, equations: Any, time_step: Any, result: tuple, before: Any, after: Any) -> tuple:
        """The energy at the end of a step, with what the eddies of this step have released."""
        (energy,), eddies, grid = result, after.eddies, equations.grid
        viscosity = 0.0 if after.mixed is None else after.mixed.viscosity
        gained = eddies.released + self.friction * eddies.dissipated
        _, eliminated = on.upward(energy_eliminated, nothing_eliminated, grid, after.layers, self, time_step, viscosity,
                                  eddies.transport_diffusivity, gained, energy)
        _, (new,) = on.downward(energy_substituted, no_energy, grid, self, *eliminated)
        return (new,)


@stencil
def limits_of_length(j, i, grid, values, speed):
    """Limits of the length of eddies [j, i] (m): by the deformation radius, and by the Rhines scale over the fourth root of e."""
    south, north = grid.coriolis[j, i] + grid.coriolis[j, i + 1], grid.coriolis[j + 1, i] + grid.coriolis[j + 1, i + 1]
    west, east = grid.coriolis[j, i] + grid.coriolis[j + 1, i], grid.coriolis[j, i + 1] + grid.coriolis[j + 1, i + 1]
    northward, eastward = 0.5 * (north - south) * grid.inverse_dy_u[j, i], 0.5 * (east - west) * grid.inverse_dx_v[j, i]
    beta = maximum(square_root(northward * northward + eastward * eastward), LEAST_BETA)
    radius = minimum(speed[j, i] / maximum(0.25 * absolute(south + north), LEAST_CORIOLIS), square_root(0.5 * speed[j, i] / beta))
    return values.crossing * radius, values.rhines / square_root(beta)


@stencil
def bounded_diffusivity(k, j, i, values, of_radius, of_beta, energy):
    """K (m2/s) at centres, of the smaller length, with its bounds."""
    root = square_root(maximum(energy[k, j, i], values.least_energy))
    length = maximum(minimum(of_radius[j, i], of_beta[j, i] * square_root(root)), values.least_length)
    return minimum(values.c_k * length * root, values.greatest)


@stencil
def dissipation(k, j, i, values, diffusivity, energy):
    """c_eps e^(3/2) / L (m2/s3) at centres, of the length of a diffusivity."""
    now, mixing = maximum(energy[k, j, i], values.least_energy), diffusivity[k, j, i]
    return values.c_eps * values.c_k * now * now / where(mixing > 0.0, mixing, 1.0)  # there is none beyond the levels


@stencil
def mixed_along_x(k, j, i, grid, column, values, diffusivity, energy):
    """Flux of energy through a west face, per thickness of the level (m4/s3), westward."""
    mixing = maximum(0.5 * (diffusivity[k, j, i] + diffusivity[k, j, i - 1]), values.least_mixing)
    step = where(k >= grid.floor_u[j, i], energy[k, j, i] - energy[k, j, i - 1], 0.0)
    return grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u,
                                 mixing * column.width_u[j, i] * grid.inverse_dx_u[j, i] * step)


@stencil
def mixed_along_y(k, j, i, grid, column, values, diffusivity, energy):
    """Flux of energy through a south face, per thickness of the level (m4/s3), southward."""
    mixing = maximum(0.5 * (diffusivity[k, j, i] + diffusivity[k, j - 1, i]), values.least_mixing)
    step = where(k >= grid.floor_v[j, i], energy[k, j, i] - energy[k, j - 1, i], 0.0)
    return grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v,
                                 mixing * column.width_v[j, i] * grid.inverse_dy_v[j, i] * step)


@stencil
def mixed_along(k, j, i, grid, column, values, diffusivity, energy):
    """Rate by fluxes of energy along the levels (m2/s3); none goes through coasts."""
    east, west = (mixed_along_x(k, j, i + 1, grid, column, values, diffusivity, energy),
                  mixed_along_x(k, j, i, grid, column, values, diffusivity, energy))
    north, south = (mixed_along_y(k, j + 1, i, grid, column, values, diffusivity, energy),
                    mixed_along_y(k, j, i, grid, column, values, diffusivity, energy))
    rate = grid.inverse_area[j, i] / column.stretching[j, i] * (east - west + (north - south))
    return grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, rate)


@stencil
def nothing_eliminated(j, i, grid, column, values, time_step, viscosity, diffusivity, gained, energy):
    """Ratio and value below the lowest level: none."""
    return 0.0, 0.0


@stencil
def energy_eliminated(k, j, i, carried, grid, column, values, time_step, viscosity, diffusivity, gained, energy):
    """Ratio and value of energy (m2/s2) at centres after the forward elimination of a step; carries them upwards."""
    wet, now, gain = k >= grid.floor[j, i], maximum(energy[k, j, i], values.least_energy), gained[k, j, i]
    loss = (dissipation(k, j, i, values, diffusivity, energy) + maximum(-gain, 0.0)) / now
    along = mixed_along(k, j, i, grid, column, values, diffusivity, energy)
    share = time_step * values.alpha / thickness(k, j, i, grid, column)
    below = share * coefficient_at(k, j, i, viscosity) / distance_between_levels(k, j, i, grid, column)
    above = share * coefficient_at(k + 1, j, i, viscosity) / distance_between_levels(k + 1, j, i, grid, column)
    below, above = where(k > grid.floor[j, i], below, 0.0), where(wet & (k + 1 < grid.top), above, 0.0)
    right = now + time_step * (maximum(gain, 0.0) + along)
    ratio, value = eliminate(below, above, where(wet, time_step * loss, 0.0), right, carried[0], carried[1])
    ratio, value = where(wet, ratio, 0.0), where(wet, value, values.least_energy)
    return (ratio, value), (ratio, value)


@stencil
def no_energy(j, i, grid, values, ratio, value):
    """Energy above the uppermost level (m2/s2): none."""
    return (0.0,)


@stencil
def energy_substituted(k, j, i, carried, grid, values, ratio, value):
    """Energy at centres (m2/s2) by back substitution, no less than the least; carries it downwards."""
    new = value[k, j, i] + ratio[k, j, i] * carried[0]
    return (new,), (maximum(new, values.least_energy),)
