"""Energy counters: what they count, what they say where there are none, and what a record makes of them."""

import pathlib
import sys
import types

import pytest

from dycore.benchmarks import competitor, energy, measuring, tables


@pytest.fixture
def powercap(tmp_path):
    """RAPL as Linux shows it on a machine with two packages; all readings in micro-joules."""
    for zone, name in {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1", "intel-rapl:0:0": "core",
                       "intel-rapl:2": "psys", "intel-rapl-mmio:0": "package-0"}.items():
        folder = tmp_path / zone
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text("262143328850\n")
        (folder / "energy_uj").write_text("1000000\n")
    return tmp_path


def test_packages_are_added_up_and_nothing_is_counted_twice(powercap):
    counters = energy.find("cpu", powercap)
    assert counters.words == "package-0 + package-1"
    before = counters.read()
    for zone in powercap.iterdir():
        (zone / "energy_uj").write_text("3500000")
    assert counters.used(before) == pytest.approx(5.0)


def test_a_counter_that_began_again_is_read_on(powercap):
    (powercap / "intel-rapl:0" / "energy_uj").write_text("262143000000")
    counters = energy.find("cpu", powercap)
    before = counters.read()
    (powercap / "intel-rapl:0" / "energy_uj").write_text("671150")
    assert counters.used(before) == pytest.approx(1.0, abs=1e-6)


def test_a_machine_without_counters_says_so(tmp_path):
    counters = energy.find("cpu", tmp_path / "nowhere")
    assert counters.words.startswith("no counters; no RAPL packages in ")
    assert counters.used(counters.read()) is None


def test_a_counter_for_root_alone_says_so(powercap, monkeypatch):
    def refuse(path):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path)

    read_text = pathlib.Path.read_text
    monkeypatch.setattr(pathlib.Path, "read_text", refuse)
    assert energy.find("cpu", powercap).words == f"no counters; only root may read {powercap}/intel-rapl:0/energy_uj"


def test_a_counter_that_fails_later_loses_only_the_energy(powercap):
    counters = energy.find("cpu", powercap)
    before = counters.read()
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    assert counters.used(before) is None


def test_a_gpu_is_counted_with_the_packages_or_alone(powercap, tmp_path, monkeypatch):
    class NVMLError(Exception):
        pass

    def chosen(uuid):
        assert uuid == "GPU-7"
        return uuid

    millijoules = iter((1000, 1500, 4000, 0))
    library = types.SimpleNamespace(
        NVMLError=NVMLError, nvmlInit=lambda: None, nvmlDeviceGetHandleByUUID=chosen, nvmlDeviceGetName=lambda _: "H100",
        nvmlDeviceGetTotalEnergyConsumption=lambda _: next(millijoules))
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7,GPU-8")
    counters = energy.find("gpu", powercap)
    assert counters.words == "package-0 + package-1 + H100"
    assert counters.used(counters.read()) == pytest.approx(2.5)
    assert energy.find("gpu", tmp_path / "nowhere").words.startswith("H100; no RAPL packages")


def test_a_machine_without_nvml_says_so(powercap, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy.find("gpu", powercap).words == "package-0 + package-1; NVML needs pip install nvidia-ml-py"


def test_a_record_holds_the_joules_of_a_step_and_tables_those_of_a_simulated_day(monkeypatch):
    # 30 J for ten steps of 600 s are 3 J a step, and 3 x 144 J a day; two cores at a year in a day are 48 core-hours a year.
    joules = iter((0.0, 10.0, 10.0, 40.0, 40.0, 90.0))
    each = competitor.Competitor("numpy", competitor.Group("case", (1, 1, 1), "float64", ranks=2), 1, "cpu",
                                 counters=energy.Counters((energy.Counter("package-0", lambda: next(joules)),), "package-0"))
    monkeypatch.setattr(each, "take", lambda steps: steps * 600.0 / 365.25)
    each.steps, yardstick = 10, competitor.Competitor("triad", each.group, 1, "cpu")
    yardstick.about = {"time_step": 600.0, "tracers": 1}
    for _ in range(3):
        each.sample()
    record = measuring.record(each, yardstick) | {"machine": {"cpu": measuring.processor(), "cores": 2}}
    assert (record["joules_per_step"], record["energy_counters"]) == (pytest.approx(3.0), "package-0")
    assert tables.joules_per_simulated_day(record) == pytest.approx(432.0)
    assert tables.core_hours_per_simulated_year(record) == pytest.approx(48.0)
    (columns, rows), old = tables.details([record]), record | {"machine": record["machine"] | {"cores": 1}}
    assert dict(zip(columns, rows[0], strict=True))["J / simulated day"] == "432"
    assert tables.core_hours_per_simulated_year(old) == pytest.approx(24.0)  # two ranks shared one core
    for name in ("joules_per_step", "energy_counters"):  # as in records written before energy was counted
        del old[name]
    (columns, rows) = tables.details([old])
    assert dict(zip(columns, rows[0], strict=True))["J / simulated day"] == "no counters"
