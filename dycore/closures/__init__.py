"""Closures: what the grid does not resolve, from a local formula or with fields of their own.

A scheme of vertical mixing is a stencil (values, N2, |du/dz|2) -> (viscosity, diffusivity) with a record of its values:

    Parameters(..., vertical_mixing=VerticalMixing(pacanowski_philander, PacanowskiPhilander(alpha=5.0)))

A closure with fields of its own is a record of its numbers that says which fields a state carries for it, and how they go on:

    class IdealAge(NamedTuple):
        rate: float = 1.0
        prognostics = (Prognostic("ideal_age", Place.CENTER, "s", minimum=0.0),)

        def advance(self, on, equations, time_step, at, start):
            return (on(grown, equations.grid, time_step, self.rate, start[0]),)

    Parameters(..., closures=(IdealAge(),))

`on` applies stencils (dycore.program.Program), `equations` has grid, heights and parameters (dycore.equations.records), `at` is
what is known at the time of the tendencies (dycore.forcing.Instant), `start` the fields at the beginning of the step; those
that `advance` returns are the fields at its end. State, halos, restarts, output and checks follow from what is declared.
As the `scheme` of a VerticalMixing a closure returns `Mixed`: its fields, and viscosity and diffusivity.

A closure that needs the flow at the end of the step as well has a second function. What its `advance` returns, which then need
not be its fields, is handed on to it:

        def complete(self, on, equations, time_step, result, before, after):
            return (on(fed, equations.grid, time_step, result.fields[0], before.u, after.u),)

`before` is the state at the start of the step, `after` an Instant of the fields at its end; `result` of vertical mixing has the
viscosity and diffusivity on whole arrays. `equations.surface_stress` is the wind. A function `check(parameters)` may refuse
parameters. See `dycore/closures/turbulent_kinetic_energy.py`, which has all of these.

A diffusivity of eddies (dycore.equations.eddies) may be a record of numbers, as `Visbeck` is, with the `greatest` that it can be
(m2/s) and a function `diffusivity(on, grid, layers, slopes)` that gives it as a field [j, i] or [k, j, i]. Where it has
`prognostics`, `advance`, `complete` and `dissipation` besides, as `EddyKineticEnergy`, it is a closure, given its fields too;
`after.eddies` (dycore.equations.eddies.Diagnosed) has the energy that the eddies of the step have released, and `after.mixed`
viscosity and diffusivity across the levels.
"""

from dycore.closures.convective import Convective, convective
from dycore.closures.eddy_kinetic_energy import EddyKineticEnergy
from dycore.closures.pacanowski_philander import PacanowskiPhilander, pacanowski_philander
from dycore.closures.records import Closure, Mixed
from dycore.closures.turbulent_kinetic_energy import TurbulentKineticEnergy
from dycore.closures.uniform import Uniform, uniform
from dycore.closures.visbeck import Visbeck

__all__ = ["Closure", "Convective", "EddyKineticEnergy", "Mixed", "PacanowskiPhilander", "TurbulentKineticEnergy", "Uniform",
           "Visbeck", "convective", "pacanowski_philander", "uniform"]
