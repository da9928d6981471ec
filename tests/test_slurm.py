"""Scaling studies on a cluster: what is submitted, submitted again, and refused."""

import json
import os
import re
import subprocess
import sys

import pytest
from scaling_studies import SMALL, dycore, site

from dycore import cli
from dycore.benchmarks import competitor, groups, launch_check, launching, on_cores, slurm_queue
from dycore.benchmarks.competitor import Group
from dycore.benchmarks.launching import Launcher
from dycore.benchmarks.studies import load, pieces


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
    told = subprocess.check_output([sys.executable, "-m", "dycore.benchmarks.on_cores", "1", sys.executable, "-c", program],
                                   text=True, cwd=launching.ROOT,
                                   env=os.environ | {"SLURM_LOCALID": "1", "CUDA_VISIBLE_DEVICES": "4,5,6"})
    assert told == f"{on_cores.cores_of(1, 1, launching.allowed_cores())} 5\n"
