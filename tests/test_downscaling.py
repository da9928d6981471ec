"""What is drawn for coarse fields has their means and is nearer to the truth than interpolation; the flow is what it should be."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import create
from test_examples import example

jax = pytest.importorskip("jax")
for library in ("equinox", "optax", "orbax.checkpoint", "grain", "xarray", "zarr", "safetensors", "scoringrules", "matplotlib"):
    pytest.importorskip(library)
from dycore import Model, cases, learning  # noqa: E402
from dycore.backends import on_numpy  # noqa: E402
from dycore.grid import interior  # noqa: E402
from dycore.learning import diffusion_scores, downscale, downscaler, downscaling_page, kolmogorov_flows  # noqa: E402
from dycore.learning.downscaling_settings import read_settings  # noqa: E402
from dycore.state import initial_state  # noqa: E402
from dycore.writing import Snapshots  # noqa: E402

SIZES = {"cells": 16, "days": 30.0, "passes": 30, "factor": 2, "patch": 2, "width": 16, "blocks": 2, "batch": 8,
         "record_every": 0.25, "members": 6, "fields": 4, "steps": 8, "rate": 1e-2}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The example at a size for tests: (its result, its folder)."""
    create("jax")
    folder = tmp_path_factory.mktemp("downscaling")
    result = example("downscaling").main(folder, on_numpy, picture=folder / "picture.png", **SIZES)
    assert (folder / "picture.png").read_bytes()[:4] == b"\x89PNG"
    return result, folder


def test_what_is_drawn_is_nearer_to_the_truth_than_interpolation(found):
    scores = found[0].scores
    assert scores.probability < 0.8 * scores.errors["bicubic"]
    off = {name: abs(tail[0] / scores.tails["truth"][0] - 1.0) for name, tail in scores.tails.items()}
    assert off["drawn"] < off["bicubic"]
    assert found[0].means < 1e-5 and scores.ranks.sum() == found[0].truth.size


def test_the_page_has_error_and_anomaly_correlation_of_the_mean_of_members_beside_those_of_interpolation(found):
    result, folder = found
    rows = {row.quantity: row for row in downscaling_page.rows_of(result)}
    mean, truth = result.members.mean(axis=0), result.truth
    smooth = np.stack([downscaler.interpolated(each, 2) for each in downscaler.block_means(truth, 2)])
    error = np.linalg.norm(mean - truth) / np.linalg.norm(smooth - truth)
    assert rows["error of the mean of members over that of bicubic interpolation"].ours == pytest.approx(error, rel=1e-4)
    climate = learning.vorticity_samples(folder / "kolmogorov.zarr", 3.0, 24.0).all().mean(axis=(0, 2))[:, None]
    expected = []
    for each in (mean, smooth):
        forecast, true = (each - climate).ravel(), (truth - climate).ravel()
        expected.append(forecast @ true / (np.linalg.norm(forecast) * np.linalg.norm(true)))
    row = rows["anomaly correlation of the mean of members"]
    assert row.ours == pytest.approx(expected[0], rel=1e-4) and float(row.published) == pytest.approx(expected[1], abs=1e-4)


def test_means_of_blocks_are_kept_to_round_off_whatever_the_network_is(found):
    wild = jax.tree.map(lambda leaf: np.asarray(leaf) + np.float32(0.03), found[0].downscaler)
    coarse = np.random.default_rng(0).standard_normal((4, 8, 8)).astype(np.float32)
    members = learning.drawn(wild, coarse, members=6, steps=8)
    assert members.shape == (6, 4, 16, 16) and np.std(members - members.mean(axis=0)) > 1e-3
    assert np.allclose(downscaler.block_means(members.astype(float), 2), coarse, atol=1e-6 * np.abs(members).max())


def test_what_is_drawn_has_the_variance_at_each_wavenumber_of_the_fields_that_it_was_calibrated_with():
    """An untrained network draws white details; these are white noise times 1.3 - 1.2 k, with k in cycles per cell."""
    create("jax")
    number = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.fftfreq(32))
    noise = np.random.default_rng(0).standard_normal((160, 32, 32))
    fine = np.fft.ifft2(np.fft.fft2(noise) * (1.3 - 1.2 * number)).real.astype(np.float32)
    white, coarse = learning.random_downscaler(0, fine, width=8, blocks=1), downscaler.block_means(fine[80:], 4)
    off = {}
    for name, own in (("white", white), ("calibrated", learning.calibrated(white, fine[:80], members=1))):
        members = learning.drawn(own, coarse, seed=1)
        off[name] = diffusion_scores.isotropic_spectrum(members) / diffusion_scores.isotropic_spectrum(fine[80:]) - 1.0
        assert np.allclose(downscaler.block_means(members[0].astype(float), 4), coarse, atol=1e-6)
    beyond = slice(4, None)  # wavenumbers of which the coarse field says little
    assert np.abs(off["white"][beyond]).max() > 0.3 > 3.0 * np.abs(off["calibrated"][beyond]).max()


def test_interpolation_goes_round_and_is_exact_for_what_is_nearly_straight():
    create("jax")
    x = 2.0 * np.pi * (np.arange(64) + 0.5) / 64
    wave = np.cos(x)[:, None] + np.sin(x + 1.0)
    coarse = np.cos(x.reshape(16, 4).mean(axis=1))[:, None] + np.sin(x.reshape(16, 4).mean(axis=1) + 1.0)
    assert np.abs(downscaler.interpolated(coarse, 4) - wave).max() < 2.0 * (2.0 * np.pi / 16) ** 3 / 6.0
    rolled = downscaler.interpolated(np.roll(coarse, (3, 5), (0, 1)), 4)
    assert np.allclose(rolled, np.roll(downscaler.interpolated(coarse, 4), (12, 20), (0, 1)), atol=1e-6)


def test_what_is_moved_by_a_block_is_drawn_moved(found):
    own, random = found[0].downscaler, np.random.default_rng(1)
    coarse, noise = (random.standard_normal((24, n, n)).astype(np.float32) for n in (8, 16))
    coarse *= own.deviation
    levels = learning.noise_levels(8)
    here = np.asarray(downscaler.drawn_from(own, coarse, noise, levels))
    there = np.asarray(downscaler.drawn_from(own, np.roll(coarse, 3, -1), np.roll(noise, 6, -1), levels))
    assert np.allclose(there, np.roll(here, 6, -1), atol=1e-3 * np.abs(here).max())


def test_a_downscaler_is_one_file_that_draws_as_it_did_and_is_refused_where_it_does_not_fit(found):
    result, folder = found
    file = folder / "downscaling" / "downscaling.safetensors"
    again, coarse = learning.load_downscaler(file, factor=2), downscaler.block_means(result.truth, 2)
    assert np.array_equal(learning.drawn(again, coarse, 6, 0, 8), result.members)
    with pytest.raises(ValueError, match="is for blocks of 2 x 2 cells, and factor=4 was asked for"):
        learning.load_downscaler(file, factor=4)
    learning.save_weights(folder / "other.safetensors", {"gain": np.ones(3)}, case={})
    with pytest.raises(ValueError, match="holds weights of something else, not a downscaler"):
        learning.load_downscaler(folder / "other.safetensors")


def test_one_command_goes_on_with_a_training_and_writes_page_card_and_figures(found, monkeypatch, capsys):
    _, folder = found
    monkeypatch.chdir(folder)
    settings = {name: value for name, value in SIZES.items() if name not in ("days", "cells")} | {
        "training": [3.0, 24.0], "held_out": [24.3, 26.1], "test": [26.4, 30.0], "coarsen": 1}
    text = "\n".join(['run = "kolmogorov.zarr"', 'output = "downscaling"',
                      *(f"{name} = {each}" for name, each in settings.items())])
    Path("d.toml").write_text(text)
    assert downscale.main(["d.toml"]) in (0, 1)
    page = (folder / "downscaling" / "results.md").read_text()
    assert page.startswith("# Downscaling by diffusion") and "python -m dycore.learning.downscale d.toml" in page
    assert {"downscaling-fields.png", "downscaling-spectra.png"} <= {path.name for path in (folder / "downscaling").iterdir()}
    assert "## Use and limits" in (folder / "downscaling" / "model_card.md").read_text()
    Path("d.toml").write_text(text.replace("batch = 8", "batch = 4"))
    assert downscale.main(["d.toml"]) == 2
    assert "are of another training: size is 8 there and 4 here" in capsys.readouterr().err


@pytest.mark.parametrize("change, sentence", [
    ({"trainning": "[1, 2]"}, "there is no key 'trainning': did you mean 'training'?"),
    ({"factor": "1"}, "factor=1 must be at least 2"),
    ({"test": "[60, 75]"}, "have days in common"),
    ({"record_every": "0"}, "record_every=0"),
])
def test_settings_that_make_no_sense_are_refused_in_a_sentence(change, sentence, tmp_path):
    table = {"run": '"r.zarr"', "output": '"o"', "training": "[30, 70]", "held_out": "[72, 80]", "test": "[82, 99]"} | change
    (tmp_path / "d.toml").write_text("\n".join(f"{name} = {value}" for name, value in table.items()))
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read_settings(tmp_path / "d.toml")


def test_what_is_not_of_whole_blocks_or_not_finite_is_refused(found):
    with pytest.raises(ValueError, match="of whole blocks of 4 and of whole patches of 4 cells"):
        learning.random_downscaler(0, np.zeros((3, 16, 18)), patch=4)
    with pytest.raises(ValueError, match="Give square fields"):
        learning.calibrated(found[0].downscaler, np.zeros((3, 16, 18)))
    with pytest.raises(ValueError, match="1 of its values are not finite"):
        learning.drawn(found[0].downscaler, np.where(np.eye(8)[None] * np.arange(8) == 7, np.nan, 0.0))


def test_a_run_with_walls_is_refused(tmp_path):
    model = Model(*cases.barotropic_gyre((1, 6, 8))[:2], on_numpy)
    model.run(cases.barotropic_gyre((1, 6, 8))[2], days=0.2, progress=False, write=(Snapshots(tmp_path / "gyre.zarr", 0.05),))
    with pytest.raises(ValueError, match="has the boundaries wall and wall"):
        learning.vorticity_samples(tmp_path / "gyre.zarr")


def test_the_vorticity_of_a_run_that_goes_round_is_the_circulation_about_each_corner(found):
    _, folder = found
    samples = learning.vorticity_samples(folder / "kolmogorov.zarr", coarsen=2)
    record = samples.velocity.data.isel(time=7, height=-1)
    u, v, spacing = record.eastward_velocity.values, record.northward_velocity.values, kolmogorov_flows.LENGTH / 16
    vorticity = (v - np.roll(v, 1, -1) - u + np.roll(u, 1, -2)) / spacing
    expected = vorticity.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert np.allclose(samples[7]["vorticity"], expected, atol=1e-5 * np.abs(expected).max())
    assert abs(samples.all().mean()) < 1e-5 * samples.all().std()


def test_kolmogorov_flow_from_rest_speeds_up_as_force_and_drag_say():
    grid, parameters, state = learning.kolmogorov_flow((1, 32, 32), precision="float64")
    model, steps = Model(grid, parameters, on_numpy), 20
    end = model.steps(state._replace(u=0.0 * state.u, v=0.0 * state.v), steps)
    time = steps * parameters.time_step
    expected = kolmogorov_flows.FORCE / kolmogorov_flows.DRAG * -np.expm1(-kolmogorov_flows.DRAG * time) * np.sin(
        8.0 * np.pi * grid.y / kolmogorov_flows.LENGTH)
    assert np.allclose(interior(end.u)[0, :, 0], expected, atol=5e-3 * expected.max())  # of which friction takes 2e-3


def test_kolmogorov_flow_that_is_turned_by_180_degrees_stays_one():
    grid, parameters, state = learning.kolmogorov_flow((1, 12, 12), precision="float64")
    model = Model(grid, parameters, on_numpy)

    def vorticity(state):
        u, v = (interior(np.asarray(each))[0] for each in (state.u, state.v))
        return v - np.roll(v, 1, -1) - u + np.roll(u, 1, -2)

    def turned(field, rows, columns):
        return np.roll(field[..., ::-1, ::-1], (rows, columns), (-2, -1))

    u, v = (interior(np.asarray(each)) for each in (state.u, state.v))
    other = initial_state(grid, surface=0.0, u=-turned(u, 0, 1), v=-turned(v, 1, 0))
    there = vorticity(model.steps(other, 40))
    assert np.allclose(there, turned(vorticity(model.steps(state, 40)), 1, 1), atol=1e-10 * np.abs(there).max())


def test_the_spectrum_of_a_wave_is_its_variance_at_its_wavenumber():
    x = 2.0 * np.pi * np.arange(16) / 16
    spectrum = diffusion_scores.isotropic_spectrum(3.0 * np.cos(3.0 * x[:, None] + 4.0 * x)[None])
    assert spectrum == pytest.approx([4.5 if number == 5 else 0.0 for number in range(1, 9)], abs=1e-12)
