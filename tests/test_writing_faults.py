"""What is left when a run is killed while it writes, its disk is full, or another writes to the same place: whole records."""

import itertools
import multiprocessing
import os
import signal
import sys

import pytest

import dycore.running.growing_files
import dycore.writing
from dycore import Model, cases, files, restart
from dycore.backends import on_numpy
from dycore.files import WritingFailed
from dycore.restart import Restarts
from dycore.running.growing_files import Zarr
from dycore.running.progress import DAY
from dycore.writing import Means, Snapshots, outputs

xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")
netCDF4 = pytest.importorskip("netCDF4")
STEP, STEPS = 1800.0 / DAY, 9


def wave(backend, cells=(3, 8, 12)):
    grid, parameters, state = cases.baroclinic_wave(cells, time_step=1800.0)
    return Model(grid, parameters, backend), state


def writing(folder, suffix):
    """A snapshot every step, a mean of three, a restart every two."""
    return {"write": (Snapshots(folder / f"s{suffix}", STEP), Means(folder / f"m{suffix}", 3 * STEP)),
            "restarts": Restarts(folder, 2 * STEP), "progress": False}


@pytest.fixture(scope="module")
def undisturbed(numpy_backend, tmp_path_factory):
    """The folder of a run to the end."""
    folder = tmp_path_factory.mktemp("undisturbed")
    for suffix in (".zarr", ".nc"):
        model, start = wave(numpy_backend)
        model.run(start, steps=STEPS, **writing(folder / suffix[1:], suffix))
    return folder


def of(folder, name):
    with xr.open_dataset(folder / name, decode_times=False) as found:  # xarray decodes no time where there is no record
        return found.drop_attrs().load()


# where a run dies: at a call of a function, counted; a class dies when it is left as a context
DEATHS = {
    "chunks of a record are written": (".zarr", zarr.Array, "__setitem__", 78),
    "times are written": (".zarr", Zarr, "_consolidate", 7),
    "a store is made": (".zarr", files, "synchronize", 3),
    "the first record is written": (".zarr", zarr.Array, "__setitem__", 2),
    "a restart takes its name": (".zarr", files, "synchronize", 19),
    "room is reserved": (".nc", dycore.running.growing_files, "reserve", 6),
    "the first record is counted": (".nc", dycore.running.growing_files, "reserve", 2),
    "a record is written but not counted": (".nc", netCDF4, "Dataset", 8),
    "the first restart is written": (".nc", restart, "save_arrays", 1),
    "a restart is written": (".nc", restart, "save_arrays", 4),
    "old restarts are deleted": (".nc", dycore.writing, "retain", 4),
}
EARLY = {"a store is made": 0, "the first record is written": 0, "the first record is counted": 0,
         "the first restart is written": None}  # the restart from which such a run goes on
CONTEXT = multiprocessing.get_context("forkserver")  # one that has loaded the libraries and no thread
CONTEXT.set_forkserver_preload(["xarray", "zarr", "netCDF4", "dycore.writing", "dycore.backends.on_numpy"])


def in_another_process(function, *arguments):
    """The exit code of a function that runs in a process of its own."""
    process = CONTEXT.Process(target=function, args=arguments)
    process.start()
    process.join(300)
    assert not process.is_alive()
    return process.exitcode


def dies(when, folder):
    """A run that is killed."""
    suffix, owner, name, number = DEATHS[when]
    usual, calls = getattr(owner, name), itertools.count(1)

    def call(*arguments, **options):
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return usual(*arguments, **options)

    if isinstance(usual, type):
        made, usual = usual, usual.__exit__
        setattr(owner, name, type(name, (made,), {"__exit__": call}))
    else:
        setattr(owner, name, call)
    model, start = wave(on_numpy)
    model.run(start, steps=STEPS, **writing(folder, suffix))


@pytest.mark.parametrize("when", DEATHS)
def test_a_run_that_is_killed_leaves_whole_records_and_goes_on_from_its_last_restart(undisturbed, numpy_backend, tmp_path, when):
    suffix = DEATHS[when][0]
    assert in_another_process(dies, when, tmp_path) == -signal.SIGKILL
    expected = undisturbed / suffix[1:]
    for name in (f"s{suffix}", f"m{suffix}"):
        if (tmp_path / name).exists():
            left = of(tmp_path, name)
            assert left.equals(of(expected, name).isel(time=slice(left.sizes["time"]))), name
    model, start = wave(numpy_backend)
    last = max(restart.all_in(tmp_path), default=None)
    assert last == EARLY[when] if when in EARLY else last >= 2
    if last is not None:
        start = restart.read(restart.latest(tmp_path), model)
    model.run(start, steps=STEPS - start.step, **writing(tmp_path, suffix))
    for name in (f"s{suffix}", f"m{suffix}"):
        assert of(tmp_path, name).equals(of(expected, name)), name
    assert not list(tmp_path.glob("*.partial")) and not list(tmp_path.glob(".restart*"))


def fills(folder, suffix, limit):
    """A run that may write no file larger than `limit` bytes once it has one of step 4, and what it says."""
    import resource

    def full():
        if 4 in restart.all_in(folder):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        return False

    model, start = wave(on_numpy)
    try:
        model.run(start, steps=STEPS, stop=full, **writing(folder, suffix))
    except WritingFailed as problem:
        (folder / "said").write_text(str(problem))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
@pytest.mark.parametrize("suffix, limit, sentence", [
    (".nc", 40000, "s.nc' could not be written; the records before this one are whole: File too large."),
    (".zarr", 1500, "s.zarr' could not be written; the records before this one are whole: File too large."),
    (".zarr", 20000, "The restart '{}/restart_0000000006.npz' could not be written: File too large."),
])
def test_a_full_disk_ends_a_run_with_one_sentence_and_leaves_whole_records(undisturbed, tmp_path, suffix, limit, sentence):
    assert in_another_process(fills, tmp_path, suffix, limit) == 0
    said = (tmp_path / "said").read_text()
    assert sentence.format(tmp_path) in said and "\n" not in said
    for name in (f"s{suffix}", f"m{suffix}"):
        left = of(tmp_path, name)
        assert left.sizes["time"] >= 1
        assert left.equals(of(undisturbed / suffix[1:], name).isel(time=slice(left.sizes["time"])))
    assert list(restart.all_in(tmp_path)) == [2, 4]


def comes_second(folder):
    """What runs say that want a folder that another run has."""
    model, start = wave(on_numpy)
    for suffix, left_out in ((".zarr", "restarts"), (".nc", "restarts"), (".nc", "write")):
        options = {name: value for name, value in writing(folder, suffix).items() if name != left_out}
        try:
            model.run(start, steps=1, **options)
        except ValueError as problem:
            with open(folder / "said", "a") as file:
                print(problem, file=file)


def test_two_runs_do_not_write_to_the_same_place(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    both = writing(tmp_path, ".zarr")["write"] + writing(tmp_path, ".nc")["write"]
    with outputs(model, start, both, Restarts(tmp_path, 1.0)):
        assert in_another_process(comes_second, tmp_path) == 0
    said = (tmp_path / "said").read_text().splitlines()
    for name, sentence in zip(("/s.zarr", "/s.nc", ""), said, strict=True):
        assert sentence.startswith(f"'{tmp_path}{name}' is being written by another run (process {os.getpid()} on ")


def test_one_run_does_not_write_twice_to_the_same_place(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    (tmp_path / "link.zarr").symlink_to("x.zarr")
    for name, said in (("x.zarr", r"one path: '.*/x.zarr'\. Give"), ("link.zarr", r"one path: '.*/link.zarr' and '.*/x.zarr'\.")):
        with pytest.raises(ValueError, match=f"^Two outputs of this run have {said}"):
            model.run(start, steps=1, write=(Snapshots(tmp_path / "x.zarr", 1.0), Means(tmp_path / name, 1.0)), progress=False)
    assert not (tmp_path / "x.zarr").exists()


def test_what_is_there_already_stays_unless_a_run_goes_on(undisturbed, numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "foreign.nc").write_text("mine")
    (tmp_path / "foreign.zarr").mkdir()
    later = model.steps(start, 4)
    for path, state, days, sentence in (
            (undisturbed / "zarr/s.zarr", start, STEP, "s.zarr' is there already. Name another path, remove it, or go on"),
            (undisturbed / "nc/s.nc", start, STEP, "s.nc' is there already. Name another path, remove it, or go on"),
            (undisturbed / "nc/s.nc", later, 2 * STEP, "seconds between records is 1800.0 there and 3600.0 in the model"),
            (undisturbed / "zarr/m.zarr", later, 3 * STEP, "written by another run: means is True there and False in the model"),
            (tmp_path / "foreign.nc", later, STEP, "is there already and is no output of dycore, or damaged"),
            (tmp_path / "foreign.zarr", later, STEP, "is there already and is no output of dycore, or damaged"),
            (tmp_path / "file/x.nc", start, STEP, "Nothing can be written to .*: (File exists|Not a directory). Name"),
            (undisturbed / "nc/s.nc", model.steps(later, 8), STEP, "s.nc' ends on day 0.1875, and the run goes on from day 0.25")):
        with pytest.raises(ValueError, match=sentence) as said:
            model.run(state, steps=1, write=(Snapshots(path, days),), progress=False)
        assert "\n" not in str(said.value)
    other, _ = wave(numpy_backend, (3, 8, 16))
    with pytest.raises(ValueError, match=r"written by another run: cells is \[3, 8, 12\] there and \[3, 8, 16\] in the model"):
        other.run(other.steps(wave(numpy_backend, (3, 8, 16))[1], 4), steps=1, write=(Snapshots(undisturbed / "nc/s.nc", STEP),),
                  progress=False)
    assert of(undisturbed / "nc", "s.nc").sizes["time"] == STEPS + 1


def test_what_is_refused_in_part_changes_nothing(undisturbed, numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    (tmp_path / "foreign.nc").write_text("mine")
    for path, state in ((undisturbed / "nc/s.nc", model.steps(start, 4)), (tmp_path / "new.zarr", start)):
        with pytest.raises(ValueError, match="no output of dycore"):
            model.run(state, steps=1, write=(Snapshots(path, STEP), Snapshots(tmp_path / "foreign.nc", STEP)), progress=False)
    assert of(undisturbed / "nc", "s.nc").sizes["time"] == STEPS + 1
    assert not (tmp_path / "new.zarr").exists()


def test_a_restart_that_cannot_be_written_leaves_the_one_that_is_there(numpy_backend, tmp_path, monkeypatch):
    model, start = wave(numpy_backend)
    path = restart.write(tmp_path / "one.npz", model, start)
    before = path.read_bytes()

    def full(path, arrays):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restart, "save_arrays", full)
    with pytest.raises(WritingFailed, match=r"one.npz' could not be written: No space left on device\."):
        restart.write(path, model, model.steps(start, 1))
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["one.npz"]
