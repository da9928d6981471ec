"""Scaling studies on a real SLURM of one machine, where there is one."""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from scaling_studies import SMALL, SRUN, dycore, site

from dycore.benchmarks import competitor, fortran_reference, launching
from dycore.benchmarks.competitor import Group

PATIENCE_SECONDS = 1800.0  # on a machine that many share


# A real SLURM


def why_no_cluster():
    """Why SLURM cannot be started here; None where it can."""
    where = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in ("sbatch", "slurmctld", "slurmd", "munged") if shutil.which(name, path=where) is None]
    if missing:
        return f"needs {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge"
    return competitor.missing_mpi("numpy", Group("baroclinic_channel", (20, 9, 18), "float64", ranks=2), "cpu")


def free_ports(number):
    """The first of so many that follow each other."""
    while True:
        first = random.randrange(20000, 50000)
        try:
            for port in range(first, first + number):
                with socket.socket() as one:
                    one.bind(("", port))
        except OSError:
            continue
        return first


def launcher():
    """That belongs to the MPI library of mpi4py."""
    version = subprocess.check_output([sys.executable, "-c", "from mpi4py import MPI; print(MPI.Get_library_version())"], text=True)
    return f"{launching.launcher()} -n {{ranks}} -ppn {{ranks_per_node}}" if "MPICH" in version else SRUN


def queue():
    return subprocess.check_output(["squeue", "--noheader", "--format=%j"], text=True).split()


def wait(until):
    end = time.monotonic() + PATIENCE_SECONDS
    while not until():
        assert time.monotonic() < end, queue()
        time.sleep(1.0)


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Folders of studies on a cluster, all jobs at their end.

    `measured` ends well; `late` is past its time limit; `cancelled` is; `alone` has a launcher that starts every rank
    alone, and is submitted again with a better one.
    """
    reason = why_no_cluster()
    if reason is not None:
        pytest.skip(reason)
    folder, cluster = tmp_path_factory.mktemp("studies"), tempfile.mkdtemp(prefix="slurm")  # short: the path of a socket
    script = Path(__file__).with_name("slurm_cluster.sh")
    good = site(folder, "good", launcher=launcher())
    waits = site(folder, "waits", partition="waiting", setup=["sleep 600"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", f"{cluster}/slurm.conf")
        try:
            subprocess.run([script, "start", cluster, str(free_ports(4))], check=True)
            assert dycore("submit", folder / "late", "--site", waits, "--ranks", "1", "--time", "1", *SMALL) == 0
            assert dycore("submit", folder / "cancelled", "--site", waits, "--ranks", "1", *SMALL) == 0
            subprocess.run(["scancel", "--name=cancelled"], check=True)
            assert dycore("submit", folder / "alone", "--site", site(folder, launcher=SRUN.replace("pmix", "none")), "--ranks", "2",
                          "--ranks-per-node", "1", "--scaling", "strong", *SMALL) == 0
            assert dycore("submit", folder / "measured", "--site", good, "--ranks", "2", "--ranks-per-node", "1", *SMALL,
                          "--backends", "numpy,fortran") == 0
            wait(lambda: "alone" not in queue())
            assert dycore("collect", folder / "alone") == 1
            shutil.copytree(folder / "alone", folder / "alone-at-first")
            assert dycore("submit", folder / "alone", "--site", good) == 0
            wait(lambda: not queue())
            yield folder
        finally:
            subprocess.run([script, "stop", cluster], check=True)
            shutil.rmtree(cluster)


def collected(folder, code):
    assert dycore("collect", folder) == code, [log.read_text() for log in (folder / "logs").glob("*.log")]
    return json.loads((folder / "results" / "results.json").read_text())


@pytest.mark.slow
def test_strong_and_weak_scaling_are_measured_on_two_nodes(studies, capsys):
    if fortran_reference.build_fortran() is not None:
        pytest.skip(fortran_reference.build_fortran())
    records = collected(studies / "measured", 0)
    groups = [(1, "strong"), (2, "strong"), (2, "weak")]
    assert [(record["ranks"], record["scaling"], record["competitor"]) for record in records] == [
        (*group, name) for group in groups for name in ("numpy", "fortran")]
    for record, base in zip(records, 3 * records[:2], strict=True):
        assert (record["error"], record["nodes"], record["samples"]) == (None, record["ranks"], 1)
        ideal = base["ms_per_million_cells"] / record["ranks"]
        assert record["efficiency"] == pytest.approx(ideal / record["ms_per_million_cells"])
    for record in records[2:]:
        assert record["messages_per_step"] > 0 and record["ms_per_step_silent"] > 0.0
    assert records[4]["n_cells"] == 2 * records[0]["n_cells"] == 2 * records[2]["n_cells"]
    assert "2 (2 x 1) on 2 nodes" in (studies / "measured" / "results" / "results.md").read_text()


@pytest.mark.slow
def test_what_was_collected_is_drawn_again(studies):
    collected(studies / "measured", 0)
    results = studies / "measured" / "results"
    pictures = {"scaling.png", "efficiency.png"}
    for name in pictures:
        (results / name).unlink()
    assert dycore("plot", studies / "measured") == 0
    assert pictures <= set(os.listdir(results))


@pytest.mark.slow
@pytest.mark.parametrize("name, state, why", [("late", "TIMEOUT", "was past its time limit"),
                                              ("cancelled", "CANCELLED", "was cancelled")])
def test_jobs_that_slurm_ended_are_reported_as_such(studies, name, state, why, capsys):
    record, = collected(studies / name, 1)
    assert why in record["error"]
    assert dycore("status", studies / name) == 0
    told = capsys.readouterr().out
    assert state in told and why in told


@pytest.mark.slow
def test_ranks_that_are_alone_end_the_job_with_a_sentence(studies):
    base, pair = json.loads((studies / "alone-at-first" / "results" / "results.json").read_text())
    assert base["error"] is None and base["efficiency"] == 1.0
    assert re.match(r"job \d+_1 failed: srun was to start one world of 2 ranks, and MPI sees 2 \(1 \+ 1\)", pair["error"])


@pytest.mark.slow
def test_submitting_again_measures_only_what_was_missing(studies):
    first, again = (json.loads((studies / name / "study.json").read_text())["jobs"] for name in ("alone-at-first", "alone"))
    assert again[:-1] == first and again[-1]["states"].keys() == {"1"}
    assert [record["error"] for record in collected(studies / "alone", 0)] == [None, None]
