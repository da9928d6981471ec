"""Training that is killed goes on bit for bit, samples are read when they are asked for, and what does not fit is refused."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import create

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
for library in ("orbax.checkpoint", "grain", "xarray", "zarr"):
    pytest.importorskip(library)
from dycore.learning import Windows, normalisation_of_samples, random_emulator, run_samples, shuffled, train  # noqa: E402

RNG = np.random.default_rng(4)
INPUTS = RNG.standard_normal((24, 3)).astype(np.float32)
OUTPUTS = (INPUTS @ [1.0, -2.0, 0.5] + 0.1 * RNG.standard_normal(24)).astype(np.float32)


def squares(weights, batch):
    return ((batch["in"] @ weights["slope"] + weights["offset"] - batch["out"]) ** 2).mean()


class Pairs:
    def __len__(self):
        return len(INPUTS)

    def __getitem__(self, number):
        return {"in": INPUTS[number], "out": OUTPUTS[number]}


def noisy(sample, random):
    return sample | {"out": sample["out"] + np.float32(0.1 * random.standard_normal())}


def attempt(folder, die_at=None, **changes):
    """A training of 6 steps a pass, killed when so many batches were made."""
    made = []
    ordered = shuffled(Pairs(), 4, seed=3, changed=noisy)

    def batches(number):
        def counted(batch):
            made.append(number)
            if len(made) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return batch

        part = ordered(number)
        return LazyBatches(part, counted)

    start = {"slope": np.zeros(3, np.float32), "offset": np.zeros((), np.float32)}
    settings = {"optimiser": optax.adam(0.05), "case": {"seed": 3}} | changes
    held_out = [{"in": INPUTS, "out": OUTPUTS}]
    return train(squares, start, batches, folder=folder, passes=6, held_out=held_out, every=4, progress=False, **settings), made


class LazyBatches:
    def __init__(self, part, seen):
        self.part, self.seen = part, seen

    def __len__(self):
        return len(self.part)

    def __getitem__(self, number):
        return self.seen(self.part[number])


def test_a_training_that_is_killed_goes_on_to_the_weights_of_one_that_was_not_bit_for_bit(tmp_path):
    create("jax")
    whole, made = attempt(tmp_path / "whole")
    assert len(made) == 36 and (tmp_path / "whole" / "learning_curve.png").read_bytes()[:4] == b"\x89PNG"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])}
    program = f"import test_training; test_training.create('jax'); test_training.attempt({str(tmp_path / 'cut')!r}, die_at=%d)"
    for at in (16, 13):  # in the third pass, after the checkpoint of step 12; then in the fifth
        killed = subprocess.run([sys.executable, "-c", program % at], env=environment, capture_output=True, text=True, timeout=300)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    found, made = attempt(tmp_path / "cut")
    assert 0 < len(made) < 20 and min(made) >= 4
    for one, two in zip(jax.tree.leaves((whole.weights, whole.state)), jax.tree.leaves((found.weights, found.state)), strict=True):
        assert np.array_equal(one, two) and one.dtype == two.dtype
    assert np.array_equal(whole.losses, found.losses) and np.array_equal(whole.held_out_losses, found.held_out_losses)
    again, made = attempt(tmp_path / "cut")
    assert not made and np.array_equal(again.losses, found.losses)
    with pytest.raises(ValueError, match="are of another training: seed is 3 there and 4 here"):
        attempt(tmp_path / "cut", case={"seed": 4})
    with pytest.raises(ValueError, match="weights or an optimiser of another form"):
        attempt(tmp_path / "cut", optimiser=optax.sgd(0.05))


def test_training_stops_when_what_is_held_out_gets_no_better_and_returns_the_best(tmp_path):
    """A weight goes up by 0.1 a step, 0.2 a pass; 0.4 is best for what is held out, after the second pass."""
    create("jax")
    found = train(lambda weight, batch: abs(weight - batch), np.array(0.0), [np.array(9.0)] * 2, optax.sgd(0.1), tmp_path,
                  passes=50, held_out=[np.array(0.42)], patience=3, progress=False)
    assert float(found.weights) == pytest.approx(0.4) and len(found.losses) == 10


def test_batches_of_a_pass_are_all_samples_once_in_an_order_of_their_own():
    batches = shuffled(Pairs(), 4, seed=3)
    orders = [np.concatenate([batch["in"][:, 0] for batch in batches(number)]) for number in (1, 2)]
    assert not np.array_equal(*orders) and all(np.array_equal(np.sort(each), np.sort(INPUTS[:, 0])) for each in orders)
    again = np.concatenate([batch["in"][:, 0] for batch in shuffled(Pairs(), 4, seed=3)(2)])
    assert np.array_equal(again, orders[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from dycore import cli

    path = tmp_path_factory.mktemp("run") / "held_suarez.zarr"
    assert cli.main(["run", "held_suarez", "--cells", "3,8,12", "--days", "4", "--output", str(path), "--output-every", "0.5",
                     "--backend", "numpy", "--quiet"]) == 0
    return path


NAMES = ("eastward_velocity", "northward_velocity", "surface_pressure")


def test_samples_are_fields_at_centres_of_coarse_cells_read_when_they_are_asked_for(run):
    import xarray

    samples = run_samples(run, NAMES, first_day=1.0, last_day=3.5, coarsen=2)
    assert len(samples) == 6 and samples.every == pytest.approx(0.5, rel=0.02) and not samples.kept
    data = xarray.open_zarr(run, decode_times=False)
    cos = np.cos(np.radians(data.latitude.values))
    pressure, u, v = (data[name].values[4] for name in ("surface_pressure", "eastward_velocity", "northward_velocity"))
    block = (pressure * cos[:, None])[2:4, 4:6].sum() / (2.0 * cos[2:4].sum())
    assert samples[2]["surface_pressure"][1, 2] == pytest.approx(block, rel=1e-6) and list(samples.kept) == [2]
    east = 0.5 * (u[0, 2:4, [10, 11]].T + u[0, 2:4, [11, 0]].T)
    mean = (east * cos[2:4, None]).sum() / (2.0 * cos[2:4].sum())
    assert samples[2]["eastward_velocity"][0, 1, 5] == pytest.approx(mean, rel=1e-5)
    north = 0.5 * (v[1, 6:8, 0:2] + np.stack([v[1, 7, 0:2], np.zeros(2)]))
    assert samples[2]["northward_velocity"][1, 3, 0] == pytest.approx((north * cos[6:8, None]).sum() / (2.0 * cos[6:8].sum()),
                                                                      rel=1e-5, abs=1e-9)
    windows = Windows(samples, 3, stride=2)
    assert len(windows) == 2 and np.array_equal(windows[1]["surface_pressure"][0], samples[2]["surface_pressure"])


def test_a_run_that_was_written_again_with_times_in_other_units_has_the_days_that_it_had(run, tmp_path):
    """As xarray writes what was joined of several runs, in the unit that it finds best."""
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("cf_units")
    with xarray.open_zarr(run, decode_times=False) as found:
        again = found.drop_encoding()
        again["time"] = ("time", found.time.values / 3600.0, {**found.time.attrs, "units": "hours since 0001-01-01"})
        again.to_zarr(tmp_path / "again.zarr")
    days = {"first_day": 1.0, "last_day": 3.5}
    here, there = (run_samples(path, NAMES, **days) for path in (run, tmp_path / "again.zarr"))
    assert here.numbers == there.numbers and there.every == pytest.approx(here.every)
    assert np.array_equal(here[0][NAMES[0]], there[0][NAMES[0]])


def test_an_emulator_names_the_field_that_it_is_not_given(run):
    samples = run_samples(run, NAMES)
    emulator = random_emulator(0, samples, normalisation_of_samples(samples), width=4, blocks=1)
    assert emulator.packed(samples[0]).shape == (7, 8, 12)
    with pytest.raises(ValueError, match=r"The fields lack surface_pressure\. Give all that the emulator steps: eastward"):
        emulator.packed({name: samples[0][name] for name in NAMES[:2]})


@pytest.mark.parametrize("ask, sentence", [
    (lambda run: run_samples(run.parent, NAMES), "No run can be read from|not those of a run"),
    (lambda run: run_samples(run.parent / "none.zarr", NAMES), "No run can be read from"),
    (lambda run: run_samples(run, ("salinity",)), "has no salinity. Take of .*eastward_velocity"),
    (lambda run: run_samples(run, (*NAMES, NAMES[0])), "holds a field twice"),
    (lambda run: run_samples(run, "surface_pressure"), "must be a list, each of it text"),
    (lambda run: run_samples(run, NAMES, first_day=3.0, last_day=9.0), r"holds days 0 to 3\.96\d*, and days 3 to 9"),
    (lambda run: run_samples(run, NAMES, first_day=3.9), "two records have to be"),
    (lambda run: run_samples(run, NAMES, coarsen=5), "coarsen=5 does not divide 8 rows and 12 columns"),
    (lambda run: run_samples(run, NAMES, coarsen=0), "coarsen=0 must be at least 1"),
    (lambda run: Windows(run_samples(run, NAMES), 0), "length=0 must be at least 1"),
    (lambda run: shuffled(Windows(run_samples(run, NAMES), 2), 99), "must have as many samples as a batch, 99"),
    (lambda run: train(squares, {"slope": np.zeros(3)}, [1], optax.sgd(0.1), run.parent / "t", patience=2), "none. Give held"),
    (lambda run: train(squares, {"slope": np.zeros(3)}, 3, optax.sgd(0.1), run.parent / "t"), "batches=3 must be batches"),
])
def test_what_is_no_run_or_no_training_is_refused_in_a_sentence(run, ask, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask(run)
