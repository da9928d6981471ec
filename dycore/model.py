"""The model: a grid and parameters on a backend, and what a user asks of them. The equations are in dycore.equations."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dycore import printing
from dycore.assembly import equations_of, geometry_of
from dycore.backend import Backend, BackendModule
from dycore.closures.records import prognostics_of
from dycore.driving import with_values
from dycore.equations import hydrostatic
from dycore.fields import map_arguments
from dycore.given import check_kind, shown, whole_number
from dycore.grid import Grid
from dycore.held_records import HeldRecords
from dycore.parameters import Parameters, in_plain_numbers
from dycore.program import Plan, Program, planned
from dycore.stability import Limit, Speeds, check_parameters, shortest_limit, speeds
from dycore.state import Prognostic, State, beginning, layout, map_state, padded, without_history
from dycore.values import differences, joined, known, split

if TYPE_CHECKING:
    import xarray

    from dycore.restart import Restarts
    from dycore.running import Report
    from dycore.writing import Means, Snapshots



ADVICE = "Make states with dycore.state.initial_state."


class Model:
    """A grid and parameters on a backend; holds nothing that changes but the records of time series that it read last, so that
    several threads may step it at once.

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
        self.layout = layout(parameters.tracer_names, prognostics_of(parameters), parameters.stepper.history)
        check_tracer_names(self)
        self.backend.use_precision(grid.dtype)
        self.tile = self.backend.communication.tile(grid.tile)
        self._geometry = geometry_of(self.backend, grid, self.tile, parameters.substeps)
        self._take(parameters)
        self.plan = self._planned()
        self._step = self._step_on(self.backend)
        self._steps = self.backend.loop(self._step, period=3 if self.history else 1, elsewhere=self._step_on)
        self._step_within = self.backend.within_programs(self._step, self._step_on)

    def _take(self, parameters: Parameters) -> None:
        """Parameters with their values on this backend: `equations`, of which `numbers` may be new from call to call."""
        self.parameters = parameters
        equations = equations_of(self.backend, self.grid, parameters, self.tile, self._geometry)
        self.records = HeldRecords(equations, parameters.time_step, self.backend.communication, self._arguments)
        self.equations = self.records.first()
        self.choices, numbers = split(self.equations)
        self.numbers = self._arguments(numbers)

    def _arguments(self, numbers: tuple) -> tuple:
        """Numbers and arrays as compiled programs take them."""
        return tuple(value if np.ndim(value) else self.backend.number(value, self.grid.dtype) for value in numbers)

    @property
    def history(self) -> bool:
        """Whether the time stepper extrapolates from earlier steps."""
        return self.parameters.stepper.history

    def __repr__(self) -> str:
        return printing.of_model(self).text()

    def _repr_html_(self) -> str:
        return printing.of_model(self).html()

    def __reduce__(self) -> tuple:
        return type(self), (self.grid, self.parameters, self.backend)

    def __copy__(self) -> Model:
        """The same model, which shares what is planned and compiled."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    # What a user calls ---------------------------------------------------------------------------

    def step(self, state: State) -> State:
        """The state one time step later; the given state is left as it was."""
        return self.steps(state, 1)

    def steps(self, state: State, n: int, forcing: tuple | None = None) -> State:
        """The state n time steps later, without checks or progress: for inner loops and benchmarks.

        forcing: new values for each dycore.forcing.Forcing of the parameters, in their order, as they were given there; nothing
        is compiled anew. Threads may call it at once, but where processes exchange messages (RuntimeError).
        """
        self.backend.communication.in_one_thread()
        model = self if forcing is None else self.with_parameters(with_values(self.parameters, forcing))
        state, n = self.asarrays(state), whole_number("n", n, 0)
        for numbers, portion in model.records.portions(model.numbers, state.step, n):
            state = self._steps(numbers, state, portion)
        return state

    def with_parameters(self, parameters: Parameters) -> Model:
        """The same model with other numbers in its parameters, such as coefficients and values of forcings: nothing is compiled.

        JAX may trace them. Raises ValueError where more differs than numbers: that is another model.
        """
        other = copy.copy(self)
        check_parameters(self.grid, known(parameters, self.parameters))
        other._take(in_plain_numbers(parameters))
        changed = differences(self.choices, other.choices, "model")
        if changed:
            raise ValueError(f"with_parameters gives a model other numbers, but {', '.join(changed)} would differ in more than "
                             "that. Make a new Model.")
        return other

    def pure_step(self, state: State) -> State:
        """As `step`, but not compiled by itself: for functions of yours that `jax.jit` compiles and `jax.grad` differentiates.

        Steps in a row go into `jax.lax.scan`. (`steps` can be given to `jax.vmap`, but not to `jax.grad`.) Of forcings that are
        time series all records are then held on the device; beyond them there is no number (NaN), as nothing can be refused.
        """
        self.backend.communication.in_one_thread()
        state = self.asarrays(state)
        return self._step_within(self.records.numbers(self.numbers, state.step), state)

    def check_state(self, state: State) -> None:
        """Raise ValueError where a state does not belong to this model's grid and parameters."""
        check_kind("state", state, State, ADVICE)
        names = self.parameters.tracer_names
        if len(state.tracers) != len(names):
            raise ValueError(f"The state has {len(state.tracers)} tracers, but parameters.tracer_names names {len(names)}: "
                             f"{names}. Give one name for each.")
        declared = [field.name for field in self.layout.closure]
        if state.closure and len(state.closure) != len(declared):
            raise ValueError(f"The state has {len(state.closure)} fields of closures, but those of the parameters have "
                             f"{len(declared)}: {', '.join(declared)}. Start without them, or with all.")
        padded, part = self.grid.tile.region.padded, self.backend.padded(self.tile)
        for name, array in (("u", state.u), ("v", state.v), ("w", state.w), *zip(names, state.tracers, strict=True),
                            *zip(declared, state.closure, strict=False)):
            if tuple(array.shape) not in (padded[-array.ndim:], part[-array.ndim:]):
                raise ValueError(f"{name} has shape {tuple(array.shape)}, but this grid needs {padded}, halo included. {ADVICE}")

    def asarrays(self, state: State) -> State:
        """The state with arrays of this backend: of a state of the whole domain, what this process keeps."""
        check_kind("state", state, State, ADVICE)
        whole, part = self.grid.tile.region.padded, self.backend.padded(self.tile)

        if self.history and not state.history:
            raise ValueError("The state has no history, which Adams-Bashforth needs: it comes from another time stepper. Start "
                             "anew from its fields with dycore.state.initial_state.")
        if not self.history:
            state = without_history(state)
        if not state.closure:
            state = state._replace(closure=tuple(beginning(self.grid, field) for field in self.layout.closure))

        def own(array: Any) -> Any:
            if whole != part and tuple(array.shape) == whole[-array.ndim:]:
                return self.backend.scatter(self.tile, array)
            return self.backend.asarray(array)

        return map_state(own, state)._replace(step=self.backend.whole_number(state.step),
                                              time=self.backend.number(state.time, self.grid.dtype))

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

        def whole(array: Any, about: Prognostic) -> Any:
            cells = self.backend.communication.gather(self.tile, self.backend.to_numpy(array))
            return None if cells is None else padded(self.grid, about.place, cells)

        gathered = map_state(whole, state, self.layout)._replace(step=int(state.step), time=float(state.time))
        return gathered if self.backend.communication.rank == 0 else None

    def traffic(self, state: State) -> Any:
        """Messages and bytes that this process sends in one step (dycore.backends.halos.Traffic)."""
        return self.backend.traffic(self._step, self._steps, self.numbers, self.asarrays(state))

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

    # A step ------------------------------------------------------------------------------------

    def _step_on(self, backend: Backend) -> Callable[[tuple, State], State]:
        """One time step on a backend, with the numbers of this model, or others of the same kinds."""
        choices, tile, plan = self.choices, self.tile, self.plan

        def step(numbers: tuple, state: State) -> State:
            return hydrostatic.step(Program(backend, tile, plan), joined(choices, numbers), state)

        return step

    def _planned(self) -> Plan:
        """Where the operations of a step are needed and how far halos are read: a step is recorded, instead of taken."""
        recorder = self.backend.recorder()
        volume = np.broadcast_to(np.zeros((), self.grid.dtype), self.tile.region.padded)
        start = map_state(lambda about: recorder.stand_in(volume if about.levels else volume[0]), self.layout)
        start = start._replace(step=0, time=0.0)
        equations = joined(self.choices, map_arguments(recorder.stand_in, self.numbers))
        return planned(recorder, self.tile, lambda on: hydrostatic.step(on, equations, start)[:-2], start[:-2],
                       alone=self.backend.communication.ranks == 1)
