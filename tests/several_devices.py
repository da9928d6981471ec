"""Run in a process of its own with four devices (tests/test_devices.py): prints, as JSON, how results differ from one device's."""

import json
import sys

import jax
import numpy as np
from ranks import difference

from dycore import Model, cases, learning
from dycore.backends import on_jax
from dycore.backends.devices import Devices
from dycore.fields import Field
from dycore.halo_sources import fill_halo, origin
from dycore.state import padded
from dycore.tiles import HALO_LEVELS, Boundary, Halo, Place, Tile, part_of

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # which would take most of the time

CASES = {
    "channel": lambda precision: cases.baroclinic_channel((4, 12, 24), precision=precision, time_step=2000.0),
    "wave": lambda precision: cases.baroclinic_wave((4, 16, 24), precision=precision),
    "over the poles": lambda precision: cases.steady_zonal_flow((1, 12, 24), precision=precision, angle=45.0),
}


def same_answer(case, precision, shapes, steps):
    """The difference after `steps` steps in the first shape, then as many in every further one.

    XLA optimises single precision as for users.
    """
    jax.config.update("jax_disable_most_optimizations", precision != "float32")
    grid, parameters, start = CASES[case](precision)
    state = start
    for shape in shapes:
        model = Model(grid, parameters, on_jax.create(communication=Devices(tuple(shape))))
        state = model.gather(model.steps(state, steps))
    return difference(state, Model(grid, parameters, on_jax.create(native=False)).steps(start, steps * len(shapes)))


def on_cells(tile, array):
    """The field of the cells of an array, without its halo."""
    ranges = (tile.region if array.ndim == 3 else tile.region.columns).ranges
    return Field(array[tuple(slice(*r) for r in ranges)], ranges, tuple(start for start, _ in ranges))


def belongs(tile, place, values):
    """What belongs on the padded array of a tile, index by index: values [..., j, i] of the domain without halo."""
    _, ny, nx = tile.domain
    array = np.empty((*values.shape[:-2], *tile.region.padded[1:]))
    for j, i in np.ndindex(array.shape[-2:]):
        row, turned = origin(j - tile.halo[0] + tile.rows[0], ny, tile.y, place is Place.SOUTH_FACE)
        crosses = turned and tile.y is Boundary.POLE
        column, mirrored = origin(i - tile.halo[1] + tile.columns[0] + crosses * nx // 2, nx, tile.x, place is Place.WEST_FACE)
        sign = 1 - 2 * ((place.is_vector if crosses else turned and place is Place.SOUTH_FACE)
                        ^ (mirrored and place is Place.WEST_FACE))
        array[..., j, i] = 0.0 if row is None or column is None else sign * values[..., row, column]
    return array


def halos(x, y, shape, domain, halo):
    """How many values of an exchange of fields at all places, with and without levels, are not what belongs there."""
    random, whole = np.random.default_rng(20240229), Tile(tuple(domain), Boundary(x), Boundary(y))
    backend = on_jax.create(communication=Devices(tuple(shape)))
    tile = backend.communication.tile(whole)._replace(halo=tuple(halo))
    places = [place for place in Place for _ in range(2)]
    fields = [random.standard_normal(n) for _ in Place for n in (domain, domain[1:])]

    def exchanged(_, arrays):
        return backend.exchange(*((Halo(tile, place), on_cells(tile, array)) for place, array in zip(places, arrays, strict=True)))

    arrays = tuple(backend.scatter(tile, np.pad(field, [(HALO_LEVELS,) * 2] * (field.ndim - 2) + [(3, 3)] * 2)) for field in fields)
    filled, wrong = backend.compile(backend.communication.program(exchanged))((), arrays), 0
    for place, field, array in zip(places, fields, filled, strict=True):
        rows = np.split(np.asarray(array), shape[0], axis=-2)
        for rank, part in enumerate(part for row in rows for part in np.split(row, shape[1], axis=-1)):
            levels = (slice(HALO_LEVELS, -HALO_LEVELS),) * (part.ndim - 2)
            wrong += int((part[levels] != belongs(tile._replace(rank=rank), place, field)).sum())
    return wrong


def rows_filtered(shape):
    """The rows that a polar filter of two at each pole changes, and the largest difference from one device."""
    random, whole = np.random.default_rng(20240229), Tile((2, 16, 24), Boundary.PERIODIC, Boundary.POLE)
    response = random.uniform(0.1, 1.0, (4, 13))
    start = fill_halo(whole, Place.CENTER, random.standard_normal(whole.region.padded))
    results = []
    for communication in (Devices(tuple(shape)), None):
        backend = on_jax.create(communication=communication)
        communication = backend.communication
        tile = communication.tile(whole)

        def filtered(response, array, backend=backend, tile=tile):
            (field,) = backend.filter_rows(tile, (on_cells(tile, array), response))
            return backend.whole(tile, field).array

        program = backend.compile(communication.program(filtered))
        results.append(communication.cells(tile, program(backend.asarray(response), backend.scatter(tile, start))))
    before = communication.cells(whole, start)
    return [np.flatnonzero((results[0] != before).any(axis=(0, 2))).tolist(), float(np.abs(results[0] - results[1]).max())]


def scattered(x, y, shape, halo):
    """Whether scattered fields, collapsed or not, hold on every device what belongs to it, and its memory no more."""
    random, whole = np.random.default_rng(20240229), Tile((2, 12, 24), Boundary(x), Boundary(y))
    backend = on_jax.create(communication=Devices(tuple(shape)))
    tile = backend.communication.tile(whole)._replace(halo=tuple(halo))
    values = random.standard_normal((18, 30))
    right = []
    for field, cut in ((values, np.s_[:]), (values[:, :1] + 0.0 * values, np.s_[:, :1]), (values[:1] + 0.0 * values, np.s_[:1])):
        blocks = backend.scatter(tile, field, constant=True).addressable_shards
        right += [bool((np.asarray(block.data) == part_of(field, tile._replace(rank=rank))[cut]).all()
                       and block.data.shape == part_of(field, tile._replace(rank=rank))[cut].shape)
                  for rank, block in enumerate(blocks)]
    return all(right)


def chosen():
    """The shape of all devices for a sphere, for what does not go among four, and the sentence for what does not go at all."""
    made = Devices()
    tile = made.tile(Tile((1, 16, 24), Boundary.PERIODIC, Boundary.POLE))
    try:
        Devices().tile(Tile((1, 9, 15), Boundary.PERIODIC, Boundary.WALL))
    except ValueError as problem:
        return [tile.processes, str(problem)]


def handed_over(shape):
    """The difference of a run that starts from the arrays of another model on the same devices; what a dataset holds."""
    grid, parameters, start = cases.steady_zonal_flow((1, 16, 24), angle=45.0)
    models = [Model(grid, parameters, on_jax.create(communication=Devices(tuple(shape)))) for _ in range(2)]
    state = models[1].steps(models[0].asarrays(start), 10)
    alone = Model(grid, parameters, on_jax.create(native=False))
    ones, others = models[0].dataset(state), alone.dataset(alone.steps(start, 10))
    return max(float(abs(ones[name] - others[name]).max() / (np.ptp(others[name].values) or 1.0)) for name in others.data_vars)


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


def on_cells_of_the_domain(model, whole, slopes):
    """Slopes by the arrays of a state, halos included, summed for each cell of the domain: {name: [..., j, i]}."""
    _, ny, nx = model.grid.cells
    numbers = padded(model.grid, Place.CENTER, np.arange(float(ny * nx)).reshape(ny, nx))
    ids = np.asarray(model.backend.scatter(model.tile, numbers)).astype(int)
    summed = {}
    for name in ("surface", *(f"tracers.{m}" for m in range(len(whole.tracers)))):
        slope = np.asarray(slopes[name])
        total = np.zeros((*slope.shape[:-2], ny * nx))
        np.add.at(total, (..., ids), slope)
        summed[name] = total
    return summed


def slopes(case, shapes):
    """The largest differences of slopes by fields of a state and by coefficients from those of one device, of the range of each."""
    grid, parameters, start = CASES[case]("float64")
    names = ("time_step", "fluid.surface_gravity", "friction.vorticity", "diffusivity")
    coefficients = {name: value for name, value in learning.numbers(parameters).items() if name in names}
    random = np.random.default_rng(20240229)
    weights = [padded(grid, place, random.standard_normal(grid.cells)) for place in (Place.WEST_FACE, Place.SOUTH_FACE)]
    found = []
    for communication in (*(Devices(tuple(shape)) for shape in shapes), None):
        model = Model(grid, parameters, on_jax.create(communication=communication, native=False))
        state, own = model.asarrays(start), [model.backend.scatter(model.tile, weight) for weight in weights]

        def outcome(fields, coefficients, model=model, state=state, own=own):
            run = model.with_parameters(learning.with_numbers(parameters, coefficients))
            end, seen = learning.trajectory(run, learning.with_numbers(state, fields), 3, 1,
                                            lambda now: learning.total(model, now.surface**2))
            return sum(learning.total(model, weight * field) for weight, field in zip(own, end[:2], strict=True)) + seen.sum()

        program = on_jax.jit(jax.value_and_grad(outcome, argnums=(0, 1)))
        value, (by_fields, by_coefficients) = program(learning.numbers(state), coefficients)
        found.append({"value": value, **on_cells_of_the_domain(model, start, by_fields), **by_coefficients})
    return {name: max(float(np.abs(np.asarray(one[name]) - other).max() / np.abs(other).max()) for one in found[:-1])
            for name, other in found[-1].items()}


if __name__ == "__main__":
    print(json.dumps([globals()[function](*arguments) for function, arguments in json.loads(sys.argv[1])]))
