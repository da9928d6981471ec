"""The model: puts the processes together. `Model._step` is the table of contents of the equations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dycore import (
    advection,
    barotropic,
    column,
    continuity,
    mixing,
    momentum,
    operators,
    pressure,
    printing,
    stepping,
    vertical_mixing,
)
from dycore.backend import Backend, BackendModule
from dycore.column import Column
from dycore.continuity import Flow
from dycore.driving import forcings
from dycore.filters import polar_response
from dycore.forcing import Now, Rate, in_precision, nothing, sum_of
from dycore.given import check_kind, shown, whole_number
from dycore.grid import Grid, Metrics
from dycore.mixing import Forces, Rubbing, Viscosity
from dycore.operators import Motion
from dycore.parameters import Parameters, in_plain_numbers
from dycore.pressure import Heights, Slopes
from dycore.program import Program
from dycore.stability import Limit, Speeds, check_parameters, shortest_limit, speeds
from dycore.state import PLACES, State, map_state, padded, without_history
from dycore.stencils import Region, as_field, map_arguments, minimum
from dycore.stepping import Stage
from dycore.tiles import FACES, HALO, HALO_LEVELS, Boundary, Halo, Place, Reach, Tile
from dycore.tracers import read_by
from dycore.vertical_mixing import Coefficients, Drag, Scheme

if TYPE_CHECKING:
    import xarray

    from dycore.restart import Restarts
    from dycore.running import Report
    from dycore.writing import Means, Snapshots


ADVICE = "Make states with dycore.state.initial_state."


class Constants(NamedTuple):
    """Arrays that do not change during a run, given to the compiled step as one argument."""

    grid: Any
    heights: Heights
    adams_bashforth: Any  # rows: first, second, later steps
    averaging: tuple  # barotropic weights (a, b) of every stage; empty without substeps
    response_u: Any  # polar filter of centre rows, or None
    response_v: Any
    viscosity: Any
    forcing: tuple  # the values of every forcing
    wide_grid: Any  # metrics of the barotropic substeps on a wide halo, or None where it is not wide


class Model:
    """A grid and parameters on a backend; holds nothing that changes, so that several threads may step it at once.

    It can be pickled: another process makes it anew. Raises ValueError where grid, parameters and time step do not go
    together.
    """

    def __init__(self, grid: Grid, parameters: Parameters, backend: Backend | BackendModule):
        self.grid = grid
        self.backend: Backend = backend.create() if hasattr(backend, "create") else backend
        if not hasattr(self.backend, "communication"):
            raise TypeError(f"backend={shown(backend)} is no backend. Give on_numpy, on_numba or on_jax of dycore.backends.")
        from dycore.naming import check_tracer_names  # here, because what files hold is no business of a step

        check_parameters(grid, parameters)
        parameters = in_plain_numbers(parameters)
        self.parameters = parameters
        self.read = read_by(parameters.fluid.buoyancy, parameters.tracer_names)
        check_tracer_names(self)
        self.backend.use_precision(grid.dtype)
        self.history = parameters.stepper.history
        self.tile = self.backend.communication.tile(grid.tile)
        self.sides = self.backend.communication.sides(self.tile)
        self.wide, self.together = self._wide_tile()
        self.forcings = forcings(grid, parameters)
        self.filtered = grid.tile.y is Boundary.POLE and parameters.polar_filter is not None
        self.constants = self._constants()
        self.regions, self.reach = self._recorded()
        self._steps = self.backend.loop(self._step, period=3 if self.history else 1)

    def __repr__(self) -> str:
        return printing.of_model(self).text()

    def _repr_html_(self) -> str:
        return printing.of_model(self).html()

    def __reduce__(self) -> tuple:
        return type(self), (self.grid, self.parameters, self.backend)

    # What a user calls ---------------------------------------------------------------------------

    def step(self, state: State) -> State:
        """The state one time step later; the given state is left as it was."""
        return self.steps(state, 1)

    def steps(self, state: State, n: int) -> State:
        """The state n time steps later, without checks or progress: for inner loops and benchmarks.

        Threads may call it at once, but where processes exchange messages (RuntimeError).
        """
        self.backend.communication.in_one_thread()
        return self._steps(self.constants, self.asarrays(state), whole_number("n", n, 0))

    def pure_step(self, state: State) -> State:
        """As `step`, but not compiled by itself: for functions of yours that `jax.jit` compiles and `jax.grad` differentiates.

        Steps in a row go into `jax.lax.scan`. (`steps` can be given to `jax.vmap`, but not to `jax.grad`.)
        """
        self.backend.communication.in_one_thread()
        return self._step(self.constants, self.asarrays(state))

    def check_state(self, state: State) -> None:
        """Raise ValueError where a state does not belong to this model's grid and parameters."""
        check_kind("state", state, State, ADVICE)
        names = self.parameters.tracer_names
        if len(state.tracers) != len(names):
            raise ValueError(f"The state has {len(state.tracers)} tracers, but parameters.tracer_names names {len(names)}: "
                             f"{names}. Give one name for each.")
        padded, part = self.grid.tile.region.padded, self.backend.padded(self.tile)
        for name, array in (("u", state.u), ("v", state.v), ("w", state.w), *zip(names, state.tracers, strict=True)):
            if tuple(array.shape) not in (padded, part):
                raise ValueError(f"{name} has shape {tuple(array.shape)}, but this grid needs {padded}, halo included. {ADVICE}")

    def asarrays(self, state: State) -> State:
        """The state with arrays of this backend: of a state of the whole domain, what this process keeps."""
        check_kind("state", state, State, ADVICE)
        whole, part = self.grid.tile.region.padded, self.backend.padded(self.tile)

        if self.history and not state.surface_before:
            raise ValueError("The state has no history, which Adams-Bashforth needs: it comes from another time stepper. Start "
                             "anew from its fields with dycore.state.initial_state.")
        if not self.history:
            state = without_history(state)

        def own(array: Any) -> Any:
            if whole != part and tuple(array.shape) == whole[-array.ndim:]:
                return self.backend.scatter(self.tile, array)
            return self.backend.asarray(array)

        return map_state(own, state)._replace(step=self.backend.whole_number(state.step))

    def suggested_time_step(self, state: State | None = None) -> Limit:
        """As dycore.stability.suggested_time_step, also for the part of a state that this process keeps. All have to call it."""
        flow = Speeds()
        if state is not None:
            state, communication = self.asarrays(state), self.backend.communication
            u, v, w, surface = (communication.cells(self.tile, part) for part in (state.u, state.v, state.w, state.surface))
            found = speeds(self.grid, self.parameters, u, v, w, surface, (self.tile.rows[0], self.tile.columns[0]))
            flow = Speeds(*map(communication.largest, found))
        return shortest_limit(self.grid, self.parameters, flow)

    def gather(self, state: State) -> State | None:
        """The state of the whole domain in NumPy arrays, on rank 0; None on the others. All processes have to call it."""
        check_kind("state", state, State, ADVICE)

        def whole(place: Place, array: Any) -> Any:
            cells = self.backend.communication.gather(self.tile, self.backend.to_numpy(array))
            return None if cells is None else padded(self.grid, place, cells)

        parts = [map_state(partial(whole, place), part) for place, part in zip(PLACES, state[:-1], strict=True)]
        return State(*parts, step=int(state.step)) if self.backend.communication.rank == 0 else None  # type: ignore[misc]

    def traffic(self, state: State) -> Any:
        """Messages and bytes that this process sends in one step (dycore.backends.halos.Traffic)."""
        return self.backend.traffic(self._step, self._steps, self.constants, self.asarrays(state))

    def run(self, state: State, *, steps: int | None = None, days: float | None = None, progress: bool = True,
            write: tuple[Snapshots | Means, ...] = (), restarts: Restarts | None = None, stop: Callable[[], bool] | None = None,
            report: Callable[[Report], None] | None = None) -> State:
        """The state after so many steps or days, with a progress bar in simulated time.

        The others write output and restarts, stop on request and report: see `dycore.running.run`. Raises FloatingPointError
        with step and place when a value is no longer a finite number, or a column has no thickness left.
        """
        from dycore.running import run  # here, because a progress bar is no business of a step

        return run(self, state, steps=steps, days=days, progress=progress, write=write, restarts=restarts, stop=stop,
                   report=report)

    def dataset(self, state: State) -> xarray.Dataset:
        """The state as an xarray.Dataset with CF names, units, coordinates and cell boundaries; on rank 0 alone."""
        from dycore.output import dataset

        return dataset(self, state)

    # The equations -------------------------------------------------------------------------------

    def _step(self, constants: Constants, state: State) -> State:
        """One time step: stages that all begin at the state, each with the tendencies of what the one before gave."""
        return self._reached(constants, state)[-1]._replace(step=state.step + 1)

    def _reached(self, constants: Constants, state: State) -> list[State]:
        """What each stage of a step reaches."""
        return self._stages(Program(self.backend, self.tile, self.regions), constants, state)

    def _stages(self, on: Program, constants: Constants, state: State) -> list[State]:
        constants = constants._replace(grid=self._with_choices(constants.grid))
        reached = [state]
        for stage in self.parameters.stepper.stages:
            reached.append(self._stage(on, constants, stage, state, reached[-1]))
        return reached[1:]

    def _stage(self, on: Program, constants: Constants, stage: Stage, start: State, state: State) -> State:
        """From `start`, with the tendencies of `state`: pressure, velocity, mass, tracers."""
        parameters, grid = self.parameters, constants.grid
        fluid, dt = parameters.fluid, stage.fraction * parameters.time_step
        record, corners = momentum.preparation_of(parameters.advection)
        weights = self._weights(constants, state.step)

        stretched = Column(*on(column.columns, grid, fluid, state.surface))
        _, (phi, b) = on.downward(pressure.layer_phi, pressure.surface_phi, grid, stretched, constants.heights, fluid,
                                  state.surface, self._read(state))
        share = parameters.extrapolated_pressure if self.history else 0.0
        external = external_gravity(self.grid, parameters)
        energy, potential = on(stepping.energies, grid, share, external, state.surface, phi, state.u, state.v)
        turned = on(corners, grid, stretched, state.u, state.v)
        motion = record(*turned, energy)
        carrying, w = (None, state.w) if self.history else self._carried(on, constants, stretched, state)
        now = Now(state.u, state.v, w, state.surface, state.tracers)
        rate_u, rate_v, *rates = self._rates(constants.forcing)
        extrapolate, changes = ((stepping.adams_bashforth, stepping.changes) if self.history
                                else (stepping.as_it_is, stepping.changes_alone))
        held = self._held()
        process = stepping.Process(
            *parameters.advection, self._forces(on, constants, motion, state), stretched, motion, potential,
            Slopes(*on(pressure.slopes, grid, stretched)), constants.heights, b, share, extrapolate,
            rate_u, rate_v, now, held)
        change_u, change_v, *tendencies = on(changes, grid, process, weights, state.u, state.v, w, state.tendency_u_before,
                                             state.tendency_v_before)
        if self.filtered:
            change_u, change_v = on.backend.filter_rows(on.tile, (change_u, constants.response_u), (change_v, constants.response_v))
        change = stepping.Change(change_u, change_v, held, state.u, state.v)
        # implicit, and so of first order, wherever it stands: in the last stage it costs one solve a step and damps all of it
        mixed = self._mixed(on, constants, stretched, state) if stage.last else None
        u, v, sums = self._advanced(on, grid, dt, stretched, mixed, change, start)

        settle = self._unsplit if parameters.substeps == 1 else self._split
        u, v, flow, total = settle(on, constants, stage, stretched, weights, start, state, carrying, u, v, sums)
        w, surface, tracers = self._transport(on, constants, stage, stretched, weights, start, state, flow, total, mixed, rates,
                                              now)
        reached = self._exchanged(on, State(u, v, w, surface, tracers, (), (), (), (), step=state.step))
        return self._with_history(on, reached, state, tendencies) if self.history else reached

    def _advanced(self, on: Program, grid: Any, dt: float, stretched: Column, mixed: Any, change: stepping.Change,
                  start: State) -> tuple:
        """u and v after the stage, and the column sums at its start and after it."""
        if mixed is None:
            sums, (u, v) = on.upward(stepping.advance, stepping.no_sums, grid, dt, change, start.u, start.v)
            return u, v, stepping.Sums(*sums)
        (*before, _, _, _, _), eliminated = on.upward(stepping.advance_mixed, stepping.no_sums_mixed, grid, dt, stretched, mixed,
                                                      self._drag(), change, start.u, start.v)
        (_, _, *after), (u, v) = on.downward(stepping.substitute, stepping.no_velocity, grid, *eliminated)
        return u, v, stepping.Sums(*before, *after)

    def _carried(self, on: Program, constants: Constants, stretched: Column, state: State) -> tuple[tuple, Any]:
        """Column sums of a velocity, and the W that belongs to it: a stage has no other, mass and tracers went with a mean one."""
        grid, widths = constants.grid, (stretched.width_u, stretched.width_v)
        sums, _ = on.upward(stepping.column_sums, stepping.no_column_sums, grid, state.u, state.v)
        flow = Flow(*on(continuity.transports, grid, *widths, state.u, state.v), *widths)  # type: ignore[call-arg]
        total = on(continuity.column_divergence, grid, *widths, *sums)
        total, of_mass = self._divergences(on, constants, total, (continuity.divergence, flow))
        _, (w,) = on.upward(continuity.flux_through_levels, continuity.no_flux, grid, *of_mass, total)
        return sums, on.backend.exchange((Halo(on.tile, Place.CENTER), w))[0] if self.filtered else on.whole(w)

    def _between(self, on: Program, stencil: Any, stage: Stage, new: Any, old: Any) -> Any:
        """The velocity that carries mass and tracers in a stage, from those after and before it; or column sums, or depth means."""
        if stage.ahead in (0.0, 1.0):
            return new if stage.ahead else old
        return on(stencil, stage.ahead, *new, *old)

    def _unsplit(self, on: Program, constants: Constants, stage: Stage, stretched: Column, weights: tuple, start: State,
                 state: State, carrying: Any, u: Any, v: Any, sums: stepping.Sums) -> tuple:
        """Velocity is settled; mass moves with it through the extrapolated thickness, or that of the stage before."""
        tile, grid = self.tile, constants.grid
        after: Sequence[Any] = (sums.after_u, sums.after_v) if stage.ahead else ()
        halos = *on_faces(tile, self.reach.u, self.reach.v), *on_faces(tile, FACES, FACES)
        u, v, *after = on.backend.exchange(*zip(halos, (u, v, *after), strict=False))
        widths = stretched.width_u, stretched.width_v
        if self.history:
            ahead = on(stepping.extrapolated_surface, weights, state.surface, state.surface_before)
            widths = on(column.widths, grid, ahead)
        through = self._between(on, stepping.between, stage, (u, v), (state.u, state.v))
        transports = on(continuity.transports, grid, *widths, *through)
        total = on(continuity.column_divergence, grid, *widths,
                   *self._between(on, stepping.between_columns, stage, after, carrying))
        return u, v, Flow(*transports, *widths), total  # type: ignore[call-arg]

    def _split(self, on: Program, constants: Constants, stage: Stage, stretched: Column, weights: tuple, start: State,
               state: State, carrying: Any, u: Any, v: Any, sums: stepping.Sums) -> tuple:
        """The depth mean is settled by barotropic substeps, which also give the transport."""
        backend, tile, wide, grid = on.backend, self.tile, self.wide, constants.grid
        widths: Sequence[Any] = (stretched.width_u, stretched.width_v)
        means = on(barotropic.depth_means, grid, sums)
        others = [] if state is start else [on(barotropic.behind, start.surface, state.surface)]
        others += widths if any(self.sides) else ()
        # so far beyond the cells that the substeps need no message for a while
        along_y, along_x = (self.together if n > 1 else 1 for n in tile.processes)
        reach = Reach(along_x, along_x, along_y, along_y)
        halos = (*on_faces(wide, reach, reach) * 2, *[Halo(wide, Place.CENTER, reach)] * len(others))
        u, v, *begin = backend.exchange(*zip(on_faces(tile, FACES, FACES), (u, v), strict=True), *(
            (halo, backend.retile(field, tile, wide)) for halo, field in zip(halos, (*means, *others), strict=True)))
        change = None if state is start else begin.pop(4)
        averages = self._substeps(on, constants, stage, begin[:4], change, begin[4:] or widths)

        mean_u, mean_v, *transport, predicted_u, predicted_v = (
            backend.retile(field, wide, tile) for field in (*averages, *begin[2:4]))
        predicted = predicted_u, predicted_v
        old = None if stage.ahead == 1.0 else on(barotropic.means, grid, *carrying)
        correction = on(barotropic.transport_correction, grid, stretched, *self._between(
            on, stepping.between_columns, stage, predicted, old), *transport)
        total = on(barotropic.transport_divergence, grid, *transport)
        transports = on(barotropic.corrected_transports, grid, *widths, *correction,
                        *self._between(on, stepping.between, stage, (u, v), (state.u, state.v)))
        lack = on(barotropic.difference, mean_u, mean_v, *predicted)
        u, v = on(barotropic.impose_mean, grid, u, v, *lack)
        return u, v, Flow(*transports, *widths), total

    def _substeps(self, on: Program, constants: Constants, stage: Stage, means: Sequence[Any], change: Any,
                  widths: Sequence[Any]) -> tuple:
        """Averages over the substeps, of velocity and of transport: from depth means before and after, in the wide halo."""
        backend, wide, sides, parameters = on.backend, self.wide, self.sides, self.parameters
        grid = constants.wide_grid if wide != self.tile else constants.grid
        averaging, (of_velocity, of_transport) = weights_of(parameters, stage), constants.averaging[stage.number]
        gravity, dt = external_gravity(self.grid, parameters), stage.fraction * parameters.time_step
        portions = barotropic.portions(len(averaging.velocity), self.together, any(sides))

        def around(portion: barotropic.Portion) -> Region:
            return wide.region.columns.grow(*(portion.beyond * side for side in sides))

        def substep(m: Any, cells: Region, carried: tuple) -> tuple:
            change, *moving = carried
            *moving, flux_u, flux_v = backend.apply(
                barotropic.velocity_substep, cells.grow(east=1, north=1), grid, gravity, averaging.substep * dt, of_velocity[m],
                of_transport[m], *widths, *forcing, change, *moving)
            change = backend.apply(barotropic.surface_substep, cells, grid, averaging.substep * dt, change, flux_u, flux_v)
            return *backend.wrap((Halo(wide, Place.CENTER), change)), *moving

        forcing = backend.apply(barotropic.forces, around(portions[0]).grow(east=1, north=1), 1.0 / dt, *means)
        u, v = (as_field(mean).array for mean in means[:2])
        zero = backend.zeros_like(u)
        carried = (zero if change is None else as_field(change).array, u, v, zero, zero, zero, zero)
        for portion in portions:
            if portion.message:
                halos = Halo(wide, Place.CENTER), *on_faces(wide)
                averages = (backend.whole(wide, as_field(average)).array for average in carried[3:])
                carried = (*backend.exchange(*zip(halos, carried[:3], strict=True)), *averages)
            carried = backend.iterate(lambda m, carried, portion=portion: substep(m + portion.first, around(portion), carried),
                                      carried, portion.stop - portion.first)
        return carried[3:]

    def _divergences(self, on: Program, constants: Constants, total: Any, *parts: tuple) -> tuple:
        """The divergence of a column, and of mass and tracers in a layer (each a stencil and its values), filtered near poles."""
        if not self.filtered:
            return total, *parts
        divergences = [on(function, constants.grid, values) for function, values in parts]
        total, *divergences = on.backend.filter_rows(on.tile, *((field, constants.response_u) for field in (total, *divergences)))
        return total, *((continuity.stored, divergence) for divergence in divergences)

    def _transport(self, on: Program, constants: Constants, stage: Stage, stretched: Column, weights: tuple, start: State,
                   state: State, flow: Flow, total: Any, mixed: Any, rates: list[Rate], now: Now) -> tuple:
        """The moving boundary, W through the levels and the tracers after the stage; halos of all that moved."""
        grid, dt = constants.grid, stage.fraction * self.parameters.time_step
        ahead = state.tracers
        if self.history:
            ahead = tuple(on(advection.extrapolated, weights, (tracer, *before), beyond_levels=True)
                          for tracer, before in zip(state.tracers, state.tracers_before, strict=True))
        sources = tuple(self._source(on, constants, flow, tracer, stretched, rate, now, value)
                        for tracer, rate, value in zip(state.tracers, rates, ahead, strict=True))
        fluxes = tuple(on(advection.fluxes, grid, source) for source in sources)
        total, of_mass, *of_tracers = self._divergences(on, constants, total, (continuity.divergence, flow),
                                                        *((advection.tracer_divergence, flux) for flux in fluxes))

        surface = on(continuity.advance_surface, dt, start.surface, total)
        inverse = on(column.inverse_stretching, grid, surface)
        stretching = stretched.stretching
        if state is not start:
            stretching = on(column.stretching, grid, start.surface)
        _, (w,) = on.upward(continuity.flux_through_levels, continuity.no_flux, grid, *of_mass, total)
        w = on.whole(w)  # tracers read W = 0 above the last level
        tracers = []
        for horizontal, source, tracer in zip(of_tracers, sources, start.tracers, strict=True):
            arguments = (grid, dt, stretching, inverse, *horizontal, source, w, tracer)
            if mixed is None:
                tracers.append(on(advection.tracer_step, *arguments))
                continue
            _, eliminated = on.upward(stepping.tracer_step_mixed, stepping.nothing_eliminated, *arguments, mixed)
            _, (new,) = on.downward(stepping.substitute_tracer, stepping.no_tracer, grid, *eliminated, tracer)
            tracers.append(new)
        return w, surface, tuple(tracers)

    def _exchanged(self, on: Program, state: State) -> State:
        """A state with the halo that a step reads: of all fields, or of those that follow the velocity, which has its own."""
        reach, tile = self.reach, self.tile
        fields = [(Halo(tile, Place.CENTER, far), field) for far, field in zip(
            (reach.w, reach.surface, *reach.tracers), (state.w, state.surface, *state.tracers), strict=True)]
        if self.parameters.substeps > 1:
            fields += zip(on_faces(tile, reach.u, reach.v), (state.u, state.v), strict=True)
        w, surface, *others = (as_field(field).array for field in on.backend.exchange(*fields))
        n = len(state.tracers)
        u, v = others[n:] or (as_field(field).array for field in (state.u, state.v))
        return state._replace(u=u, v=v, w=w, surface=surface, tracers=tuple(others[:n]))

    def _with_history(self, on: Program, reached: State, state: State, tendencies: list) -> State:
        """What a step reached, with what it came from and what it extrapolated."""
        of_u, of_v = (on.whole(tendency).array for tendency in tendencies)
        return reached._replace(
            surface_before=(state.surface, state.surface_before[0]),
            tracers_before=tuple((now, before[0]) for now, before in zip(state.tracers, state.tracers_before, strict=True)),
            tendency_u_before=(of_u, state.tendency_u_before[0]), tendency_v_before=(of_v, state.tendency_v_before[0]))

    # Choices made once ----------------------------------------------------------------------------

    def _recorded(self) -> tuple[list[Region], State]:
        """Where the operations of a step are needed, and how far beyond its cells this process needs u, v, w, surface and tracers.

        A step is noted, instead of taken. A process that is alone fills all of a halo (None).
        """
        names = self.parameters.tracer_names
        whole = State(None, None, None, None, (None,) * len(names), (), (), (), (), step=0)
        noted = self.backend.recorder()
        volume = np.broadcast_to(np.zeros((), self.grid.dtype), self.tile.region.padded)
        surface, tracers, twice = volume[0], (volume,) * len(names), (volume,) * 2
        start = State(volume, volume, volume, surface, tracers, (surface,) * 2, (twice,) * len(names), twice, twice, step=0)
        start = map_state(noted.stand_in, start if self.history else without_history(start))
        self.reach = whole
        on = Program(noted, self.tile)
        reached = self._stages(on, map_arguments(noted.stand_in, self.constants), start)
        regions = noted.regions(on.issued, reached[-1][:-1], self.tile)
        if self.backend.communication.ranks == 1:
            return regions, whole
        found = noted.reaches(start[:-1], reached[-1][:-1])

        def furthest(*arrays: Any) -> Any:
            return reduce(Reach.union, (found[array] for array in arrays))

        u, v, w, surface = (furthest(*stages) for stages in list(zip(*reached, strict=True))[:4])
        far = tuple(furthest(*stages) for stages in zip(*(each.tracers for each in reached), strict=True))
        return regions, whole._replace(u=u, v=v, w=w, surface=surface, tracers=far)

    def _read(self, state: State) -> tuple:
        """The tracers that the buoyancy is given."""
        return tuple(state.tracers[number] for number in self.read)

    def _with_choices(self, metrics: Metrics) -> Metrics:
        """The metrics with the stencils of the grid, which are no argument of a compiled step."""
        return metrics._replace(part=self.grid.metrics.part, over_corner=self.grid.metrics.over_corner)

    def _wide_tile(self) -> tuple[Tile, int]:
        """The tile of the barotropic substeps, with a halo as wide as so many of them need, and their number."""
        substeps = len(barotropic.averaging_weights(self.parameters.substeps).velocity) if self.parameters.substeps > 1 else 1
        together = self.backend.communication.substeps_together(self.tile, substeps)
        wide_y, wide_x = (max(HALO, together) if n > 1 else HALO for n in self.tile.processes)
        return (self.tile._replace(halo=(wide_y, wide_x)) if substeps > 1 else self.tile), together

    def _weights(self, constants: Constants, step: Any) -> tuple:
        if not self.history:
            return ()
        row = constants.adams_bashforth[minimum(step, 2)]
        return row[0], row[1], row[2]

    def _rates(self, values: tuple) -> list[Rate]:
        """What all forcings do to u, to v and to every tracer."""
        found: list[list[Rate]] = [[] for _ in range(2 + len(self.parameters.tracer_names))]
        for forcing, own in zip(self.forcings, values, strict=True):
            for rates, function in zip(found, (forcing.u, forcing.v, *forcing.tracers), strict=False):
                if function is not None:
                    rates.append(Rate(function, own))
        return [sum_of(rates) for rates in found]

    def _mixed(self, on: Program, constants: Constants, stretched: Column, state: State) -> Coefficients | None:
        """Viscosity and diffusivity between the levels, from the state whose tendencies are taken."""
        mixing = self.parameters.vertical_mixing
        if mixing is None:
            return None
        values = map_arguments(partial(in_precision, self.grid.dtype), mixing.values)
        if mixing.scheme is vertical_mixing.uniform:
            return Coefficients(vertical_mixing.number, values.viscosity, values.diffusivity)
        fields = on(vertical_mixing.coefficients, constants.grid, stretched, constants.heights, self.parameters.fluid,
                    Scheme(mixing.scheme, values), state.u, state.v, self._read(state))
        return Coefficients(vertical_mixing.element, *(on.whole(field) for field in fields))

    def _held(self) -> stepping.Held:
        """What goes through the polar filter with the change of velocity."""
        if not self.filtered:
            return stepping.NOT_HELD
        # with the whole step in every stage, so that all of them integrate the same equation
        rate = 1.0 / max(self.parameters.polar_damping, self.parameters.time_step)
        return stepping.Held(stepping.put_in, stepping.taken_out, rate)

    def _drag(self) -> Drag:
        mixing = self.parameters.vertical_mixing
        assert mixing is not None
        functions = (vertical_mixing.drag_u, vertical_mixing.drag_v)
        if mixing.linear_drag == mixing.quadratic_drag == 0.0:
            functions = (vertical_mixing.no_drag, vertical_mixing.no_drag)
        return Drag(*functions, *(in_precision(self.grid.dtype, drag) for drag in (mixing.linear_drag, mixing.quadratic_drag)))

    def _source(self, on: Program, constants: Constants, flow: Flow, tracer: Any, stretched: Column, rate: Rate, now: Now,
                ahead: Any) -> advection.Source:
        parameters = self.parameters
        lines = (advection.coastal_x, advection.coastal_y) if self.grid.has_land else (advection.line_x, advection.line_y)
        diffusion: tuple = (mixing.no_diffusion, mixing.no_diffusion, 0.0, None)
        if parameters.diffusivity:
            diffused, sign = tracer, 1.0
            if parameters.biharmonic_diffusion:
                diffused = on(mixing.laplacian, constants.grid, diffused)
                sign = -1.0
            diffusion = (mixing.diffusion_x, mixing.diffusion_y, in_precision(self.grid.dtype, sign * parameters.diffusivity),
                         diffused)
        supply: tuple = (advection.no_supply, None, None, None)
        if rate.of is not nothing:
            supply = (advection.supply, rate, stretched, now)
        return advection.Source(flow, parameters.tracer_face, parameters.vertical_face, *lines, *diffusion, ahead, *supply)  # type: ignore[call-arg]

    def _forces(self, on: Program, constants: Constants, motion: Motion, state: State) -> Forces:
        friction: tuple = (mixing.no_friction, mixing.no_friction)
        viscosity, sign, rubbing = None, 0.0, None
        if self.parameters.friction:
            friction = (mixing.friction_u, mixing.friction_v)
            viscosity, sign = constants.viscosity, 1.0
            grid, both, first_pass = constants.grid, mixing.vorticity_and_divergence, mixing.spread
            if self.parameters.friction.no_slip:
                both, first_pass = mixing.no_slip_vorticity_and_divergence, mixing.no_slip_spread
            if self.parameters.friction.biharmonic:
                sign = -1.0
                wide = on(both, grid, viscosity, state.u, state.v)
                vorticity, divergence = on(first_pass, grid, viscosity, Rubbing(*wide))
            else:
                vorticity = motion.vorticity
                if self.parameters.friction.no_slip:
                    vorticity = on(mixing.no_slip_vorticity, grid, state.u, state.v)
                divergence = on(operators.velocity_divergence, grid, state.u, state.v)
            rubbing = Rubbing(vorticity, divergence)
        return Forces(*friction, viscosity, sign, rubbing)  # type: ignore[call-arg]

    def _constants(self) -> Constants:
        grid, parameters, backend = self.grid, self.parameters, self.backend
        dtype = grid.dtype

        def profile(values: np.ndarray) -> Any:
            padded = np.zeros(grid.tile.region.padded[0], dtype)
            padded[HALO_LEVELS: HALO_LEVELS + len(values)] = values
            return backend.asarray(padded)

        def constant(values: Any, tile: Tile = self.tile) -> Any:
            if not isinstance(values, np.ndarray):
                return None if callable(values) else values
            return backend.scatter(tile, values, constant=True) if values.ndim == 2 else backend.asarray(values)

        responses = [None, None]
        if self.filtered:
            assert parameters.polar_filter is not None
            responses = [backend.asarray(polar_response(grid, parameters.polar_filter, faces)) for faces in (False, True)]
        averaging: tuple = ()
        if parameters.substeps > 1:
            averaging = tuple(tuple(backend.asarray(np.asarray(w, dtype)) for w in weights_of(parameters, stage)[:2])
                              for stage in parameters.stepper.stages)
        wide = None
        if self.wide != self.tile:
            wide = Metrics(**{name: constant(getattr(grid.metrics, name), self.wide) if name in barotropic.METRICS else None
                              for name in Metrics._fields})
        viscosity = None
        if parameters.friction:
            viscosity = Viscosity(*map(constant, mixing.viscosities(grid, parameters.friction)))

        def value(values: Any) -> Any:
            if np.ndim(values) == 0:
                return in_precision(dtype, values)
            if values.ndim == 1:
                return profile(values)
            whole = padded(grid, Place.CENTER, values)
            return constant(whole) if values.ndim == 2 else backend.scatter(self.tile, whole)

        return Constants(
            grid=type(grid.metrics)(*(constant(field) for field in grid.metrics)),
            heights=Heights(*(profile(values) for values in parameters.fluid.reference_s(grid.interfaces))),
            adams_bashforth=backend.asarray(stepping.ADAMS_BASHFORTH.astype(dtype)), averaging=averaging,
            response_u=responses[0], response_v=responses[1], viscosity=viscosity,
            forcing=tuple(map_arguments(value, forcing.values) for forcing in self.forcings), wide_grid=wide)


def on_faces(tile: Tile, of_u: Reach | None = None, of_v: Reach | None = None) -> tuple[Halo, Halo]:
    """Where the components of a velocity stand, and how far beyond the cells each is needed: all of the halo by default."""
    return Halo(tile, Place.WEST_FACE, of_u), Halo(tile, Place.SOUTH_FACE, of_v)


def weights_of(parameters: Parameters, stage: Stage) -> barotropic.Weights:
    """Weights of the barotropic substeps of a stage; only the last one is averaged."""
    averaged = barotropic.averaging_weights(parameters.substeps)
    return averaged if stage.last else barotropic.plain_weights(int(np.ceil(stage.fraction / averaged.substep)))


def external_gravity(grid: Grid, parameters: Parameters) -> float:
    """g' = c^2 / D of the barotropic substeps (m2/s2 per unit of r; g in an ocean); zero without substeps."""
    if parameters.substeps == 1:
        return 0.0
    return float(parameters.fluid.wave_speed(grid.interfaces) ** 2 / np.ptp(grid.interfaces))
