"""What a run is made of besides its grid and its state: one record, constant through the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import ArrayLike

from dycore.advection import upwind3
from dycore.fluid import Fluid
from dycore.forcing import Forcing
from dycore.mixing import with_spacing
from dycore.momentum import advection_u, advection_v
from dycore.stepping import AdamsBashforth3, Stepper
from dycore.vertical_mixing import VerticalMixing


@dataclass(frozen=True)
class Mixing:
    """Friction along the levels: harmonic (m2/s) or biharmonic (m4/s) coefficients, zero is off.

    `divergence` and `vorticity` are the viscosities that act on either part of the flow. On the sphere they hold at the
    equator, and elsewhere by `share`, a function of the cosine of latitude [j, i]: `dycore.mixing.with_spacing` lets them fall
    with the cosine (its square for the biharmonic one), as the spacing of meridians does, so that a wave of two cells decays
    as fast in all rows; `dycore.mixing.constant` keeps them the same everywhere, which needs shorter steps near poles. A
    biharmonic coefficient goes with the square of its share. On a plane `share` changes nothing.
    `no_slip`: the flow along a coast stops there; otherwise it slips freely.
    """

    divergence: float = 0.0
    vorticity: float = 0.0
    biharmonic: bool = False
    no_slip: bool = False
    share: Callable = with_spacing


@dataclass(frozen=True)
class Parameters:
    """Fluid, time step and schemes. `None` is off; a scheme is chosen by passing a function.

    time_step: seconds. stepper: dycore.stepping.AdamsBashforth3 or WickerSkamarock. substeps: barotropic
    substeps a step, 1 for none (they are needed where external waves cross less than a cell a step).
    tracer_names: CF-like names, in the order of State.tracers.
    tracer_face, vertical_face: face values of tracers along and across the levels (dycore.advection, which says when to
    take weno5 with weno3 instead: upwind3 leaves the range of a tracer at fronts, by a quarter of it in a lock exchange, but
    a step with the others takes 1.2 to 1.7 times as long). advection: the pair of stencils for u and v. friction: Mixing.
    diffusivity (m2/s; m4/s with `biharmonic_diffusion`): the same everywhere, on the sphere too. surface_stress: pair of
    arrays [j, i] on west and south faces (N/m2), eastward and northward. polar_filter: latitude (degrees)
    poleward of which a full sphere is filtered. polar_damping: seconds in which the filter removes from the
    velocity what it slows down, a step at least (dycore.filters). extrapolated_pressure: the share of the pressure force
    that is extrapolated with the advection (dycore.stepping). vertical_mixing: dycore.vertical_mixing.
    forcing: what else acts on momentum and tracers (dycore.forcing; ready ones in dycore.physics).
    """

    fluid: Fluid
    time_step: float
    substeps: int = 1
    tracer_names: tuple[str, ...] = ()
    tracer_face: Callable = upwind3
    vertical_face: Callable = upwind3
    advection: tuple[Callable, Callable] = (advection_u, advection_v)
    friction: Mixing | None = None
    diffusivity: float | None = None
    biharmonic_diffusion: bool = False
    surface_stress: tuple[ArrayLike, ArrayLike] | None = None
    polar_filter: float | None = 60.0
    polar_damping: float = 3600.0
    extrapolated_pressure: float = 0.1
    vertical_mixing: VerticalMixing | None = None
    forcing: tuple[Forcing, ...] = ()
    stepper: Stepper = AdamsBashforth3()  # noqa: RUF009 (an immutable record)
