"""Processes of the first run on a GPU: programs compiled in parallel, and parts that print what they find line by line."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

from dycore.benchmarks.competitor import Group, command, own_words
from dycore.benchmarks.launching import ROOT, allowed_cores, environment

POLL_SECONDS = 0.1
SAID = 3  # exit code of a part that has printed an error as its last result
MOST_AT_ONCE = 16  # each takes half a GB of a GPU beside its arrays


def part_command(part: str, group: Group, form: str | None = None, compile_only: bool = False) -> list[str]:
    """What starts a part of gpu_parts.py."""
    return [sys.executable, "-m", "dycore.benchmarks.gpu_parts", part, "--case", group.case,
            "--cells", ",".join(map(str, group.cells)),
            "--precision", group.precision, *(["--form", form] if form else []), *(["--compile"] if compile_only else [])]


def started(words: list[str], device: str, threads: int = 1, **options: Any) -> subprocess.Popen:
    """A process of a session of its own: what ends this program does not reach it, which is ended by this program itself."""
    return subprocess.Popen(words, cwd=ROOT, env=environment(threads, device), stdin=subprocess.DEVNULL, start_new_session=True,
                            **options)


def compile_all(programs: Iterable[tuple[str, Group, str | None]], device: str) -> Iterator[dict[str, Any]]:
    """Programs (suite, host or a part; group, form) compiled into caches, as many at once as there are cores; each as it ends."""
    waiting, running = list(programs), list[tuple[Any, ...]]()
    try:
        while waiting or running:
            while waiting and len(running) < min(MOST_AT_ONCE, len(allowed_cores())):
                kind, group, form = waiting.pop(0)
                said = tempfile.TemporaryFile()  # noqa: SIM115
                process = compiling(kind, group, form, device, stdout=said, stderr=said)
                running.append((process, said, time.monotonic(), kind, group, form))
            for each in [each for each in running if each[0].poll() is not None]:
                running.remove(each)
                process, said, begun, kind, group, form = each
                said.seek(0)
                lines = own_words(said.read().decode(errors="replace"))
                said.close()
                yield {"program": kind, "case": group.case, "cells": list(group.cells), "precision": group.precision, "form": form,
                       "seconds": time.monotonic() - begun, "error": why_it_failed(process.returncode, lines)}
            time.sleep(POLL_SECONDS)
    finally:
        for process, said, *_ in running:
            process.kill()
            process.wait()
            said.close()


def compiling(kind: str, group: Group, form: str | None, device: str, **options: Any) -> subprocess.Popen:
    """A process that compiles a program and takes a step of it at most."""
    if kind == "host":
        cores = len(allowed_cores())
        return started(command("numba", group, cores, "cpu"), "cpu", cores, **options)
    if kind == "suite":
        return started(command("jax", group, 1, device, form=form), device, **options)
    return started(part_command(kind, group, form, compile_only=True), device, **options)


def why_it_failed(code: int, lines: list[str]) -> str | None:
    """The error that a process has said, or its last words; None where it ended well."""
    said = next((line.removeprefix("error ") for line in lines if line.startswith("error ")), None)
    return said or (f"ended with exit code {code}: {lines[-1][:300] if lines else 'it said nothing'}" if code else None)


def lines_of(part: str, groups: list[Group], device: str) -> Iterator[dict[str, Any]]:
    """What a part prints of each group, a result for each line, from processes side by side; where one ends badly a last result has
    the `error`."""
    with selectors.DefaultSelector() as pipes, contextlib.ExitStack() as stack:
        for group in groups:
            complaints = stack.enter_context(tempfile.TemporaryFile())
            process = started(part_command(part, group), device, stdout=subprocess.PIPE, stderr=complaints)
            stack.callback(ended, process)
            pipes.register(process.stdout, selectors.EVENT_READ, Talk(group, process, complaints, bytearray()))  # type: ignore[arg-type]
        while pipes.get_map():
            for key, _ in pipes.select():
                talk: Talk = key.data
                received = os.read(key.fd, 65536)
                talk.unread.extend(received)
                yield from talk.results()
                if not received:
                    pipes.unregister(key.fileobj)
                    yield from talk.last_words()


class Talk(NamedTuple):
    """A process of a part, what it says elsewhere, and what it has printed of a line that has no end yet."""

    group: Group
    process: subprocess.Popen
    complaints: IO[bytes]
    unread: bytearray

    def results(self) -> Iterator[dict[str, Any]]:
        """What it has printed since."""
        *lines, rest = bytes(self.unread).split(b"\n")
        self.unread[:] = rest
        for line in lines:
            yield about(self.group) | json.loads(line)

    def last_words(self) -> Iterator[dict[str, Any]]:
        """A result that says why it ended, where it did not end well; one of its own in which it says so has code `SAID`."""
        code = self.process.wait()
        if code not in (0, SAID):
            self.complaints.seek(0)
            words = own_words(self.complaints.read().decode(errors="replace"))
            yield about(self.group) | {"error": why_it_failed(code, words)}


def ended(process: subprocess.Popen) -> None:
    """A process that is no more."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def about(group: Group) -> dict[str, Any]:
    return {"case": group.case, "cells": list(group.cells), "precision": group.precision}
