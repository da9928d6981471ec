"""The gradient of a run, by its initial state, with checkpoints; and the forward run that it is held against.

XLA's form has a checkpoint at each step; kernels of Numba go back segment by segment (dycore.backends.adjoint.segments).

Every run begins with the state of the case, so that all take the same steps. The outcome is the sum of squares of all fields.
"""

import argparse
from collections.abc import Callable
from typing import Any

from dycore.benchmarks.programs import Program, build_case, cells_of, is_finite, use_double_precision
from dycore.commands.bench import GRADIENTS


def program(options: argparse.Namespace) -> Program:
    """Runs of so many steps, forward under a backend or as gradients of a competitor in GRADIENTS."""
    from dycore import Model
    from dycore.backends import by_name

    if options.precision == "float64":
        use_double_precision()
    backend = by_name.create(GRADIENTS.get(options.backend, options.backend), options.threads)
    grid, parameters, state = build_case(options)
    model = Model(grid, parameters, backend)
    state = model.asarrays(state)
    run: Callable[[], Any] = lambda: model.steps(state, options.gradient_steps)  # noqa: E731
    if options.backend in GRADIENTS:
        gradient, fields = gradient_of_a_run(model, state, options.gradient_steps), tuple(state[:-2])
        run = lambda: gradient(fields)  # noqa: E731
    found: Any = None

    def advance(steps: int) -> None:
        nonlocal found
        for _ in range(steps // options.gradient_steps):
            found = run()
            backend.synchronize(found)

    def check() -> None:
        if not is_finite(model, found):
            raise ArithmeticError("a value was no longer finite")
        if not any(cells.any() for cells in cells_of(model, found)):
            raise ArithmeticError("the gradient is zero")

    return Program(advance, {}, check)


def outcome_of_a_run(model: Any, state: Any, steps: int) -> Callable[[tuple], Any]:
    """The outcome after so many steps as a function of the fields of a state (all but step and history)."""
    import jax

    def outcome(fields: tuple) -> Any:
        def step(now: Any, _: None) -> tuple:
            return jax.checkpoint(model.pure_step)(now), None

        start = type(state)(*fields, *state[-2:])
        if model.backend.name == "jax-native":
            after = model.steps(start, steps)  # whose way back keeps few states by itself
        else:
            after, _ = jax.lax.scan(step, start, None, length=steps)
        return sum((field**2).sum() for field in jax.tree.leaves(after[:-2]))

    return outcome


def gradient_of_a_run(model: Any, state: Any, steps: int) -> Callable[[tuple], tuple]:
    """The compiled gradient of the outcome by the fields of the state, which it takes."""
    import jax

    from dycore.backends import on_jax

    return on_jax.jit(jax.grad(outcome_of_a_run(model, state, steps)))
