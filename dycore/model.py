"""The model: a grid and parameters on a backend, and what a user asks of them. The equations are in dycore.equations."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dycore import printing
from dycore.assembly.equations import equations_of, geometry_of
from dycore.assembly.held_records import HeldRecords
from dycore.assembly.open_boundaries import with_open_sides
from dycore.assembly.plan import check_forms, plan_of_step
from dycore.assembly.values import differences, in_floats, joined, known, split
from dycore.backend import Backend, BackendModule
from dycore.closures.records import prognostics_of
from dycore.equations import hydrostatic
from dycore.grid import Grid
from dycore.inputs.forcings import with_values
from dycore.inputs.given import integer, shown
from dycore.inputs.states import asarrays, check_not_traced, check_state, gathered
from dycore.parameters import Parameters, in_plain_form, in_plain_numbers
from dycore.program import Program
from dycore.stability import AT_REST, Limit, check_parameters, largest_speeds, shortest_limit
from dycore.state import State, beginning, layout, map_state

if TYPE_CHECKING:
    import xarray

    from dycore.restart import Restarts
    from dycore.running.run import Report
    from dycore.writing import Callback, Output

__all__ = ["Model", "map_state"]  # the latter for scripts that take it from here


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
        from dycore.running.reserved_names import check_tracer_names  # here, because what files hold is no business of a step

        parameters = in_plain_form(parameters)
        check_parameters(grid, parameters)
        self.parameters = parameters = in_plain_numbers(parameters)
        self.layout = layout(parameters.tracer_names, prognostics_of(parameters), parameters.stepper.history)
        check_tracer_names(self)
        for field in self.layout.closure:  # also where no state has one yet
            beginning(grid, field)
        self.backend.use_precision(grid.dtype)
        self.tile = self.backend.communication.tile(grid.tile)
        self._geometry = geometry_of(self.backend, with_open_sides(grid, parameters), self.tile, parameters.substeps)
        self._take(parameters)
        self.plan = plan_of_step(self.backend, self.tile, grid.dtype, self.layout, self.choices, self.numbers)
        self._step = self._step_on(self.backend)
        self._steps = self.backend.loop(self._step, period=3 if self.history else 1, elsewhere=self._step_on)
        self._step_within = self.backend.within_programs(self._step, self._step_on)

    def _take(self, parameters: Parameters) -> None:
        """Parameters with their values on this backend: `equations`, of which `numbers` may be new from call to call."""
        self.parameters = parameters
        equations = equations_of(self.backend, self.grid, parameters, self.tile, self._geometry)
        self.records = HeldRecords(equations, self.grid, parameters, self.backend.communication, self._arguments)
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
        """A second model of the same kind, which shares what is planned and compiled."""
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
        state, n = self.asarrays(state), integer("n", n, 0)
        for numbers, portion in model.records.portions(model.numbers, state.step, n):
            state = self._steps(numbers, state, portion)
        return state

    def with_parameters(self, parameters: Parameters) -> Model:
        """Model with other numbers in its parameters, such as coefficients and values of forcings: nothing is compiled.

        JAX may trace them. Raises ValueError where more differs than numbers: that is another model.
        """
        check_not_traced(self.backend, parameters)
        other, parameters = copy.copy(self), in_floats(in_plain_form(parameters), self.parameters)
        check_parameters(self.grid, known(parameters, self.parameters))
        other._take(in_plain_numbers(parameters))
        changed = differences(self.choices, other.choices, "model")
        if changed:
            raise ValueError(f"with_parameters gives a model other numbers, but {', '.join(changed)} would differ in more than "
                             "that. Make a new Model.")
        check_forms(self, other)
        return other

    def pure_step(self, state: State) -> State:
        """One step that is not compiled by itself: for functions of yours that `dycore.backends.on_jax.jit` compiles (or `jax.jit`,
        with which a step on a CPU takes twice as long) and `jax.grad` differentiates.

        Steps in a row: `dycore.learning.trajectory`. (`steps` goes into `jax.vmap`, but not into `jax.grad`.) Of forcings that are
        time series all records are then held on the device; beyond them there is no number (NaN), as nothing can be refused.
        """
        self.backend.communication.in_one_thread()
        state = self.asarrays(state)
        return self._step_within(self.records.numbers(self.numbers, state.step), state)

    def check_state(self, state: State) -> None:
        """Raise ValueError where a state does not belong to this model's grid and parameters."""
        check_state(self, state)

    def asarrays(self, state: State) -> State:
        """The state with arrays of this backend: of a state of the whole domain, what this process keeps."""
        return asarrays(self, state)

    def suggested_time_step(self, state: State | None = None) -> Limit:
        """The longest step (s) that all processes allow, with the flow of a state or a rank's part of it. All have to call it."""
        flow = AT_REST if state is None else largest_speeds(self, self.asarrays(state))
        return shortest_limit(self.grid, self.parameters, flow)

    def gather(self, state: State) -> State | None:
        """The state of the whole domain in NumPy arrays, on rank 0; None on the others. All processes have to call it."""
        return gathered(self, state)

    def traffic(self, state: State) -> Any:
        """Messages and bytes that this process sends in one step (dycore.backends.halos.Traffic)."""
        return self.backend.traffic(self._step, self._steps, self.numbers, self.asarrays(state))

    def run(self, state: State, *, steps: int | None = None, days: float | None = None, progress: bool = True,
            write: tuple[Output, ...] = (), restarts: Restarts | None = None, stop: Callable[[], bool] | None = None,
            report: Callable[[Report], None] | None = None, callbacks: tuple[Callback, ...] = ()) -> State:
        """The state after so many steps or days, with a progress bar in simulated time.

        The others write output and restarts, stop on request, report and call functions of yours: see `dycore.running.run.run`.
        Raises FloatingPointError with step and place when a value is no longer a finite number, or a column has no thickness left.
        """
        from dycore.running.run import run  # here, because a progress bar is no business of a step

        return run(self, state, steps=steps, days=days, progress=progress, write=write, restarts=restarts, stop=stop,
                   report=report, callbacks=callbacks)

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
