"""What several tests need: the backends, small grids with sides of different length, random fields."""

import importlib
import os
import tempfile

import numpy as np
import pytest

from dycore import Model
from dycore.backends import by_name
from dycore.equations import continuity, friction, operators
from dycore.fields import Field, map_arguments
from dycore.forcing import Instant
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.halo_sources import fill_halo
from dycore.program import Program, planned
from dycore.restart import Restarts, latest, read
from dycore.tiles import Boundary, Place
from dycore.vertical import stretched

BACKENDS = ("numpy", "numba", "jax")
SEED = 20240229
# Ranks of MPICH that tests start give their core away while they wait: two of them compile, and other tests run beside them.
os.environ |= {"MPIR_CVAR_ENABLE_HEAVY_YIELD": "1", "MPIR_CVAR_POLLS_BEFORE_YIELD": "1"}
# Hundreds of processes that tests start import the package: each would compile its modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# Files that take minutes, begun first, so that no process is left alone with one of them at the end.
LONGEST = (
    "ranks", "examples", "gradients", "compiled_steps", "adjoint", "devices", "backends", "slurm_cluster", "assimilation",
    "modules", "killed_runs", "eddy_kinetic_energy", "linear_theory", "transport_evidence", "coupling_jcm", "runge_kutta",
    "emulator", "coefficients", "turbulent_kinetic_energy", "site", "open_boundaries", "documented_programs", "physics",
    "global_ocean", "trajectories", "subgrid_fluxes", "shallow_water", "thin_grids", "land_estimation", "eddies")


def pytest_configure(config):
    config.option.loadscopereorder = False  # pytest-xdist would take files by their numbers of tests
    if not hasattr(config, "workerinput"):  # before pytest-xdist starts others, which inherit it
        config.add_cleanup(keep_compiled_programs().cleanup)


def keep_compiled_programs():
    """A folder in which JAX keeps for this session what all processes of it compile: several tests run the same model.

    Its size is bounded for the lock alone that JAX takes then.
    """
    folder = tempfile.TemporaryDirectory(prefix="dycore-tests-", ignore_cleanup_errors=True)
    os.environ |= {"JAX_COMPILATION_CACHE_DIR": folder.name, "JAX_COMPILATION_CACHE_MAX_SIZE": str(2**34),
                   "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    return folder


def pytest_collection_modifyitems(items):
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def create(name):
    """A backend, or a skipped test where its library is missing."""
    if name != "numpy":
        pytest.importorskip(name)
    if name == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", True)  # tests give arrays to verbs without a model
        compile_quickly(True)
    return by_name.create(name)


def compile_quickly(quickly):
    """Whether XLA leaves out most of its optimisation, which takes longer than most tests run what it compiles."""
    import jax

    jax.config.update("jax_disable_most_optimizations", quickly)


@pytest.fixture
def compiled_as_for_users():
    """With all optimisation, as outside of tests."""
    pytest.importorskip("jax")
    create("jax")
    compile_quickly(False)
    yield
    compile_quickly(True)


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request):
    """Each backend in turn; made once, so that what it compiled is used again."""
    return create(request.param)


@pytest.fixture(scope="session")
def numpy_backend():
    """The reference, for tests of physics."""
    return create("numpy")


@pytest.fixture
def random():
    """Random numbers, the same in every run."""
    return np.random.default_rng(SEED)


def sphere(cells=(2, 10, 16), **options):
    """A full sphere with levels of different thickness."""
    interfaces = options.pop("interfaces", stretched(cells[0], 4000.0, 3.0))
    return latitude_longitude(cells, interfaces=interfaces, **options)


def channel(cells=(4, 7, 10), **options):
    """A beta-plane channel with a step and an island of land."""
    nz, ny, nx = cells
    bottom = np.full((ny, nx), -4000.0)
    bottom[:, nx // 2] = -1500.0
    land = np.zeros((ny, nx), bool)
    land[ny // 2, 1] = True
    settings = {"extent": (1.0e6, 5.0e5), "interfaces": stretched(nz, 4000.0, 4.0), "bottom": bottom, "land": land,
                "coriolis": 1.0e-4, "beta": 2.0e-11}
    return rectilinear(cells, **(settings | options))


def filled(grid, place, values):
    """A padded array with halo from values on the interior [k, j, i] or [j, i]; zero on closed faces."""
    shape = grid.tile.region.padded[-np.ndim(values):]
    array = np.zeros(shape, grid.dtype)
    interior(array)[...] = values
    metrics = grid.metrics
    floor = {Place.WEST_FACE: metrics.floor_u, Place.SOUTH_FACE: metrics.floor_v}.get(place, metrics.floor)
    if array.ndim == 3:
        array[np.arange(shape[0])[:, None, None] < floor] = 0.0
    return fill_halo(grid.tile, place, array)


def random_velocity(grid, random):
    """Random u and v (m/s), zero where faces are closed, halos filled."""
    return (filled(grid, Place.WEST_FACE, random.standard_normal(grid.cells)),
            filled(grid, Place.SOUTH_FACE, random.standard_normal(grid.cells)))


def fields_of(state):
    """The prognostic fields by name, without halo, as NumPy arrays."""
    fields = {"u": state.u, "v": state.v, "w": state.w, "surface": state.surface}
    fields |= {f"tracer {m}": tracer for m, tracer in enumerate(state.tracers)}
    return {name: interior(np.asarray(field)) for name, field in fields.items()}


def content(grid, state, m=None):
    """Volume or mass (m2 times the unit of r), or the content of tracer m."""
    metrics = grid.metrics
    depth = interior(np.asarray(state.surface, float)) - interior(metrics.fixed)
    columns = interior(metrics.area).astype(float) * depth
    wet = interior(metrics.floor) < metrics.top
    if m is None:
        return float((columns * wet).sum())
    stretching = np.where(wet, columns / np.where(wet, interior(metrics.area) * interior(metrics.thickness), 1.0), 0.0)
    return float((grid.volume * stretching * interior(np.asarray(state.tracers[m], float))).sum())



def model(case, backend):
    """(model, state) of a case on a backend, with the state in the arrays of the backend."""
    grid, parameters, state = case
    made = Model(grid, parameters, backend)
    return made, made.asarrays(state)


def computed(backend, grid, function, *arguments):
    """What function(on, *arguments) stores, a field or several, without halo: its operations are applied as far as it is read."""
    def stored(on, *arguments):
        fields = function(on, *arguments)
        return fields if isinstance(fields, tuple) else (fields,)

    recorder = backend.recorder()
    padded = grid.tile.region.padded

    def placeholder(leaf):
        return recorder.placeholder(np.zeros(padded[-leaf.array.ndim:], leaf.array.dtype) if isinstance(leaf, Field) else leaf)

    traced = tuple(map_arguments(placeholder, argument) for argument in arguments)
    plan = planned(recorder, grid.tile, lambda on: stored(on, *traced), (), alone=True)
    fields = stored(Program(backend, grid.tile, plan), *arguments)
    cells = grid.tile.region
    return [np.asarray(field[(cells if field.array.ndim == 3 else cells.columns).indices()]) for field in fields]


def advection_of(backend, grid, scheme, made, u, v, w=None):
    """(Coriolis force and advection, the vorticity flux alone), each of u and of v (m/s2), in the columns `made`."""
    at = Instant(u, v, np.zeros(grid.tile.region.padded, grid.dtype) if w is None else w, None, ())

    def forces(on, metrics, made, at):
        advected = scheme(on, metrics, made, at)
        flux = advected.vorticity_flux
        return sum(map(tuple, on.store(flux - operators.gradient(metrics, advected.kinetic_energy) + advected.vertical, flux)), ())

    of_u, of_v, *flux = computed(backend, grid, forces, grid.metrics, made, at)
    return (of_u, of_v), tuple(flux)


def strain(backend, grid, u, v, region=None):
    """Vorticity and divergence of a velocity, one cell beyond the region (default: all cells)."""
    region = (region or grid.tile.region).grow(1, 1, 1, 1)
    return friction.Strain(*(backend.apply(stencil, region, grid.metrics, u, v)
                            for stencil in (operators.vorticity, operators.velocity_divergence)))


def flow_of(backend, grid, u, v):
    """The transport of a velocity through faces as wide as they are long."""
    widths = grid.metrics.dy_u, grid.metrics.dx_v
    faces = grid.tile.region.grow(east=1, north=1)
    return continuity.Flow(*backend.apply(continuity.transports, faces, grid.metrics, *widths, u, v), *widths)


def diffused(model, state, steps=10):
    """(tracer content before, after, sum of |tracer| volume, variance before every step) of tracer 0 in a run."""
    grid = model.grid
    before, scale = content(grid, state, 0), (np.abs(interior(state.tracers[0])) * grid.volume).sum()
    variances = []
    for _ in range(steps):
        variances.append((interior(state.tracers[0]) ** 2 * grid.volume).sum())
        state = model.step(state)
    return before, content(grid, state, 0), scale, variances


def uniform_flow(f, speed_u, speed_v):
    """A grid on an f-plane without walls, and a uniform velocity (m/s) on it."""
    grid = rectilinear((3, 5, 8), extent=(8.0e4, 3.0e4), interfaces=stretched(3, 500.0, 2.0), coriolis=f,
                       y_boundary=Boundary.PERIODIC)
    return (grid, filled(grid, Place.WEST_FACE, np.full(grid.cells, speed_u)),
            filled(grid, Place.SOUTH_FACE, np.full(grid.cells, speed_v)))


def gone_on(model, state, folder):
    """The state of a run of two steps that goes on for two more from its restart: to the bit that of four steps at once."""
    through = model.run(state, steps=4, progress=False)
    model.run(state, steps=2, progress=False, restarts=Restarts(folder, days=10.0))
    again = model.run(read(latest(folder), model), steps=2, progress=False)
    for one, other in zip((*through.closure, *through.tracers, through.u), (*again.closure, *again.tracers, again.u), strict=True):
        assert np.array_equal(interior(one), interior(other))
    return again
