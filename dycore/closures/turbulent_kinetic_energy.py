"""Vertical mixing by the turbulent kinetic energy e of a column (Gaspar, Gregoris and Lefevre 1990).

    de/dt = P + G - c_eps e^(3/2) / l_eps + d/dz( alpha K_M de/dz ),      P = K_M |du/dz|2,      G = -K_H N2
    K_M = c_k l sqrt(e) + background,      K_H = c_k l sqrt(e) / Pr + background,      Pr = 6.6 N2 / |du/dz|2 from 1 to 10
    l = min(l_up, l_down),      l_eps = sqrt(l_up l_down),      |dl/dz| <= 1,      l <= sqrt(2 e / N2)

e (m2/s2) stands at the lower faces of cells between levels; on the surface it is 3.75 u*^2, through the sea floor none goes.
K of a step is that of e at its start. P is what the mean flow loses in its implicit solve (Burchard 2002), G what the tracers
gain in theirs; sinks are implicit, what may have either sign too where it is one (Patankar), so that e stays positive
whatever the step. Energy is mixed across the levels, not advected. A step takes about half as long again as with
`pacanowski_philander` (`baroclinic_channel` on one core with Numba): four passes through a column more.

    Gaspar, Gregoris and Lefevre 1990, J. Geophys. Res. 95 (C9), 16179: the equation, c_k = 0.1, c_eps = 0.7
    Blanke and Delecluse 1993, J. Phys. Oceanogr. 23, 1363: limits of Pr
    Madec et al., NEMO ocean engine (zdftke): the length from above and below (nn_mxl = 3), the energy of the surface without
        breaking waves (rn_ebb = 3.75), the least energy (rn_emin) and length (rn_mxl0)
    Eden, Czeschel and Olbers 2014, J. Phys. Oceanogr. 44, 3160 (pyOM2, and after it Veros and CVMix): alpha = 30, 6.6 of Pr
    Burchard 2002, Ocean Modelling 4, 159: the shear at both ends of a step
"""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from dycore.assembly.values import is_traced
from dycore.closures.columns import distance_between_levels, eliminate, squared_step, stability, thickness
from dycore.closures.records import Mixed
from dycore.fluid import Atmosphere
from dycore.inputs.given import check_number, is_array
from dycore.state import Prognostic
from dycore.stencils import coefficient_at, maximum, minimum, square_root, stencil, where
from dycore.terms import Term
from dycore.tiles import Place

LEAST_N2 = 1.0e-12  # 1/s2: where the length is as good as free; so is that of the shear
POSITIVE = "c_k", "c_eps", "least_prandtl", "least_energy", "least_length"  # they divide, or keep from zero what does


class TurbulentKineticEnergy(NamedTuple):
    """Constants of mixing by turbulent kinetic energy, a number each; `VerticalMixing(TurbulentKineticEnergy())`.

    The background diffusivity may vary: a profile [nz], a plane [ny, nx] or a volume [nz, ny, nx] at the lower faces of cells.

    For an ocean. Wind deepens a mixed layer to within 8 % of the measurements of Kato and Phillips (1969), on levels of 0.5 to
    2.5 m. Convection deepens it without entrainment; as published (`unstable` = 0) it needs an unstable stratification for that,
    of 0.1 K in a layer of 60 m that loses 1e-7 m2/s3. (dycore.validation.mixed_layers has both.) The wind is that of
    `Parameters.surface_stress`; without, no energy comes through the surface. A state starts with an energy of 1e-6 m2/s2.
    Raises ValueError for an atmosphere, and numbers that make no sense.
    """

    c_k: float = 0.1  # no unit, of the viscosity
    c_eps: float = 0.7  # no unit, of the dissipation
    alpha: float = 30.0  # no unit, mixing of energy over that of momentum
    viscosity: float = 1.0e-4  # m2/s, background
    diffusivity: float | ArrayLike = 1.0e-5  # m2/s, background
    unstable: float = 1.0  # m2/s, least diffusivity where N2 is negative, as of `Convective`
    prandtl_factor: float = 6.6  # no unit, Prandtl number over Richardson number
    least_prandtl: float = 1.0  # no unit
    largest_prandtl: float = 10.0  # no unit
    surface_factor: float = 3.75  # no unit, energy at the surface over the square of the friction velocity
    least_energy: float = 1.0e-6  # m2/s2
    least_length: float = 0.04  # m, and that at the surface and the sea floor
    from_eddies: float = 1.0  # no unit, share of what unresolved eddies with an energy dissipate that becomes turbulence

    @property
    def prognostics(self) -> tuple[Prognostic, ...]:
        """The energy, of which `mixing` takes no less than the least."""
        return (Prognostic("turbulent_kinetic_energy", Place.LOWER_FACE, "m2 s-2", start=1.0e-6),)

    def check(self, parameters: Any) -> None:
        """Raise ValueError where a number makes no sense, or the fluid is an atmosphere."""
        if isinstance(parameters.fluid, Atmosphere):
            raise ValueError("TurbulentKineticEnergy is a closure of an ocean: its lengths are in metres, and the levels of an "
                             "Atmosphere are pressures. Give another scheme of vertical mixing (dycore.closures), or none.")
        for name, value in self._asdict().items():
            if name == "diffusivity" and is_array(value):  # which is held against a grid (dycore.coefficients)
                continue
            if name in POSITIVE and not is_traced(value):
                check_number(f"vertical_mixing.scheme.{name}", value, "a positive number", lambda number: 0.0 < number < inf)
            elif not is_traced(value):
                check_number(f"vertical_mixing.scheme.{name}", value, "a number not below zero", lambda number: 0.0 <= number < inf)
        if not is_traced(self.least_prandtl) and not is_traced(self.largest_prandtl) and self.least_prandtl > self.largest_prandtl:
            raise ValueError(f"least_prandtl={self.least_prandtl:g} is more than largest_prandtl={self.largest_prandtl:g} of "
                             "TurbulentKineticEnergy. Give a smaller one.")

    def advance(self, on: Any, equations: Any, time_step: Any, at: Any, start: tuple) -> Mixed:
        """Viscosity and diffusivity of a step, and the rate at which energy dissipates in it (1/s)."""
        grid, (energy,) = equations.grid, start
        _, (n2, free, from_above) = on.downward(length_from_above, length_at_end, grid, at.layers, equations.heights,
                                                equations.parameters.fluid, self, equations.buoyant(at.tracers), energy)
        _, (viscosity, diffusivity, rate) = on.upward(mixing, no_length, grid, at.layers, self, at.u, at.v, energy, n2, free,
                                                      from_above)
        return Mixed((energy, rate), viscosity, diffusivity)

    def complete(self, on: Any, equations: Any, time_step: Any, mixed: Mixed, before: Any, after: Any) -> tuple:
        """The energy at the end of a step, from what the flow and the tracers lose and gain in it."""
        stress, grid, (energy, rate) = equations.surface_stress, equations.grid, mixed.fields
        top = self.least_energy if stress is None else on(surface_energy, grid, self, stress)
        dissipated = Term() if after.eddies is None else after.eddies.dissipation
        flow = Change(before.u, before.v, after.u, after.v, equations.buoyant(after.tracers), dissipated)
        _, eliminated = on.upward(energy_eliminated, nothing_eliminated, grid, after.layers, equations.heights,
                                  equations.parameters.fluid, self, time_step, top, flow, mixed, energy, rate)
        _, (new,) = on.downward(energy_substituted, energy_on_top, self, top, *eliminated)
        return (new,)


class Change(NamedTuple):
    """Velocities before and after a step on west and south faces (m/s), the tracers of the buoyancy after it.

    And what unresolved eddies dissipate in it (m2/s3), at centres, the term that is zero where they have no energy.
    """

    before_u: Any
    before_v: Any
    after_u: Any
    after_v: Any
    tracers: tuple
    dissipated: Any


@stencil
def length_at_end(j, i, grid, column, heights, fluid, values, tracers, energy):
    """Mixing length at the surface (m)."""
    return (values.least_length,)


@stencil
def length_from_above(k, j, i, carried, grid, column, heights, fluid, values, tracers, energy):
    """N2 (1/s2), the free mixing length and that from above (m), at lower faces; carries the latter downwards."""
    n2 = stability(k, j, i, grid, column, heights, fluid, tracers)
    free = square_root(2.0 * maximum(energy[k, j, i], values.least_energy) / maximum(n2, LEAST_N2))
    from_above = minimum(carried[0] + thickness(k, j, i, grid, column), free)
    return (from_above,), (n2, free, from_above)


@stencil
def no_length(j, i, grid, column, values, u, v, energy, n2, free, from_above):
    """Mixing length below the lowest level (m): none."""
    return (0.0,)


@stencil
def mixing(k, j, i, carried, grid, column, values, u, v, energy, n2, free, from_above):
    """Viscosity and diffusivity (m2/s) and the rate of dissipation (1/s) at lower faces; carries the length from below upwards.

    An energy that is too small, as one that was given may be, counts as the least.
    """
    inside = k > grid.floor[j, i]
    from_below = minimum(carried[0] + thickness(k - 1, j, i, grid, column), free[k, j, i])
    from_below = where(inside, from_below, values.least_length)
    length = maximum(minimum(from_above[k, j, i], from_below), values.least_length)
    root = square_root(maximum(energy[k, j, i], values.least_energy))
    rate = values.c_eps * root / maximum(square_root(from_above[k, j, i] * from_below), values.least_length)
    viscosity = values.c_k * length * root
    distance = distance_between_levels(k, j, i, grid, column)
    squared = distance * distance  # N2 over the square of the shear, in one division
    prandtl = values.prandtl_factor * n2[k, j, i] * squared / maximum(squared_step(k, j, i, u, v), LEAST_N2 * squared)
    diffusivity = viscosity / minimum(maximum(prandtl, values.least_prandtl), values.largest_prandtl)
    background = coefficient_at(k, j, i, values.diffusivity)
    diffusivity = where(n2[k, j, i] < 0.0, maximum(diffusivity, values.unstable), diffusivity)
    return (from_below,), (where(inside, viscosity + values.viscosity, 0.0), where(inside, diffusivity + background, 0.0), rate)


@stencil
def surface_energy(j, i, grid, values, stress):
    """Energy at the surface [j, i] (m2/s2) from the stress on the faces about a cell; a closed face has that of its opposite."""
    west, east = grid.floor_u[j, i] < grid.top, grid.floor_u[j, i + 1] < grid.top
    south, north = grid.floor_v[j, i] < grid.top, grid.floor_v[j + 1, i] < grid.top
    u = mean_of_open(west, east, stress.u[j, i], stress.u[j, i + 1])
    v = mean_of_open(south, north, stress.v[j, i], stress.v[j + 1, i])
    return maximum(values.surface_factor * square_root(u * u + v * v), values.least_energy)


@stencil
def mean_of_open(one_open, other_open, one, other):
    """Mean of two values of which each counts where it is open; zero where none is."""
    return 0.5 * (where(one_open, one, where(other_open, other, 0.0)) + where(other_open, other, where(one_open, one, 0.0)))


@stencil
def squared_change_u(k, j, i, grid, flow):
    """Product of the changes of u across a lower face after a step and half way through it (m2/s2), at west faces."""
    after = flow.after_u[k, j, i] - flow.after_u[k - 1, j, i]
    return where(k > grid.floor_u[j, i], 0.5 * after * (after + (flow.before_u[k, j, i] - flow.before_u[k - 1, j, i])), 0.0)


@stencil
def squared_change_v(k, j, i, grid, flow):
    """Product of the changes of v, as `squared_change_u`, at south faces."""
    after = flow.after_v[k, j, i] - flow.after_v[k - 1, j, i]
    return where(k > grid.floor_v[j, i], 0.5 * after * (after + (flow.before_v[k, j, i] - flow.before_v[k - 1, j, i])), 0.0)


@stencil
def nothing_eliminated(j, i, grid, column, heights, fluid, values, time_step, top, flow, mixed, energy, rate):
    """Ratio and value below the lowest level: none."""
    return 0.0, 0.0


@stencil
def energy_eliminated(k, j, i, carried, grid, column, heights, fluid, values, time_step, top, flow, mixed, energy, rate):
    """Ratio and value of energy (m2/s2) at lower faces after the forward elimination of a step; carries them upwards."""
    inside, now = k > grid.floor[j, i], maximum(energy[k, j, i], values.least_energy)
    inverse_distance = 1.0 / distance_between_levels(k, j, i, grid, column)
    across = (squared_change_u(k, j, i, grid, flow) + squared_change_u(k, j, i + 1, grid, flow)
              + (squared_change_v(k, j, i, grid, flow) + squared_change_v(k, j + 1, i, grid, flow)))
    production = mixed.viscosity[k, j, i] * (0.5 * across * (inverse_distance * inverse_distance))
    buoyancy = mixed.diffusivity[k, j, i] * stability(k, j, i, grid, column, heights, fluid, flow.tracers)
    from_eddies = 0.5 * values.from_eddies * (flow.dissipated[k, j, i] + flow.dissipated[k - 1, j, i])
    gain = maximum(production, 0.0) + maximum(-buoyancy, 0.0) + from_eddies
    loss = rate[k, j, i] + (maximum(-production, 0.0) + maximum(buoyancy, 0.0)) / now
    surface = values.c_k * values.least_length * square_root(coefficient_at(k, j, i, top)) + values.viscosity
    above = where(k + 1 < grid.top, mixed.viscosity[k + 1, j, i], surface)
    thickness_above, thickness_below = thickness(k, j, i, grid, column), thickness(k - 1, j, i, grid, column)
    share = time_step * values.alpha * 0.5 * inverse_distance / (thickness_above * thickness_below)
    to_above = share * thickness_below * (mixed.viscosity[k, j, i] + above)
    to_below = share * thickness_above * (mixed.viscosity[k, j, i] + mixed.viscosity[k - 1, j, i])
    to_below = where(k - 1 > grid.floor[j, i], to_below, 0.0)
    ratio, value = eliminate(to_below, to_above, time_step * loss, now + time_step * gain, carried[0], carried[1])
    ratio, value = where(inside, ratio, 0.0), where(inside, value, values.least_energy)
    return (ratio, value), (ratio, value)


@stencil
def energy_on_top(j, i, values, top, ratio, value):
    """Energy at the surface (m2/s2)."""
    return (coefficient_at(0, j, i, top),)


@stencil
def energy_substituted(k, j, i, carried, values, top, ratio, value):
    """Energy at lower faces (m2/s2) by back substitution, no less than the least; carries it downwards."""
    new = value[k, j, i] + ratio[k, j, i] * carried[0]
    return (new,), (maximum(new, values.least_energy),)
