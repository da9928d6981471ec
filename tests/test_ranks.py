"""Several MPI ranks give the answer of one: bit for bit on NumPy and Numba, to round-off on JAX."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
pytest.importorskip("mpi4py")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec: install an MPI library, or the extra bundled-mpi")

STEPS, MANY = 12, 50  # a bit that differs shows in the first steps; in many it would have spread over the domain
NUMPY = [(case, "numpy", precision, shape, STEPS)
         for case in ("channel", "wave", "basin", "periodic", "over the poles") for precision in ("float64", "float32")
         for shape in ((2, 1), (1, 2), (3, 1), (1, 3), (2, 2), (4, 1), (1, 4))
         if not (shape == (4, 1) and case in ("wave", "over the poles"))  # three rows are too few near a pole
         and (precision == "float64" or case in ("channel", "wave"))] + [
             ("channel", "numpy", "float64", (1, 1), STEPS), ("channel", "numpy", "float64", (2, 1), MANY),
             ("wave", "numpy", "float64", (1, 2), MANY), ("partial cells", "numpy", "float64", (2, 1), STEPS),
             ("partial cells", "numpy", "float64", (1, 2), STEPS),
             *(("over the fold", "numpy", "float64", shape, STEPS)
               for shape in ((2, 1), (1, 2), (3, 1), (1, 3), (2, 2), (4, 1), (1, 4))),
             *((case, "numpy", "float64", shape, STEPS) for case in ("channel with eddies", "turbulence", "energy of eddies")
               for shape in ((2, 1), (1, 2))),
             *(("open sides", "numpy", "float64", shape, STEPS) for shape in ((2, 1), (1, 2), (2, 2), (1, 4))),
             *((case, "numpy", "float64", shape, STEPS) for case in ("channel in stages", "wave in stages", "open sides in stages")
               for shape in ((2, 1), (1, 2)))]
# Every entry is compiled, for ranks and for one process: few of them, of which each shape and each precision is one.
NUMBA = [("channel", "numba", "float64", (2, 1), MANY), ("channel", "numba", "float64", (2, 2), MANY),
         ("wave", "numba", "float64", (1, 2), MANY), ("wave", "numba", "float32", (2, 2), MANY),
         ("channel", "jax-native", "float64", (2, 1), MANY),
         ("wave", "jax-native", "float64", (1, 2), MANY)]
# XLA contracts and reorders otherwise in other shapes; fifty steps let round-off (1e-16) grow a hundred-thousandfold. In
# float32 the same growth (6e-8) shows in w, the small divergence of large numbers, a thousandth of whose range is then noise.
TOLERANCE = {"float64": 1e-11, "float32": 1e-2}
JAX = [("channel", "jax", "float64", (2, 1), MANY), ("over the poles", "jax", "float32", (1, 2), MANY),
       ("wave", "jax", "float64", (2, 1), MANY)]


def environment():
    """Launchers of OpenMPI refuse root, and more ranks than cores, unless told; one thread for each rank."""
    return os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                         "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
                         "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent),
                         "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}


def launch(ranks, program, timeout=900):
    """A finished run of so many ranks."""
    return subprocess.run([MPIEXEC, "-n", str(ranks), sys.executable, "-m", "mpi4py", *program], env=environment(),
                          capture_output=True, text=True, timeout=timeout, check=False)


def results_of(ranks, *calls):
    """What functions of tests/ranks.py return on so many ranks."""
    ran = launch(ranks, [str(HERE / "ranks.py"), json.dumps(calls)])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def by_ranks(parameters):
    """Sorted into as few launches as there are numbers of ranks: {ranks: [arguments]}."""
    groups = {}
    for one in parameters:
        groups.setdefault(one[3][0] * one[3][1], []).append(one)
    return groups


@pytest.fixture(scope="module")
def differences():
    """Differences between many ranks and one, launched together when the first of a number of ranks is asked for."""
    found = {}

    def difference(one):
        for together in (NUMPY, NUMBA, JAX):
            if one in together and one not in found:
                ranks = one[3][0] * one[3][1]
                group = by_ranks(together)[ranks]
                found.update(zip(group, results_of(ranks, *(("same_answer", each, {}) for each in group)), strict=True))
        return found[one]

    return difference


@pytest.mark.parametrize("one", NUMPY + NUMBA, ids=str)
def test_any_number_of_ranks_gives_the_same_bits(differences, one):
    assert differences(one) == 0.0


@pytest.mark.parametrize("one", JAX, ids=str)
def test_under_jax_ranks_differ_by_round_off(differences, one):
    pytest.importorskip("mpi4jax")
    assert differences(one) < TOLERANCE[one[2]]


@pytest.fixture(scope="module")
def on_four(tmp_path_factory):
    """What four ranks said, launched once."""
    pytest.importorskip("zarr")
    pytest.importorskip("netCDF4")
    folders = [str(tmp_path_factory.mktemp(name)) for name in ("channel", "wave", "failing")]
    return results_of(4, ("restart", ("channel", "numpy", "float64", (2, 2), (4, 1), 8), {}),
                      ("restart", ("wave", "numpy", "float64", (1, 4), (2, 2), 8), {}),
                      ("written", ("channel", "numpy", "float64", (2, 2), folders[0]), {}),
                      ("written", ("wave", "numpy", "float32", (1, 4), folders[1]), {}),
                      ("failing", ("wave", "numpy", "float64", (2, 2), folders[2]), {}),
                      ("refused", ("wave", (3, 2)), {}), ("refused", ("wave", (4, 1)), {}),
                      ("refused", ("channel", (2, 2)), {"substeps_together": 9}),
                      ("halves", ("wave", "channel"), {}), ("not_among", (), {}))


def test_a_run_goes_on_bit_for_bit_on_another_number_of_ranks(on_four):
    assert on_four[:2] == [0.0, 0.0]


def test_ranks_write_what_one_writes_and_go_on_where_one_of_them_was_stopped(on_four):
    """13 x 22 and 14 x 22 columns, which four ranks do not divide evenly: chunks are no tiles."""
    assert on_four[2:4] == [[True] * 5] * 2


def test_what_cannot_be_written_or_called_on_one_rank_is_said_by_all_of_them(on_four):
    failed, refused, called_back = on_four[4][:4], on_four[4][4:8], on_four[4][8:]
    assert len(set(failed)) == 1 and failed[0].endswith(
        "failing.zarr' could not be written; the records before this one are whole: No space left on device.")
    assert len(set(refused)) == 1 and "Nothing can be written to '" in refused[0]
    assert called_back == ["Rank 1 has seen enough at step 1."] * 4


def test_two_halves_of_the_ranks_run_two_models_at_once(on_four):
    halves, outside = on_four[8:]
    assert halves == [0.0, 0.0]
    assert "is no communicator of mpi4py to which this process belongs" in outside


SPOILT = [*((case, "numpy", shape) for case in ("channel", "basin", "wave", "channel in stages") for shape in ((2, 1), (1, 2))),
          ("channel", "numba", (2, 1)), ("wave", "numba", (1, 2))]
ON_TWO = {"a value that is not finite": ("first_that_is_not_finite", ("wave", "numpy", "float64", (2, 1)), {}),
          "substeps": ("same_answer", ("channel", "numpy", "float64", (2, 1), 5), {"substeps_together": 3}),
          **{("season", shape): ("seasons", ("numpy", shape, 12), {}) for shape in ((2, 1), (1, 2))},
          **{("messages", *of): ("traffic", (of[0], "numpy", "float64", of[1]), {}) for of in (
              ("channel", (1, 2)), ("turbulence", (1, 2)), ("wave", (2, 1)), ("wave", (1, 2)))},
          **{("spoilt", *of): ("spoilt", (of[0], of[1], "float64", of[2], 8), {}) for of in SPOILT},
          "threads": ("from_two_threads", ("wave", "numpy", "float64", (2, 1)), {})}


@pytest.fixture(scope="module")
def on_two():
    """What two ranks said, launched once."""
    return dict(zip(ON_TWO, results_of(2, *ON_TWO.values()), strict=True))


def test_substeps_in_portions_give_the_same_bits(on_two):
    """Three substeps to a message instead of as many as can."""
    assert on_two["substeps"] == 0.0


def test_two_ranks_read_the_records_of_a_season_that_one_reads(on_two):
    assert [on_two["season", shape] for shape in ((2, 1), (1, 2))] == [0.0, 0.0]


def test_messages_of_a_step_are_few(on_two):
    """One after the force and one after the step, in an ocean with two portions of substeps once more, and turbulence adds none.
    The filter of split rows takes two messages there and back, twice."""
    channel, turbulence, wave, rows = (on_two["messages", *of] for of in (
        ("channel", (1, 2)), ("turbulence", (1, 2)), ("wave", (2, 1)), ("wave", (1, 2))))
    assert channel[0] == turbulence[0] == 3
    assert wave[0] == 2
    assert rows[0] == 2 + 4
    # rows of 22 cells that the part to the north reads: one of u, v, w and two of theta in four levels; two of the surface
    assert wave[1] == ((1 + 1 + 1 + 2) * 4 + 2) * 22 * 8


@pytest.mark.parametrize("of", SPOILT, ids=str)
def test_nothing_is_read_of_the_halo_that_no_message_fills(on_two, of):
    """Not a number, wherever it stands there, would spread over the part in eight steps."""
    assert on_two["spoilt", *of] == 0.0


def test_sums_over_the_domain_do_not_depend_on_the_number_of_ranks():
    assert results_of(3, *(("total", ("wave", "numpy", "float64", shape), {}) for shape in ((3, 1), (1, 3)))) == [0.0, 0.0]


def test_a_value_that_is_not_a_number_stops_all_ranks_with_its_place_in_the_domain(on_two):
    said = on_two["a value that is not finite"]
    assert len(set(said)) == 1
    assert "surface is no longer a finite number at step 0 in cell [j=11, i=20]" in said[0]


def test_a_second_thread_is_refused_by_all_ranks_and_may_have_messages_of_its_own(on_two):
    said, off = on_two["threads"]
    assert len(set(said)) == 1 and "make a World and a Model for each thread" in said[0]
    assert off == 0.0


def test_divisions_that_cannot_be_are_refused_with_numbers_and_what_would_work(on_four):
    number, small, wide = on_four[5:8]
    assert number == "processes=3,2 are 6 parts, but there are 4 ranks. Use 2,2 or 1,4."
    assert small.startswith("processes=4,1 leave 3 rows and 22 columns of 14 x 22 to a process; it needs at least 4 and 3")
    assert "need a halo of 9 cells, but the smallest part is 6 cells wide" in wide


def test_the_command_line_writes_the_same_fields_on_any_number_of_ranks(tmp_path):
    import numpy as np

    states = []
    for ranks, shape in ((1, []), (4, ["--processes", "2,2"])):
        file = tmp_path / f"{ranks}.npz"
        ran = launch(ranks, ["-m", "dycore.cli", "run", "baroclinic_wave", "--cells", "4,14,22", "--steps", "20", "--state-out",
                             str(file), *shape])
        assert ran.returncode == 0, ran.stderr
        states.append(dict(np.load(file)))
    assert all((states[0][name] == states[1][name]).all() for name in states[0])


def test_bad_input_is_one_sentence_whatever_the_number_of_ranks():
    ran = launch(2, ["-m", "dycore.cli", "run", "baroclinic_wave", "--cells", "4,14,22", "--steps", "2", "--processes", "3,1"])
    assert ran.returncode != 0
    assert ran.stderr.count("dycore:") == 1 and "are 3 parts, but there are 2 ranks. Use 2,1 or 1,2." in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_launcher_ends_all_ranks_with_one_restart(tmp_path, number):
    """The launcher passes it on to every rank, as schedulers do; the run is too long to end by itself."""
    program = ["-m", "dycore.cli", "run", "baroclinic_wave", "--cells", "4,14,22", "--days", "1e6", "--log", "log"]
    with subprocess.Popen([MPIEXEC, "-n", "2", sys.executable, "-m", "mpi4py", *program], env=environment(), cwd=tmp_path,
                          stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ran:
        log, end = tmp_path / "log", time.monotonic() + 120.0
        while not (log.exists() and "day 0.01 of" in log.read_text()) and time.monotonic() < end:  # until it is under way
            time.sleep(0.1)
        ran.send_signal(number)
        _, err = ran.communicate(timeout=60)
    assert err.count("dycore: ") == 1 and f"stopped by {number.name} on day " in err
    (written,) = (tmp_path / "baroclinic_wave-restarts").iterdir()
    assert f"and wrote baroclinic_wave-restarts/{written.name}. Go on with: mpiexec -n 2 dycore run " in err


def test_a_rank_that_dies_takes_the_others_down_promptly():
    program = ("from dycore.backends import mpi; import dycore.cli, dycore.commands.run\n"
               "dycore.commands.run.write_fields = lambda *_: 1 / 0\n"  # on rank 0 alone
               "mpi.World().barrier()\n"
               "code = dycore.cli.main(['run', 'baroclinic_wave', '--cells', '4,14,22', '--steps', '2', '--state-out', 'x.npz'])\n"
               "mpi.World().barrier()")
    start = time.monotonic()
    ran = launch(2, ["-c", program], timeout=60)
    assert ran.returncode != 0 and time.monotonic() - start < 30.0
    assert "ZeroDivisionError" in ran.stderr
