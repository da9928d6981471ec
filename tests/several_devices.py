"""Run in a process of its own with four devices (tests/test_devices.py): prints, as JSON, how results differ from one device's."""

import json
import sys

import numpy as np
from ranks import difference

from dycore import Model, cases
from dycore.backends import on_jax
from dycore.backends.devices import Devices

CASES = {
    "channel": lambda precision: cases.baroclinic_channel((4, 12, 24), precision=precision, time_step=2000.0),
    "wave": lambda precision: cases.baroclinic_wave((4, 16, 24), precision=precision),
}


def same_answer(case, precision, shapes, steps):
    """The difference after `steps` steps in the first shape, then as many in every further one."""
    grid, parameters, start = CASES[case](precision)
    state = start
    for shape in shapes:
        model = Model(grid, parameters, on_jax.create(communication=Devices(tuple(shape))))
        state = model.gather(model.steps(state, steps))
    return difference(state, Model(grid, parameters, on_jax.create()).steps(start, steps * len(shapes)))


def messages(case, shape):
    grid, parameters, start = CASES[case]("float64")
    model = Model(grid, parameters, on_jax.create(communication=Devices(tuple(shape))))
    return model.traffic(start).messages


def place(case, shape):
    """What is said of a value that is not a number."""
    grid, parameters, state = CASES[case]("float64")
    state.surface[3 + 11, 3 + 20] = np.nan
    try:
        Model(grid, parameters, on_jax.create(communication=Devices(tuple(shape)))).run(state, steps=2, progress=False)
    except FloatingPointError as problem:
        return str(problem)


def refused(case, shape):
    grid, parameters, _ = CASES[case]("float64")
    try:
        Model(grid, parameters, on_jax.create(communication=Devices(tuple(shape))))
    except ValueError as problem:
        return str(problem)


def total(case, shape):
    """The sum of the first tracer less that of one device."""
    grid, parameters, state = CASES[case]("float64")
    totals = []
    for communication in (Devices(tuple(shape)), None):
        model = Model(grid, parameters, on_jax.create(communication=communication))
        totals.append(float(model.backend.total(model.tile, model.asarrays(state).tracers[0])))
    return totals[0] - totals[1]


if __name__ == "__main__":
    print(json.dumps([globals()[function](*arguments) for function, arguments in json.loads(sys.argv[1])]))
