"""Output and restarts at addresses and in Icechunk repositories are those of a disk: whole records, the same bits, going on."""

import re
import sys
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from s3_server import s3_server

import dycore
from dycore import Model, cases, diagnostics, restart
from dycore.backends import on_numpy
from dycore.files import DiskWarning, WritingFailed, warn_once
from dycore.locations import location
from dycore.restart import Restarts
from dycore.running.icechunk_repositories import Icechunk
from dycore.running.reading import open_dataset
from dycore.writing import Diagnostics, Means, Snapshots

zarr = pytest.importorskip("zarr")
pytest.importorskip("upath")
icechunk = pytest.importorskip("icechunk")
STEP = 1800.0 / 86400.0


@pytest.fixture(scope="module")
def model_and_start():
    grid, parameters, start = cases.baroclinic_wave((3, 8, 12), time_step=1800.0)
    return Model(grid, parameters, on_numpy), start


@pytest.fixture
def memory():
    """An address in the memory of this process, empty, and no warning of its locks."""
    from upath import UPath

    place = UPath("memory://stores")
    if place.exists():
        place.fs.rm(place.path, recursive=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiskWarning)
        yield str(place)


def records(path):
    return open_dataset(path, decode_times=False).load().drop_attrs()


def written(folder, endings, **options):
    """Outputs in a folder or at an address."""
    return tuple(output for ending in endings for output in (
        Snapshots(f"{folder}/s{ending}", STEP, **options), Means(f"{folder}/m{ending}", 2 * STEP),
        Diagnostics(f"{folder}/d{ending}", STEP, (diagnostics.energy,))))


def in_two_parts(model, start, folder, outputs):
    """A run of seven steps that goes on from its restart of step 4, a record back; its last restart."""
    restarts = Restarts(f"{folder}/r", 4 * STEP, keep=3)
    model.run(start, steps=5, write=outputs, restarts=restarts, progress=False)
    found = restart.all_in(f"{folder}/r")
    found.pop(5).unlink()
    model.run(restart.read(found[4], model), steps=3, write=outputs, restarts=restarts, progress=False)
    return restart.latest(f"{folder}/r")


def test_a_run_that_goes_on_at_an_address_or_in_icechunk_has_the_records_of_netcdf_and_the_bits_of_its_restart(
        model_and_start, memory, tmp_path):
    model, start = model_and_start
    here = in_two_parts(model, start, tmp_path, written(f"file://{tmp_path}", (".nc", ".icechunk")))
    assert here.is_relative_to(tmp_path)  # file:// is a path of this machine
    there = in_two_parts(model, start, memory, written(memory, (".zarr",), chunks={"time": 3, "latitude": 5}))
    for name in "smd":
        expected = records(tmp_path / f"{name}.nc")
        assert expected.sizes["time"] == {"s": 8, "m": 3, "d": 8}[name]
        for found in (records(tmp_path / f"{name}.icechunk"), records(f"{memory}/{name}.zarr")):
            assert set(found.variables) == set(expected.variables)
            assert all(np.array_equal(found[key], expected[key], equal_nan=True) for key in expected.variables)
    with np.load(here) as one, there.open("rb") as file, np.load(file) as other:
        fields = [name for name in one.files if name != "about" and not name.startswith("sum of ")]  # sums are named by paths
        assert len(fields) > 20
        assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in fields)
    lazy = open_dataset(f"{memory}/s.zarr", chunks={}, decode_times=False).eastward_velocity
    assert lazy.data.chunksize == (3, 3, 5, 12)


def test_a_reader_of_icechunk_sees_one_whole_record_a_commit_and_those_that_were_taken_back_stay_in_the_history(
        model_and_start, tmp_path):
    model, start = model_and_start
    in_two_parts(model, start, tmp_path, (Snapshots(tmp_path / "s.icechunk", STEP, ("surface_pressure",)),))
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(tmp_path / "s.icechunk")))
    history = list(repository.ancestry(branch="main"))[::-1][1:]  # the first is that of Icechunk
    assert [each.message for each in history] == [
        "no records", *(f"record {n}" for n in range(6)), "5 records", *(f"record {n}" for n in (5, 6, 7))]
    for number, each in enumerate(history[:7]):
        found = xr.open_zarr(repository.readonly_session(snapshot_id=each.id).store, consolidated=False, decode_times=False)
        assert found.sizes["time"] == number
        assert np.isfinite(found.time.values).all() and np.isfinite(found.surface_pressure.values).all()


@pytest.fixture
def bucket(monkeypatch):
    """(address, objects) of a bucket of a server on this machine that speaks as S3, where fsspec looks for nothing."""
    from fsspec.implementations.memory import MemoryFileSystem

    class Registered(MemoryFileSystem):  # Icechunk has a client of its own, and s3fs need not be here
        protocol, store, pseudo_dirs = "s3", {}, [""]

        @classmethod
        def _strip_protocol(cls, path):
            return str(path).removeprefix("s3://").rstrip("/")

    monkeypatch.setitem(import_module("fsspec.registry")._registry, "s3", Registered)
    with s3_server() as (address, objects):
        for name, value in (("ENDPOINT_URL", address), ("ACCESS_KEY_ID", "name"), ("SECRET_ACCESS_KEY", "key"), ("REGION", "here")):
            monkeypatch.setenv(f"AWS_{name}", value)
        yield "s3://bucket", objects


def test_a_repository_in_a_bucket_goes_on_and_refuses_the_commit_of_a_run_that_was_overtaken(
        model_and_start, bucket, monkeypatch, tmp_path):
    (model, start), (address, objects) = model_and_start, bucket
    outputs = (Snapshots(f"{address}/a/s.icechunk", STEP), Snapshots(tmp_path / "s.nc", STEP))
    state = model.run(start, steps=2, write=outputs, progress=False)
    model.run(state, steps=1, write=outputs, progress=False)
    assert objects and all(name.startswith("bucket/a/s.icechunk/") for name in objects)
    found = records(outputs[0].path)
    expected = records(tmp_path / "s.nc")
    assert found.sizes["time"] == 4 and set(found.variables) == set(expected.variables)
    assert all(np.array_equal(found[name], expected[name], equal_nan=True) for name in expected.variables)
    overtake(monkeypatch)
    with pytest.raises(WritingFailed, match=r"the records before this one are whole: another run has written to it meanwhile"):
        Icechunk(location(outputs[0].path), model).append(4, {"surface_pressure": np.zeros((8, 12))}, {"time": 7200.0})
    assert records(outputs[0].path).equals(found)


def overtake(monkeypatch):
    """Let another run commit whenever one has begun to write."""
    session = Icechunk._session

    def overtaken(store):
        begun, other = session(store), session(store)
        zarr.open_group(other.store, mode="r+").attrs["by"] = "another run"
        other.commit("of another run")
        return begun

    monkeypatch.setattr(Icechunk, "_session", overtaken)


def test_a_second_run_that_writes_to_a_repository_is_told_and_leaves_the_records_of_the_first(
        model_and_start, tmp_path, monkeypatch):
    model, start = model_and_start
    path = tmp_path / "s.icechunk"
    model.run(start, steps=2, write=(Snapshots(path, STEP),), progress=False)
    before = records(path)
    overtake(monkeypatch)
    fields = {"surface_pressure": before.surface_pressure.values[0]}
    with pytest.raises(WritingFailed, match=r"the records before this one are whole: another run has written to it meanwhile"):
        Icechunk(path, model).append(3, fields, {"time": 5400.0})
    assert records(path).equals(before)


def test_what_was_killed_while_its_store_was_made_at_an_address_goes_on_and_what_is_of_others_stays(model_and_start, memory):
    from upath import UPath

    model, start = model_and_start
    made = (Snapshots(f"{memory}/s.zarr", STEP),)
    model.run(start, steps=1, write=made, progress=False)
    (UPath(f"{memory}/s.zarr") / ".zmetadata").unlink()  # the last that is put there
    model.run(start, steps=2, write=made, progress=False)
    assert records(f"{memory}/s.zarr").sizes["time"] == 3
    UPath(f"{memory}/other.zarr/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"other.zarr' is there already and is no output of dycore"):
        model.run(start, steps=1, write=(Snapshots(f"{memory}/other.zarr", STEP),), progress=False)
    assert UPath(f"{memory}/other.zarr/notes.txt").read_text() == "mine"


def test_a_run_says_once_that_an_address_has_no_locks(model_and_start):
    model, start = model_and_start
    warn_once.cache_clear()
    with pytest.warns(DiskWarning, match=r"memory:// has no locks: see to it that no second run writes to the same paths") as said:
        model.run(start, steps=1, write=(Snapshots("memory://one/a.zarr", STEP), Snapshots("memory://one/b.zarr", STEP)),
                  progress=False)
    assert len([each for each in said if each.category is DiskWarning]) == 1


@pytest.mark.parametrize("path, sentence", [
    ("nope://a/x.zarr", "'nope://a/x.zarr' cannot be reached: there is no protocol 'nope'"),
    ("memory://a/x.nc", "'memory://a/x.nc': a NetCDF file grows in its place"),
    ("memory://a/x.icechunk", "Icechunk writes to disks of this machine, to s3:// and to gs://, not to memory://"),
    ("memory://", "'memory://' names no file or folder"),
    (Path("s3://bucket/x.zarr"), "'s3:/bucket/x.zarr' has lost a slash of its address as a pathlib.Path: give it as text"),
])
def test_an_address_that_cannot_be_written_to_is_refused_in_a_sentence(model_and_start, path, sentence, tmp_path, monkeypatch):
    model, start = model_and_start
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.run(start, steps=1, write=(Snapshots(path, STEP),), progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing, path, sentence", [
    ("s3fs", "s3://bucket/x.zarr", "a library is missing (Install s3fs to access S3): pip install s3fs"),
    ("upath", "s3://bucket/x.zarr", "those need universal-pathlib: pip install 'dycore[stores]'"),
    ("icechunk", "x.icechunk", "Paths that end in .icechunk need Icechunk: pip install 'dycore[stores]'"),
])
def test_a_missing_library_is_named_with_the_line_that_installs_it(model_and_start, missing, path, sentence, tmp_path, monkeypatch):
    model, start = model_and_start
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.run(start, steps=1, write=(Snapshots(path, STEP),), progress=False)


@pytest.mark.parametrize("chunks, path, sentence", [
    ({"depth": 3}, "x.zarr", "'depth': 3 must be a dimension of what is written"),
    ({"time": 0}, "x.icechunk", "'time': 0 must be a dimension of what is written"),
    (3, "x.zarr", "chunks=3 of 'x.zarr' must be numbers of records, levels, rows or columns by dimension"),
    ({"time": 3}, "x.nc", "a NetCDF file of the classic format has none"),
])
def test_chunks_that_are_none_are_refused(model_and_start, chunks, path, sentence, tmp_path, monkeypatch):
    model, start = model_and_start
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.run(start, steps=1, write=(Snapshots(path, STEP, chunks=chunks),), progress=False)


@pytest.mark.parametrize("ending", [".nc", ".zarr", ".icechunk"])
def test_open_gives_a_lazy_dataset_and_a_grid_whose_integral_is_the_area(model_and_start, ending, tmp_path):
    model, start = model_and_start
    model.run(start, steps=2, write=(Snapshots(tmp_path / f"s{ending}", STEP),), progress=False)
    dataset, grid = dycore.open(tmp_path / f"s{ending}")
    assert dataset.eastward_velocity.chunks is not None and dataset.eastward_velocity.data.npartitions == 1  # joined
    area = grid.integrate(xr.ones_like(dataset.surface_pressure), ("X", "Y"))
    np.testing.assert_allclose(area, 4.0 * np.pi * 6.371e6**2, rtol=1e-2)


def test_open_says_what_cannot_be_opened(tmp_path):
    with pytest.raises(ValueError, match=r"nothing.zarr' cannot be opened .* Name a NetCDF file, a Zarr store or an Icechunk"):
        dycore.open(tmp_path / "nothing.zarr")
    with pytest.raises(ValueError, match=r"nothing.icechunk' cannot be opened \(the repository doesn't exist\)"):
        dycore.open(tmp_path / "nothing.icechunk")
    assert [*tmp_path.iterdir()] == []  # looking makes no repository


@pytest.mark.parametrize("chunks, sentence", [({"level": 2}, "has no dimension 'level'. There are air_pressure, latitude"),
                                              ("big", "'big' are no chunks")])
def test_open_refuses_chunks_that_dask_would_ignore(model_and_start, tmp_path, chunks, sentence):
    model, start = model_and_start
    model.dataset(start).to_netcdf(tmp_path / "s.nc")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        dycore.open(tmp_path / "s.nc", chunks)
