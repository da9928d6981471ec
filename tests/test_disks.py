"""Disks and paths other than a local one: links, no locks, no fsync, homes that are not there, files of other editors."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import killed_runs
import pytest

from dycore import Model, cases, cli, files, restart
from dycore.backends import on_numpy
from dycore.files import DiskWarning, WritingFailed
from dycore.restart import Restarts
from dycore.running.progress import DAY
from dycore.writing import Snapshots

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr")
pytest.importorskip("netCDF4")
STEP = 1800.0 / DAY
RUN = ["run", "baroclinic_channel", "--cells", "3,8,6", "--steps", "2", "--time-step", "600", "--quiet"]


@pytest.fixture(autouse=True)
def nothing_said():
    """What is said once in a process is said in every test."""
    files.warn_once.cache_clear()


def runs(folder, steps=2, start=None, output="o.nc"):
    """A run of a few steps with output and restarts in a folder."""
    grid, parameters, state = cases.baroclinic_wave((3, 8, 12), time_step=1800.0)
    model = Model(grid, parameters, on_numpy.create())
    state = restart.read(start, model) if start else state
    write = (Snapshots(folder / output, STEP, ("surface_pressure",)),)
    return model.run(state, steps=steps, write=write, restarts=Restarts(folder / "r", 10.0), progress=False)


def fails(number, only=lambda *_: True):
    """A system call that this disk does not offer."""
    def call(*arguments):
        if only(*arguments):
            raise OSError(number, os.strerror(number))
        return 0

    return call


# Links


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, monkeypatch, there):
    monkeypatch.chdir(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in ("s.npz", "o.nc", "m.zarr", "run.log", "r"):
        Path(name).symlink_to(scratch / name)
    if there:
        (scratch / "s.npz").write_text("earlier")
        (scratch / "run.log").write_text("earlier\n")
        (scratch / "r").mkdir()
    assert cli.main([*RUN, "--state-out", "s.npz", "--output", "o.nc", "--output-every", "0.007", "--means", "m.zarr",
                     "--means-every", "0.007", "--restarts", "r", "--log", "run.log"]) == 0
    assert all(Path(name).is_symlink() for name in ("s.npz", "o.nc", "m.zarr", "run.log", "r"))
    assert files.end_of_links(Path("s.npz")).read_bytes()[:2] == b"PK"
    assert [xr.open_dataset(scratch / name, decode_times=False).sizes["time"] for name in ("o.nc", "m.zarr")] == [3, 2]
    assert [*restart.all_in(scratch / "r")] == [0, 2]
    assert (scratch / "run.log").read_text().startswith("earlier\n" if there else "20")
    assert not [*scratch.rglob("*.partial"), *tmp_path.glob("*.partial")]
    # the store and the file are cut and added to where they are
    assert cli.main([*(part if part != "2" else "3" for part in RUN), "--output", "o.nc", "--output-every", "0.007", "--means",
                     "m.zarr", "--means-every", "0.007", "--restarts", "r", "--continue", "r"]) == 0
    assert Path("o.nc").is_symlink() and xr.open_dataset(scratch / "o.nc", decode_times=False).sizes["time"] == 4


@pytest.mark.parametrize("option, name", [("--state-out", "s.npz"), ("--log", "run.log")])
def test_a_link_into_a_folder_that_is_not_there_or_in_a_circle_is_a_sentence(capsys, tmp_path, option, name):
    link = tmp_path / name
    link.symlink_to(tmp_path / "nowhere" / name)
    assert cli.main([*RUN, option, str(link)]) == 2
    said = f"'{link}' is a link to '{tmp_path}/nowhere/{name}', and there is no folder '{tmp_path}/nowhere'. Make it"
    assert said in capsys.readouterr().err
    link.unlink()
    link.symlink_to(link)
    assert cli.main([*RUN, option, str(link)]) == 2
    assert f"'{link}' cannot be written: '{link}' is a link that leads back to itself" in capsys.readouterr().err


def test_two_names_of_one_file_are_one_place(tmp_path, capsys):
    (tmp_path / "link.nc").symlink_to(tmp_path / "o.nc")
    assert cli.main([*RUN, "--output", str(tmp_path / "o.nc"), "--means", str(tmp_path / "link.nc")]) == 2
    assert "means and output are both '" in capsys.readouterr().err
    held = files.lock(tmp_path / "o.nc")
    with pytest.raises(ValueError, match=r"link.nc' is being written by another run"):
        files.lock(tmp_path / "link.nc")
    held.release()


# Disks that offer less


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_done_with_and_said_once(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", fails(number))
    with pytest.warns(DiskWarning, match=rf"no locks \(flock: {os.strerror(number)}\).*removed by hand") as said:
        runs(tmp_path)
        with pytest.raises(ValueError, match=rf"x.nc' is being written by another run \(process {os.getpid()} on "):
            held = files.lock(tmp_path / "x.nc")
            files.lock(tmp_path / "x.nc")
    assert len([each for each in said if each.category is DiskWarning]) == 1
    held.release()
    assert not list(tmp_path.rglob("*.locked*"))


def dies_without_locks(folder):
    fcntl.flock = fails(errno.ENOSYS)
    grid, parameters, state = cases.baroclinic_wave((3, 8, 12), time_step=1800.0)
    model = Model(grid, parameters, on_numpy.create())
    model.run(state, steps=3, restarts=Restarts(folder, STEP), stop=lambda: os.kill(os.getpid(), signal.SIGKILL), progress=False)


def test_without_locks_a_killed_run_of_this_machine_is_known_and_another_is_named(tmp_path, monkeypatch):
    process = killed_runs.CONTEXT.Process(target=dies_without_locks, args=(tmp_path / "r",))
    process.start()
    process.join(300.0)
    assert process.exitcode == -signal.SIGKILL and (tmp_path / "r/.locked").exists()
    monkeypatch.setattr(fcntl, "flock", fails(errno.ENOSYS))
    with pytest.warns(DiskWarning):
        runs(tmp_path, 1, restart.latest(tmp_path / "r"))
    assert not (tmp_path / "r/.locked").exists()
    (tmp_path / "r/.locked").write_text("12\nanother-host\n")
    sentence = rf"r' is being written by another run \(process 12 on another-host\), or by .* remove '{tmp_path}/r/.locked' if it"
    with pytest.raises(ValueError, match=sentence):
        runs(tmp_path, 1, restart.latest(tmp_path / "r"))
    assert socket.gethostname() != "another-host"
    (tmp_path / "r/.locked").unlink()
    runs(tmp_path, 1, restart.latest(tmp_path / "r"))


def test_a_disk_that_cannot_synchronize_folders_is_done_with_and_one_with_errors_is_not(tmp_path, monkeypatch):
    usual = os.fsync

    def fsync(number):
        def call(descriptor):
            return fails(number)() if os.path.isdir(f"/proc/self/fd/{descriptor}") else usual(descriptor)
        return call

    monkeypatch.setattr(os, "fsync", fsync(errno.EINVAL))
    with pytest.warns(DiskWarning, match=r"fsync: Invalid argument.*after a power failure") as said:
        runs(tmp_path)
    assert len(said) == 1 and [*restart.all_in(tmp_path / "r")] == [0, 2]
    monkeypatch.setattr(os, "fsync", fsync(errno.EIO))
    with pytest.raises(WritingFailed, match=r"could not be written.*: Input/output error"):
        runs(tmp_path, 1, restart.latest(tmp_path / "r"))


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS])
def test_room_that_cannot_be_reserved_is_written_and_a_full_disk_stays_an_error(tmp_path, monkeypatch, number):
    runs(tmp_path / "usual")
    monkeypatch.setattr(os, "posix_fallocate", fails(number))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DiskWarning)  # nothing is lost
        runs(tmp_path / "other")
    assert killed_runs.records(tmp_path / "other/o.nc").equals(killed_runs.records(tmp_path / "usual/o.nc"))
    (tmp_path / "file").write_bytes(b"abc")
    files.reserve(tmp_path / "file", 3 * 2**20 + 1)
    assert (tmp_path / "file").read_bytes() == b"abc" + bytes(3 * 2**20 + 1)
    monkeypatch.setattr(os, "posix_fallocate", fails(errno.ENOSPC))
    with pytest.raises(WritingFailed, match=r"o.nc' could not be written; .*: No space left on device"):
        runs(tmp_path / "full")


# Paths and files of settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.delenv("NOWHERE", raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "scratch").mkdir()
    return tmp_path


HEAD = 'case = "baroclinic_channel"\nsteps = 1\ncells = [3, 8, 6]\n'


def test_homes_and_variables_stand_for_folders_in_files_and_options(home):
    (home / "run.toml").write_text(HEAD + 'output = "~/o.nc"\nstate_out = "${SCRATCH}/s.npz"\nlog = "$SCRATCH/run.log"\n')
    assert cli.main(["run", "run.toml", "--quiet", "--means=~/m.zarr"]) == 0
    assert {path.name for path in (home / "home").iterdir()} >= {"o.nc", "m.zarr"}
    assert {path.name for path in (home / "scratch").iterdir()} == {"s.npz", "run.log"}
    assert {path.name for path in home.iterdir()} == {"home", "scratch", "run.toml"}


def test_a_path_from_python_may_begin_at_home(home):
    runs(Path("~/run"))
    runs(Path("~/run"), 1, "~/run/r/restart_0000000002.npz")
    assert [*restart.all_in("~/run/r")] == [*restart.all_in(home / "home/run/r")] == [2, 3]
    assert xr.open_dataset(home / "home/run/o.nc", decode_times=False).sizes["time"] == 4
    assert {path.name for path in home.iterdir()} == {"home", "scratch"}


@pytest.mark.parametrize("path, sentence", [
    ("$NOWHERE/v.zarr", "'$NOWHERE/v.zarr' names $NOWHERE, and that variable is not set, or empty"),
    ("${NOWHERE}/v.zarr", "names ${NOWHERE}, and that variable is not set, or empty"),
    ("~nobody-known/v.zarr", "begins with a home that is not known here. Write './~nobody-known/v.zarr' for a file of that name")])
def test_a_home_or_a_variable_that_is_not_known_is_refused(home, capsys, path, sentence):
    (home / "run.toml").write_text(f'{HEAD}output = "{path}"\n')
    for arguments in (["run", "run.toml"], [*RUN, "--output", path]):
        assert cli.main(arguments) == 2
        err = capsys.readouterr().err
        assert sentence in err and err.count("\n") == 1
    assert {each.name for each in home.iterdir()} == {"home", "scratch", "run.toml"}


@pytest.mark.parametrize("held, sentence", [
    (b"\xef\xbb\xbf" + HEAD.encode(), None),
    (HEAD.replace("\n", "\r\n").encode(), None),
    ((HEAD + "# caf\xe9\n").encode("latin-1"), " (in line 4); save it in UTF-8."),
    (HEAD.encode("utf-16"), "'run.toml' is not TOML: it is in UTF-16; save it in UTF-8."),
    (b"", "run.toml names no case"),
    (None, "'run.toml' cannot be read: Is a directory.")])
def test_files_of_any_editor_are_read_or_refused_in_a_sentence(home, capsys, held, sentence):
    Path("run.toml").mkdir() if held is None else Path("run.toml").write_bytes(held)
    assert cli.main(["run", "run.toml", "--quiet"]) == (2 if sentence else 0)
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1 if sentence else not err


# The cache of compiled code


def test_compiled_code_goes_to_a_temporary_folder_of_the_user_where_there_is_no_home(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    from dycore.backends.compiled import cache

    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/nope")
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    cache.temporary_folder.cache_clear()
    own = tmp_path / f"dycore-{os.getuid()}"
    with pytest.warns(cache.CacheWarning, match=rf"/proc/nope.*it goes to '{own}'.*Set NUMBA_CACHE_DIR") as said:
        assert cache.cache_folder() == cache.cache_folder() == own / "loops"
    assert len(said) == 1 and own.stat().st_mode & 0o777 == 0o700
    cache.temporary_folder.cache_clear()
    own.chmod(0o777)  # what is in it may be of anyone
    with pytest.warns(cache.CacheWarning):
        assert cache.cache_folder().parent not in (own, tmp_path)
    monkeypatch.setattr(cache.tempfile, "tempdir", "/proc/nope")
    cache.temporary_folder.cache_clear()
    with pytest.raises(RuntimeError, match=r"nor in a temporary folder.*Set NUMBA_CACHE_DIR to a folder that can be written"):
        cache.cache_folder()
    cache.temporary_folder.cache_clear()


def test_the_numba_backend_is_imported_where_neither_the_package_nor_a_home_can_be_written(tmp_path):
    pytest.importorskip("numba")
    root = Path(__file__).parents[1]
    ours = (path for path in (root / "dycore").rglob("*.py") if "backends" not in path.relative_to(root).parts)
    for path in (*(root / "backends").rglob("*.py"), *ours):
        there = tmp_path / path.relative_to(root)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(path.read_bytes())
    (tmp_path / "dycore/backends").symlink_to("../backends")
    for room in ("backends", "backends/compiled"):
        (tmp_path / room / "__pycache__").write_text("not a folder")
    environment = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    program = ("import dycore.stencils; from dycore.backends import on_numba; from dycore.backends.compiled import cache, strips\n"
               "print(on_numba.__file__, strips.fill_strips.stats.cache_path, sep='\\n')")
    environment |= {"HOME": "/proc/nope", "TMPDIR": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    module, kept = ran.stdout.splitlines()
    assert module == str(tmp_path / "dycore/backends/on_numba.py")
    assert kept.startswith(str(tmp_path / f"dycore-{os.getuid()}/loops/"))
    assert ran.stderr.count("Set NUMBA_CACHE_DIR to a folder that stays") == 1
