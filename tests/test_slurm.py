"""Scaling studies: what is submitted, watched and collected, and all of it on a SLURM of two nodes on this machine."""

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

from benchmarks import competitor, fortran_reference, groups, launch_check, launching, on_cores, slurm_queue
from benchmarks.competitor import Group
from benchmarks.launching import Launcher
from benchmarks.studies import load, pieces
from dycore import cli

SRUN = "srun --mpi=pmix --overlap --nodes={nodes} --ntasks={ranks} --ntasks-per-node={ranks_per_node} --cpus-per-task={threads}"
PATIENCE_SECONDS = 1800.0  # on a machine that many share


def site(folder, name="site", **keys):
    """A site file with these keys."""
    path = folder / f"{name}.toml"
    known = {"launcher": SRUN, "cores_per_node": 2} | keys
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in known.items()))
    return path


def dycore(*words):
    return cli.main(["slurm", *map(str, words)])


# What is submitted


SMALL = ("--cases", "baroclinic_wave", "--cells", "3000", "--samples", "1", "--backends", "numpy")


def test_the_scripts_of_a_dry_run_say_all_that_is_asked_and_nothing_is_written(tmp_path, capsys):
    given = site(tmp_path, partition="fast", account="ocean", modules=["mpich"], setup=["ulimit -s unlimited"],
                 sbatch=["--hint=nomultithread"], cores_per_node=4)
    assert dycore("submit", tmp_path / "study", "--site", given, "--nodes", "1,2", "--time", "7", "--dry-run", *SMALL) == 0
    one, two = capsys.readouterr().out.split("#!/bin/bash\n")[1:]
    for option in ("nodes=2", "ntasks-per-node=4", "cpus-per-task=1", "time=7", "partition=fast", "account=ocean", "array=3,4",
                   "hint=nomultithread", "exclusive"):
        assert f"#SBATCH --{option}\n" in two
    assert "#SBATCH --array=0,1,2\n" in one and "#SBATCH --nodes=1\n" in one
    assert "module load mpich\nulimit -s unlimited\n" in two
    assert "--cells 3000 --precisions float64 --ranks 8 --scaling weak --backends numpy" in two
    assert not re.search("@[A-Z]+@", one + two)
    subprocess.run(["bash", "-n"], input=one, text=True, check=True)
    assert os.listdir(tmp_path) == ["site.toml"]


def test_on_gpu_nodes_each_gpu_has_a_rank_and_its_share_of_the_cores(tmp_path, capsys):
    given = site(tmp_path, cores_per_node=64, gpus_per_node=4)
    assert dycore("submit", tmp_path / "study", "--site", given, "--nodes", "2", "--device", "gpu", "--dry-run") == 0
    two = capsys.readouterr().out.split("#!/bin/bash\n")[2]
    for option in ("gpus-per-node=4", "ntasks-per-node=4", "cpus-per-task=16"):
        assert f"#SBATCH --{option}\n" in two
    assert "--ranks 8 --scaling strong --backends jax)" in two and "--device gpu" in two


@pytest.mark.parametrize("name", sorted(path.name for path in (launching.ROOT / "slurm" / "sites").glob("*.toml")))
def test_the_examples_of_site_files_can_be_used(name, tmp_path, capsys):
    assert dycore("submit", tmp_path / "study", "--site", launching.ROOT / "slurm" / "sites" / name, "--dry-run") == 0
    assert "#SBATCH --partition=" in capsys.readouterr().out


@pytest.mark.parametrize("keys, sentence", [
    ({"partiton": "fast"}, "there is no key 'partiton': did you mean 'partition'?"),
    ({"cores_per_node": "two"}, "cores_per_node is 'two' and has to be a whole number"),
    ({"account": 3}, "account is 3 and has to be a text in quotes"),
    ({"modules": "mpich"}, "modules is 'mpich' and has to be a list of texts in quotes"),
    ({"launcher": ""}, "launcher is missing"),
    ({"launcher": "srun -n {rank}"}, "in braces it may have {ranks}, {threads}, {nodes}, {ranks_per_node}"),
    ({"launcher": "srun -n 4"}, "does not say how many ranks to start"),
])
def test_a_wrong_site_file_is_a_sentence(keys, sentence, tmp_path, capsys):
    assert dycore("submit", tmp_path / "study", "--site", site(tmp_path, **keys), "--dry-run") == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("words, sentence", [
    ((), "--site is missing"),
    (("--site", "nowhere.toml"), "the site file 'nowhere.toml' cannot be read: No such file or directory"),
    (("--site", "{site}", "--ranks-per-node", "3"), "a node of 2 cores is too small for 3 ranks of 1 thread"),
    (("--site", "{site}", "--threads", "4"), "a node of 2 cores is too small for 1 rank of 4 threads"),
    (("--site", "{site}", "--device", "gpu"), "--device gpu needs gpus_per_node in the site file"),
])
def test_a_study_that_cannot_be_is_a_sentence(words, sentence, tmp_path, capsys):
    words = [word.format(site=site(tmp_path)) for word in words]
    assert dycore("submit", tmp_path / "study", *words, "--dry-run") == 2
    assert sentence in capsys.readouterr().err


def test_without_slurm_or_a_study_one_is_told_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dycore("submit", tmp_path / "study", "--site", site(tmp_path)) == 2
    assert dycore("status", tmp_path / "study") == 2
    told = capsys.readouterr().err
    assert "sbatch was not found" in told and "holds no study.json" in told


# What is missing


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """An sbatch that refuses nothing and a squeue that says what `queue` holds."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").write_text(f"#!/bin/sh\ncat > {tmp_path}/script; echo x >> {tmp_path}/calls; wc -l < {tmp_path}/calls\n")
    (programs / "squeue").write_text(f"#!/bin/sh\ncat {tmp_path}/queue\n")
    (programs / "sacct").write_text("#!/bin/sh\nexit 1\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    (tmp_path / "queue").write_text("")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return tmp_path


def finished(folder, piece, **changes):
    """A record of a piece as `dycore bench` leaves it."""
    folder = folder / "pieces" / str(piece)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    published = json.loads((launching.ROOT / "benchmarks" / "results" / "results.json").read_text())
    record = published[0] | {"competitor": "numpy", "error": None, "peak_memory_bytes": 10**8} | changes
    path.write_text(json.dumps([*(json.loads(path.read_text()) if path.exists() else []), record]))


def states(folder):
    study = slurm_queue.looked_at(load(folder))
    return {piece.number: slurm_queue.last_job(study, piece) for piece in pieces(study)}


def test_only_what_is_missing_is_submitted_again(slurm, capsys):
    study = slurm / "study"
    assert dycore("submit", study, "--site", site(slurm), "--ranks", "2", "--ranks-per-node", "1", *SMALL) == 0
    assert "job 1: 1 piece on 1 node\njob 2: 2 pieces on 2 nodes\n" in capsys.readouterr().out
    (slurm / "queue").write_text("1_0 COMPLETED\n2_1 RUNNING\n2_2 TIMEOUT\n")
    finished(study, 0)
    finished(study, 2, peak_memory_bytes=None)  # stopped before its end
    assert dycore("submit", study, "--time", "02:00:00") == 0
    assert "job 3: 1 piece on 2 nodes\n" in capsys.readouterr().out
    assert "#SBATCH --array=2\n" in (slurm / "script").read_text() and "--time=02:00:00" in (slurm / "script").read_text()
    (slurm / "queue").write_text("3_2 COMPLETED\n2_1 FAILED\n")
    finished(study, 1, error="the ridge is too high")
    finished(study, 2)
    finished(study, 2, error="a later one that failed")  # an earlier measurement stays
    assert dycore("submit", study) == 0
    assert "#SBATCH --array=1\n" in (slurm / "script").read_text()
    finished(study, 1)
    (slurm / "queue").write_text("4_1 COMPLETED\n")
    assert dycore("submit", study) == 0
    assert "Nothing to submit" in capsys.readouterr().out


def test_a_study_keeps_what_it_measures(slurm, capsys):
    assert dycore("submit", slurm / "study", "--site", site(slurm), *SMALL) == 0
    assert dycore("submit", slurm / "study", "--cells", "4000") == 2
    assert "is a study already, and keeps what it measures: name another folder, or leave out --cells" in capsys.readouterr().err


def test_what_slurm_has_forgotten_is_remembered_or_read_from_logs(slurm):
    study = slurm / "study"
    assert dycore("submit", study, "--site", site(slurm), "--ranks", "2", "--ranks-per-node", "1", *SMALL,
                  "--cases", "baroclinic_wave,held_suarez") == 0  # 1_0, 1_3 on one node; 2_1, 2_2, 2_4, 2_5 on two
    (slurm / "queue").write_text("1_0 TIMEOUT\n1_3 RUNNING\n2_1 RUNNING\n2_2 RUNNING\n2_4 RUNNING\n2_5 PENDING\n")
    assert states(study)[0] == ("1_0", "TIMEOUT")
    (slurm / "queue").write_text("")
    for element, end in (("1_3", "ended 0\n"), ("2_1", "ended 2\n"), ("2_2", ""), ("2_4", "ended 130\n")):
        (study / "logs" / f"{element}.log").write_text(f"started\n{end}")
    assert [state for _, state in states(study).values()] == ["TIMEOUT", "FAILED", "STOPPED", "COMPLETED", "STOPPED", "UNKNOWN"]


def test_an_array_that_was_cancelled_while_it_waited_is_known_by_its_accounts_too(slurm):
    assert dycore("submit", slurm / "study", "--site", site(slurm), "--ranks", "1", *SMALL) == 0
    (slurm / "bin" / "squeue").write_text("#!/bin/sh\n")
    (slurm / "bin" / "sacct").write_text("#!/bin/sh\necho '1_[0]|CANCELLED by 1000'\n")
    assert states(slurm / "study")[0] == ("1_0", "CANCELLED")


def test_what_failed_is_a_record_that_says_why(slurm, capsys):
    study = slurm / "study"
    assert dycore("submit", study, "--site", site(slurm), "--ranks", "2", "--ranks-per-node", "1", *SMALL) == 0
    (slurm / "queue").write_text("1_0 TIMEOUT\n2_1 FAILED\n2_2 PENDING\n")
    (study / "logs" / "2_1.log").write_text("started now\ndycore: srun was to start one world of 2 ranks.\nended 2\n")
    assert dycore("collect", study) == 1
    base, strong = json.loads((study / "results" / "results.json").read_text())
    assert base["error"] == "job 1_0 was past its time limit: submit again with a longer --time"
    assert strong["error"] == "job 2_1 failed: srun was to start one world of 2 ranks."
    assert (strong["ranks"], strong["scaling"], strong["ms_per_step"]) == (2, "strong", None)
    assert "1 measurement not submitted, waiting or running.\n2 measurements failed" in capsys.readouterr().out
    assert base["error"] in (study / "results" / "results.md").read_text()


def test_a_refusal_of_sbatch_is_a_sentence(slurm, capsys):
    (slurm / "bin" / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: invalid partition specified: fast' >&2; exit 1\n")
    assert dycore("submit", slurm / "study", "--site", site(slurm), *SMALL) == 1
    assert "sbatch refuses the job on 1 nodes: sbatch: error: invalid partition specified: fast" in capsys.readouterr().err


# Launchers


N1, N2 = "n:0", "n:1"


@pytest.mark.parametrize("worlds, sentence", [
    ([[(N1, [0]), (N2, [0])]], None),
    ([[(N1, [0])], [(N2, [0])]], "one world of 2 ranks, and MPI sees 2 (1 + 1)"),
    ([[(N1, [0]), (N2, [0]), (N2, [1])]], "one world of 2 ranks, and MPI sees 1 (3)"),
    ([[(N1, [0]), (N1, [1])]], "2 ranks were to be on 2 nodes, and srun put them on 1 (n:0)"),
])
def test_a_launcher_that_does_otherwise_than_told_is_found(worlds, sentence):
    found = launch_check.difference("srun", worlds, ranks=2, nodes=2, threads=1)
    assert found is sentence is None or sentence in found


def test_ranks_that_share_a_core_are_found():
    places = [[(N1, [0, 1]), (N1, [1, 2])]]
    assert "ranks on node n:0 share core 1: let srun bind each rank to 2 cores" in launch_check.difference("srun", places, 2, 1, 2)


def test_a_launcher_that_cannot_start_says_why():
    assert "launcher 'no-such-launcher' could not be started" in launch_check.problem(Launcher("no-such-launcher {ranks}"), 2, 1)
    refuses = Launcher("sh -c 'echo more processors requested than permitted >&2; exit 3' {ranks}")
    assert launch_check.problem(refuses, 2, 1) == (
        "sh could not start 2 ranks (exit code 3): more processors requested than permitted")


def test_a_launcher_that_starts_every_rank_alone_ends_the_suite_before_it_measures(tmp_path, capsys):
    pytest.importorskip("mpi4py")
    program = "import subprocess, sys; [subprocess.run(sys.argv[2:]) for _ in range(int(sys.argv[1]))]"
    alone = f"{sys.executable} -c '{program}' {{ranks}}"
    assert cli.main(["bench", "--cells", "3000", "--ranks", "2", "--backends", "numpy", "--launcher", alone,
                     "--output", str(tmp_path)]) == 2
    assert "was to start one world of 2 ranks, and MPI sees 2 (1 + 1)" in capsys.readouterr().err


def test_a_launcher_gets_the_numbers_in_its_words():
    words = "go {nodes} {ranks} {ranks_per_node} {threads}"
    assert Launcher(words, nodes=2).start(ranks=7, threads=3) == ["go", "2", "7", "4", "3"]
    group = Group("baroclinic_channel", (20, 16, 32), "float64", ranks=4, launcher=Launcher(words, 2))
    assert competitor.command("numpy", group, 1, "cpu")[:5] == ["go", "2", "4", "2", "1"]
    assert competitor.missing_mpi("numpy", group, "gpu") is None
    assert groups.cores_for(group) == 2 * len(launching.allowed_cores())


def test_a_rank_takes_the_cores_and_the_gpu_of_its_place_on_the_node():
    program = "import os; print(sorted(os.sched_getaffinity(0)), os.environ['CUDA_VISIBLE_DEVICES'])"
    told = subprocess.check_output([sys.executable, "-m", "benchmarks.on_cores", "1", sys.executable, "-c", program], text=True,
                                   cwd=launching.ROOT, env=os.environ | {"SLURM_LOCALID": "1", "CUDA_VISIBLE_DEVICES": "4,5,6"})
    assert told == f"{on_cores.cores_of(1, 1, launching.allowed_cores())} 5\n"


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
                          "--backends", "numba,jax,fortran") == 0
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
        (*group, name) for group in groups for name in ("numba", "jax", "fortran")]
    for record, base in zip(records, 3 * records[:3], strict=True):
        assert (record["error"], record["nodes"], record["samples"]) == (None, record["ranks"], 1)
        ideal = base["ms_per_million_cells"] / record["ranks"]
        assert record["efficiency"] == pytest.approx(ideal / record["ms_per_million_cells"])
    for record in records[3:]:
        assert record["messages_per_step"] > 0 and record["ms_per_step_silent"] > 0.0
    assert records[6]["n_cells"] == 2 * records[0]["n_cells"] == 2 * records[3]["n_cells"]
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
