"""The roofline: what it counts is what a reader counts by hand, ceilings stand in their order, limits are counts over rates."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy
import pytest

from dycore.backends import on_jax
from dycore.benchmarks.competitor import Group
from dycore.benchmarks.problems import Failed
from dycore.benchmarks.roofline import ceilings, flops, instructions, kernels, picture, standings, tables
from dycore.benchmarks.roofline.ceilings import Cache, Ceilings
from dycore.benchmarks.roofline.flops import Flops
from dycore.benchmarks.roofline.instructions import Counts
from dycore.benchmarks.roofline.standings import Standing, Step
from dycore.fields import Field, Region
from dycore.stencils import maximum, stencil, where

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = jnp.ones((6, 8), jnp.float32)


@stencil
def upwind_tendency(k, j, i, u, c):
    """At a point 2 multiplications, 1 subtraction and 1 division; 2 comparisons, 2 choices and 1 maximum."""
    east = u[k, j, i + 1] * where(u[k, j, i + 1] > 0.0, c[k, j, i], c[k, j, i + 1])
    west = u[k, j, i] * where(u[k, j, i] > 0.0, c[k, j, i - 1], c[k, j, i])
    return (west - east) / maximum(c[k, j, i], 1.0)


def test_operations_of_a_stencil_are_those_counted_by_hand():
    region = Region((0, 3), (1, 5), (1, 7), padded=(3, 6, 8))

    def tendency(u, c):
        return on_jax.create(native=False).apply(upwind_tendency, region, Field.whole(u), Field.whole(c)).array

    found = flops.of_function(tendency, *[jnp.ones((3, 6, 8), jnp.float32)] * 2)
    points = 3 * 4 * 6
    assert found == Flops(additions=points, multiplications=2 * points, divisions=points, comparisons=5 * points)
    assert found.total == 4 * points


@pytest.mark.parametrize(("function", "expected"), [
    (lambda a: (a[:, 1:] * 0.5 - a[:, :-1]) / 3.0, Flops(additions=42, multiplications=42, divisions=42)),
    (lambda a: jnp.exp(a) + jnp.sqrt(-a), Flops(additions=48, transcendental=48, divisions=48)),
    (lambda a: a**3, Flops(multiplications=2 * 48)),
    (lambda a: a.sum(axis=0), Flops(additions=40)),
    (lambda a: a @ a.T, Flops(multiplications=6 * 6 * 8, additions=6 * 6 * 7)),
    (lambda a: jax.lax.scan(lambda s, row: (s * row + 1.0, None), a[0], a)[0], Flops(additions=48, multiplications=48)),
    (lambda a: jax.lax.fori_loop(0, 5, lambda n, b: b + n * 2, a), Flops(additions=5 * 48)),  # n is a whole number
    (lambda a: jax.lax.cond(a[0, 0] > 0, lambda a: a * a * a, lambda a: a + a, a), Flops(multiplications=96, comparisons=1)),
    (lambda a: jax.jit(lambda b: jnp.roll(b, 1) * b)(a), Flops(multiplications=48)),
    (lambda a: jnp.fft.rfft(a).real, Flops(transforms=2.5 * 48 * 3)),
    (lambda a: jnp.fft.irfft(jnp.fft.rfft(a)), Flops(transforms=2 * 2.5 * 48 * 3)),
    (lambda a: jnp.fft.fft(a).real, Flops(transforms=5.0 * 48 * 3)),
])
def test_operations_of_every_kind_are_counted(function, expected):
    found = flops.of_function(function, NUMBERS)
    if expected.comparisons == 1:  # of the branches the one with the most
        found = found._replace(comparisons=1.0)
    assert found == expected


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="known only while it runs"):
        flops.of_function(lambda a: jax.lax.while_loop(lambda b: b[0, 0] < 9.0, lambda b: b + 1.0, a), NUMBERS)
    with pytest.raises(ValueError, match="'sort' of JAX has no place"):
        flops.of_function(lambda a: jnp.sort(a), NUMBERS)


def test_ceilings_are_in_their_order():
    found = ceilings.measured(memory_bytes=3 * 2**25)  # of all rounds: other tests keep the core busy in some
    assert found.l1 >= found.l2 >= found.memory > 0.0
    assert found.multiply_add >= 1.5 * found.multiply_or_add  # two operations in the place of one
    assert found.instructions > max(found.loads, found.stores)
    assert found.lanes == kernels.widest_vector()


def test_the_triad_computes_what_it_says():
    a, b, c = (kernels.aligned(64) for _ in range(3))
    b[:], c[:] = numpy.arange(64), numpy.arange(64)[::-1]
    kernels.triad(2).call(1, 64 // (2 * kernels.UNROLLED), *(array.ctypes.data for array in (a, b, c)))
    assert (a == b + 0.5 * c).all()


def test_caches_are_those_that_the_system_tells_of(tmp_path):
    for number, words in enumerate((("1", "Instruction", "64K", "16", "64"), ("1", "Data", "48K", "12", "64"))):
        (tmp_path / f"index{number}").mkdir()
        for name, word in zip(("level", "type", "size", "ways_of_associativity", "coherency_line_size"), words, strict=True):
            (tmp_path / f"index{number}" / name).write_text(word + "\n")
    assert ceilings.cache_of_data(1, tmp_path) == Cache(48 * 1024, 12, 64)
    assert ceilings.cache_of_data(2, tmp_path) == ceilings.SMALLEST[2]


VALGRIND = """#!{python}
import sys
steps = 1 + int(sys.stdin.readline().split()[1])
file = next(word for word in sys.argv if word.startswith("--cachegrind-out-file=")).partition("=")[2]
counts = [set_up + each * steps * {cells} for set_up, each in ((10**6, 100), (10**6, 50), (10**5, 20), (7, 2), (0, 1))]
open(file, "w").write("events: Ir Dr Dw DLmr DLmw\\nfl=f\\nsummary: " + " ".join(map(str, counts)) + "\\n")
print("seconds 1.0")
"""


def test_set_up_is_not_in_what_valgrind_counts(tmp_path, monkeypatch):
    group = Group("baroclinic_channel", (2, 3, 4), "float64")
    fake = tmp_path / "valgrind"
    fake.write_text(VALGRIND.format(python=sys.executable, cells=group.n_cells))
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(instructions, "built_for_avx2", lambda folder, precision: Path("reference"))
    assert instructions.missing() is None
    assert instructions.counted("fortran", group, *ceilings.SMALLEST.values()) == Counts(100.0, 50.0, 20.0, 3.0 * 64)


def test_without_valgrind_the_words_say_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install valgrind" in instructions.missing()


def test_sums_that_are_missing_are_said():
    with pytest.raises(Failed, match="no sums"):
        instructions.summary("events: Ir Dr\n")


RATES = Ceilings(l1=400e9, l2=100e9, memory=10e9, multiply_add=100e9, multiply_or_add=50e9, instructions=20e9, loads=5e9,
                 stores=2e9, lanes=8, l1_cache=Cache(49152, 12, 64), l2_cache=Cache(2**21, 16, 64))
STEP = Step("baroclinic_channel", (20, 50, 100), Flops(additions=200.0, multiplications=100.0), 160.0)
STANDINGS = [Standing(STEP, "fortran", 40.0, 44.0, Counts(260.0, 150.0, 28.0, 200.0)), Standing(STEP, "numba", 50.0, 50.0),
             Standing(STEP, "jax", None, None, error="out of memory")]


def test_a_limit_is_a_count_over_a_rate():
    assert standings.limits(STANDINGS[0], RATES) == pytest.approx({
        "fused": 3.0, "apart": 6.0, "memory": 16.0, "beyond l2": 20.0, "instructions": 13.0, "loads": 30.0, "stores": 14.0})
    assert set(standings.limits(STANDINGS[1], RATES)) == {"fused", "apart", "memory"}


def test_the_table_names_the_nearest_ceiling():
    columns, rows = tables.standings_table(STANDINGS, RATES)
    fortran, numba, jax_row = (dict(zip(columns, row, strict=True)) for row in rows)
    assert fortran["ns: least (median)"] == "40.0 (44.0)" and fortran["Gflop/s"] == "7.50"
    assert fortran["loads"] == "30.0 (150)" and fortran["beyond L2"] == "20.0 (200 B)"
    assert fortran["nearest ceiling"] == "loads, 75 %" and numba["nearest ceiling"] == "memory, 32 %"
    assert numba["loads"] == "n/a" and jax_row["ns: least (median)"] == "n/a"


def test_page_and_picture_hold_all(tmp_path):
    page = tables.markdown(RATES, STANDINGS, "a machine", ["valgrind was not found"])
    assert "| multiply-add | 100 Gflop/s | 512 bits, two flops each |" in page
    assert "- valgrind was not found" in page and "- baroclinic_channel: JAX (XLA): out of memory" in page
    assert "| baroclinic_channel | 1e5 | 200 | 100 | 0 | 0 | 300 |" in page
    picture.draw(RATES, STANDINGS, tmp_path / "roofline.png", "a machine")
    assert (tmp_path / "roofline.png").stat().st_size > 10_000


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "dycore.benchmarks.roofline", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, check=False, timeout=600)


def test_the_command_writes_what_it_measured(tmp_path):
    ran = command("--cases", "baroclinic_wave", "--cells", "2000", "--backends", "numpy", "--samples", 1, "--rounds", 1,
                  "--no-valgrind", "--output", tmp_path)
    assert ran.returncode == 0, ran.stderr
    written = json.loads((tmp_path / "roofline.json").read_text())
    one = written["standings"][0]
    assert one["competitor"] == "numpy" and one["ns_least"] > 0.0 and one["bytes"] == 16 * 8  # one tracer: 12 + 4 numbers
    assert one["limits_ns"]["memory"] == pytest.approx(1e9 * one["bytes"] / written["ceilings"]["memory"])
    assert one["flops"]["transforms"] > 0.0  # of the polar filter
    assert (tmp_path / "roofline.png").exists() and "--no-valgrind" in (tmp_path / "roofline.md").read_text()


def test_a_wrong_option_is_one_sentence():
    ran = command("--cells", "1e4,1e5")
    assert ran.returncode == 2
    assert ran.stderr == "dycore: A roofline is of one size: give --cells one number.\n"
