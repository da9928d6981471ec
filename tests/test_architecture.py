"""Imports point one way, backends know no physics, files and functions are short, and `import dycore` is cheap."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    {"fields", "files", "stopping", "version", "assembly.values", "running.progress", "inputs.named_axes", "inputs.nearest_name",
     "inputs.own_errors", "inputs.units"},
    {"stencils", "inputs.places", "locations"},
    {"abstract", "tiles", "terms", "inputs.given", "tracers", "geometry.geographic", "open_boundaries"},
    {"decomposition", "halo_sources", "inputs.checked_arguments"},
    {"running.zarr_stores"},
    {"running.icechunk_repositories"},
    {"running.reading"},
    {"backend", "printing", "geometry.coordinates", "forcing", "geometry.metrics", "geometry.sides"},
    {"program", "time_series", "geometry.sphere"},
    {"geometry.tripolar", "geometry.land_fraction"},
    {"grid", "calendars", "vertical", "fluid", "seawater"},
    {"geometry.thickness", "directions"},
    {"state", "running.identity"},
    {"running.time_steps", "inputs.checked_states", "closures"},
    {"inputs.states"},
    {"equations", "physics", "land"},
    {"parameters"},
    {"inputs.choices"},
    {"coefficients", "inputs.eddies", "inputs.open_boundaries"},
    {"stability", "inputs.forcings"},
    {"assembly.open_boundaries"},
    {"assembly.equations", "assembly.held_records", "assembly.plan"},
    {"model"},
    {"diagnostics", "coupled_land"},
    {"plotting.curved_cells", "opening"},
    {"plotting.plotted_fields", "plotting.map_projections", "plotting.coastlines", "datasets"},
    {"plotting.map_cells", "plotting.colour_limits", "running.two_dimensional", "running.cell_metrics", "regridding"},
    {"records", "bathymetry"},
    {"regions"},
    {"output", "cases", "restart", "check", "pictures"},
    {"running.growing_files"},
    {"running.series"},
    {"running.diagnosed", "running.callbacks"},
    {"writing"},
    {"running.reserved_names"},
    {"running.run"},
    {"validation"},
    {"notebooks"},
    {"__init__"},
    {"commands"},
    {"cli"},
    {"__main__"},
    {"coupling"},  # within models of others: imports JAX, and nothing here imports it
]
LAYERS_OF_BACKENDS = [  # rooms count as one
    {"common", "halos", "launchers", "polar_rows", "threads", "foreign", "user_cache"},
    {"messages", "device_strips", "mpi_library", "jax_process", "jax_kernels", "jax_halos"},
    {"recorded", "message_slopes"},
    {"adjoint"},
    {"on_numpy", "mpi", "devices"},
    {"compiled", "native"},
    {"on_numba", "on_jax"},
    {"by_name"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
RANK |= {name.partition(".")[0]: -1 for name in RANK if "." in name}  # rooms whose files have ranks of their own: a sentence each
HEAVY = {"numba", "jax", "jaxlib", "mpi4py", "mpi4jax", "scipy", "xarray", "rich", "matplotlib", "zarr", "netCDF4", "filelock",
         "platformdirs", "cf_units", "cftime", "upath", "fsspec", "icechunk", "equinox", "optax", "safetensors"}

# Words that this project once had of its own, and the field's terms for them: in all programs, and in those of backends.
WORDS = {
    "settle": "free-surface step", "Held": "damping by the filter", "put_in": "damping by the filter",
    "taken_out": "damping by the filter", "Rubbing": "strain", "pressing": "divergence", "shearing": "vorticity stress",
    "turning": "vorticity flux", "Swirl": "vorticity flux", "swirling": "vorticity flux", "Motion": "velocity diagnostics",
    "carrying": "transport velocity", "behind": "surface increment", "lack": "surface increment",
    "impose_mean": "barotropic correction", "supply": "source term", "over_corner": "open fraction", "Recorded": "traced array",
    "Noted": "traced", "Seen": "access pattern", "stand_in": "placeholder", "reach": "halo width", "Reach": "halo width",
    "beyond": "stencil extent", "together": "substeps per exchange", "sides": "neighbours", "ring": "rolling row buffer",
    "rings": "rolling row buffers", "lead": "lookahead", "back": "lookbehind", "apart": "a name for what it holds"}
WORDS_OF_BACKENDS = WORDS | {
    "noted": "traced", "seen": "access pattern", "ahead": "off-centring weight", "between": "off-centring weight",
    "Source": "source term", "share": "range of cells", "whole_number": "integer", "found": "a name for what it holds"}


LINKED = {"backends", "learning", "benchmarks"}  # by dycore/backends and so on; checked once, where they are


def modules(folder):
    return sorted(path for path in folder.rglob("*.py") if not LINKED & set(path.relative_to(folder).parts))


FOLDERS = ("dycore", "backends", "learning", "benchmarks", "examples", "docs")
PROGRAMS = [path for folder in FOLDERS for path in modules(ROOT / folder)]
PACKAGE = [path for folder in FOLDERS[:3] for path in modules(ROOT / folder)]


def imports(path, anywhere=False):
    """Names of what a file imports at module level (or anywhere), in full."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if anywhere else (n for n in ast.walk(tree) if n in tree.body)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part_of(names):
    """The name by which RANK knows what has these names, one within the other: a file of a room, a room, or a file."""
    return next((part for part in (".".join(names[:2]), *names[:1]) if part in RANK), None)


def parts_imported(path):
    """Parts of dycore that a file imports at module level."""
    names = [name.split(".")[1:] for name in imports(path) if name.split(".")[0] == "dycore"]
    return {part_of(name) or "__init__" for name in names if name[:1] != ["backends"]}


@pytest.mark.parametrize("path", modules(ROOT / "dycore"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    name = part_of(path.relative_to(ROOT / "dycore").with_suffix("").parts)
    assert name in RANK, f"{path.name} has no place among the layers: give it one in this test"
    for other in parts_imported(path) - {name}:
        assert RANK[other] < RANK[name], f"{path.name} imports {other}, which builds on it"


def test_no_file_imports_one_that_imports_it():
    """Imports within functions count: a circle is one wherever it is closed."""
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PROGRAMS}
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}

    def of(name):
        name = re.sub(r"^dycore\.(backends|learning|benchmarks)\b", r"\1", name)
        return name if name in files else name.rpartition(".")[0]

    left = {name: {of(other) for other in imports(path, anywhere=True)} & set(files) - {name} for name, path in files.items()}
    left["dycore"] = set()  # hands on names of others; what imports it wants its version
    while ground := {name for name, others in left.items() if not others & set(left)}:
        left = {name: others for name, others in left.items() if name not in ground}
    assert not left


@pytest.mark.parametrize("path", modules(ROOT / "dycore"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_science_imports_no_backend_and_nothing_heavy(path):
    names = imports(path)
    coupling = path.parent.name == "coupling"
    assert not {name.split(".")[0] for name in names} & (HEAVY - {"jax"} if coupling else HEAVY)
    assert coupling or not [name for name in imports(path, anywhere=True) if name.startswith("dycore.coupling")]
    assert not [name for name in names if name.startswith(tuple(f"dycore.{linked}" for linked in LINKED))]


@pytest.mark.parametrize("path", modules(ROOT / "backends"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_of_backends_point_one_way(path):
    def rank(names):
        return next((rank for rank, names_there in enumerate(LAYERS_OF_BACKENDS) if names[0] in names_there), None)

    own = path.relative_to(ROOT / "backends").with_suffix("").parts
    assert own == ("__init__",) or rank(own) is not None, f"{path.name} has no place among the layers: give it one in this test"
    for name in imports(path):
        other = name.split(".")[2:] if name.startswith("dycore.backends.") else own
        assert other[0] == own[0] or rank(other) < rank(own), f"{path.name} imports {name}, which builds on it"


@pytest.mark.parametrize("path", modules(ROOT / "backends"), ids=lambda p: str(p.relative_to(ROOT)))
def test_backends_know_the_language_and_the_tiles_and_no_physics(path):
    allowed = ("dycore.fields", "dycore.stencils", "dycore.abstract", "dycore.terms", "dycore.tiles", "dycore.decomposition",
               "dycore.halo_sources", "dycore.backends")
    ours = [name for name in imports(path, anywhere=True) if name.split(".")[0] == "dycore"]
    assert all(name.startswith(allowed) for name in ours), ours


def names_in(tree):
    """All names that a program gives or uses, without keywords and strings."""
    for node in ast.walk(tree):
        for place in ("id", "attr", "arg", "name", "asname"):
            if isinstance(getattr(node, place, None), str):
                yield getattr(node, place)


@pytest.mark.parametrize("path", PACKAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_names_are_the_terms_of_the_field(path):
    words = WORDS_OF_BACKENDS if path.is_relative_to(ROOT / "backends") else WORDS
    assert {name: f"the field says {words[name]}" for name in names_in(ast.parse(path.read_text())) if name in words} == {}


@pytest.mark.parametrize("path", PACKAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_docstrings_open_with_what_a_thing_is(path):
    """With a noun phrase; one that takes the place of another may name that: "As `NumpyBackend.apply`, in one pass."."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, documented)]
    assert [text for text in texts if re.match(r"(What|Both|The same|As (?!`))\b", text)] == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_read_in_one_sitting_and_a_function_at_a_glance(path):
    text = path.read_text()
    assert len(text.splitlines()) <= (200 if path == ROOT / "dycore" / "model.py" else 300)
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert not [node.name for node in functions if node.end_lineno - node.lineno >= 40]


@pytest.mark.parametrize("path", modules(ROOT / "dycore"), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_opens_with_a_sentence(path):
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text and (text[0].isupper() or text.startswith("dycore"))


def test_importing_dycore_loads_numpy_alone_and_is_quick():
    program = ("import time; import numpy; start = time.process_time(); import dycore, sys; "
               f"print(time.process_time() - start, sorted(set(sys.modules) & set({sorted(HEAVY)})))")
    # processor time, the best of three: another process may hold the machine
    results = [subprocess.check_output([sys.executable, "-c", program], text=True, cwd=ROOT).split(maxsplit=1)
               for _ in range(3)]
    assert min(float(seconds) for seconds, _ in results) < 0.5
    assert results[0][1].strip() == "[]"
