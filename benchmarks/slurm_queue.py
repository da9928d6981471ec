"""The state of jobs: what SLURM's queue and accounts say of them, and their logs once SLURM has forgotten them."""

import re
import subprocess
from pathlib import Path

from dycore.benchmarks.studies import Job, Piece, Study, measured

# How an element ends: in SLURM's words, but STOPPED and UNKNOWN, which its log says when SLURM has forgotten it.
ENDED = {
    "COMPLETED": "ended without this measurement", "FAILED": "failed", "CANCELLED": "was cancelled",
    "TIMEOUT": "was past its time limit: submit again with a longer --time", "OUT_OF_MEMORY": "ran out of memory",
    "NODE_FAIL": "lost a node", "BOOT_FAIL": "got a node that did not start", "PREEMPTED": "was preempted",
    "DEADLINE": "was past its deadline", "STOPPED": "was stopped: cancelled, or past its time limit",
    "UNKNOWN": "never started: cancelled while it waited, or lost",
}


def looked_at(study: Study) -> Study:
    """With the present state of each job, which is kept: SLURM forgets them after minutes where it has no accounting."""
    queued = in_queue()
    accounts = accounted([job.id for job in study.jobs])

    def state(job: Job, piece: int, before: str) -> str:
        element = f"{job.id}_{piece}"
        if before in ENDED and before not in ("STOPPED", "UNKNOWN"):
            return before
        together = f"{job.id}_N/A"  # all elements of an array that was cancelled while it waited
        known = next((where[name] for where in (queued or {}, accounts) for name in (element, together) if name in where), None)
        return known or (before if queued is None else said_by_log(study.folder / "logs" / f"{element}.log"))

    jobs = [job._replace(states={piece: state(job, piece, before) for piece, before in job.states.items()}) for job in study.jobs]
    if jobs != study.jobs:
        study = study._replace(jobs=jobs)
        study.save()
    return study


def in_queue() -> dict[str, str] | None:
    """State of every element that SLURM has in mind; None where it does not answer."""
    told = answer("squeue", "--me", "--array", "--noheader", "--states=all", "--format=%F_%K %T")
    return None if told is None else dict(line.split() for line in told.splitlines() if line.strip())


def accounted(jobs: list[str]) -> dict[str, str]:
    """As `in_queue`, from the accounts of a cluster that keeps them."""
    told = answer("sacct", "--allocations", "--noheader", "--parsable2", "--format=JobID,State", f"--jobs={','.join(jobs)}")
    states = (line.split("|") for line in (told or "").splitlines())
    return {re.sub(r"_\[.*", "_N/A", element): state.split()[0] for element, state in states if state}  # CANCELLED by 1000


def answer(*program: str) -> str | None:
    try:
        told = subprocess.run(program, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return None if told.returncode else told.stdout


def said_by_log(log: Path) -> str:
    """The state of a job that SLURM knows no more."""
    if not log.exists():
        return "UNKNOWN"
    code = re.search(r"^ended (\d+)$", log.read_text(), re.MULTILINE)
    if code is None or code[1] == "130":  # what the suite returns when it was interrupted
        return "STOPPED"
    return "FAILED" if int(code[1]) else "COMPLETED"


def last_job(study: Study, piece: Piece) -> tuple[str | None, str]:
    """The element that was last submitted for a piece, and its state."""
    number = piece.number
    return next(((f"{job.id}_{number}", job.states[number]) for job in reversed(study.jobs) if number in job.states),
                (None, "not submitted"))


def why(study: Study, piece: Piece, name: str) -> str | None:
    """Why there is no measurement of a competitor; None while it may still come."""
    job, state = last_job(study, piece)
    if job is None or state not in ENDED:
        return None
    log = study.folder / "logs" / f"{job}.log"
    lines = log.read_text().splitlines() if log.exists() else []
    sentence = next((line.removeprefix("dycore: ") for line in lines if line.startswith("dycore: ")), None)
    error = measured(study, piece).get(name, {}).get("error")
    if state == "FAILED" and (sentence or not error):
        words = [line for line in lines if line.strip() and not re.match(r"(started|ended) ", line)]
        return f"job {job} failed: {sentence or (words[-1][:300] if words else f'{log} says nothing')}"
    return error if state in ("COMPLETED", "FAILED") and error else f"job {job} {ENDED[state]}"
