"""How runs end before their end: signals, interrupts, callbacks that fail; nothing of what was computed is lost."""

import os
import pickle
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from test_restart import STEP, same, wave

from dycore import restart, stopping
from dycore.restart import Restarts
from dycore.stopping import Interrupted, Stopped

ROOT = Path(__file__).parent.parent
RUN = ["run", "baroclinic_channel", "--cells", "4,8,6", "--backend", "numpy"]


def at_step(monkeypatch, model, wanted, action):
    """Do something when a call for steps has come to a step or beyond it."""
    usual = model.steps

    def steps(state, n):
        state = usual(state, n)
        if state.step >= wanted:
            action()
        return state

    monkeypatch.setattr(model, "steps", steps)


def test_an_interrupted_run_keeps_its_last_state_on_the_exception_and_in_a_restart(numpy_backend, monkeypatch, tmp_path):
    model, start = wave(numpy_backend)
    whole = model.steps(start, 9)
    with monkeypatch.context() as patch:
        at_step(patch, model, 3, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt, match=r"interrupted on day .* 'state' of this exception") as stop:
            model.run(start, steps=9, progress=False, restarts=Restarts(tmp_path, 1000 * STEP))
    assert isinstance(stop.value, Interrupted) and 3 <= stop.value.state.step < 9
    assert stop.value.path == restart.latest(tmp_path)
    for state in (stop.value.state, restart.read(stop.value.path, model)):
        assert same(model.steps(state, 9 - int(state.step)), whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_kept_state_stays_what_it_was_on_every_backend(backend, monkeypatch):
    """Arrays are neither handed on nor used again for later steps."""
    model, start = wave(backend)
    whole = model.gather(model.steps(start, 6))
    with monkeypatch.context() as patch:
        at_step(patch, model, 3, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt) as stop:
            model.run(start, steps=6, progress=False)
    model.steps(start, 4)
    assert same(model.gather(model.steps(stop.value.state, 6 - int(stop.value.state.step))), whole)


def test_an_interrupt_in_the_last_steps_is_not_lost(numpy_backend, monkeypatch):
    model, start = wave(numpy_backend)
    at_step(monkeypatch, model, 4, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt) as stop:
        model.run(start, steps=4, progress=False)
    assert stop.value.state.step == 4


def test_a_second_interrupt_breaks_off_at_once_and_the_state_is_kept(numpy_backend, monkeypatch):
    model, start = wave(numpy_backend)
    monkeypatch.setattr(stopping, "AGAIN", -1.0)
    at_step(monkeypatch, model, 3, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt) as stop:
        model.run(start, steps=9, progress=False)
    assert not isinstance(stop.value, Interrupted) and stop.value.state.step == 1


def test_a_handler_of_the_user_is_left_alone(numpy_backend, monkeypatch):
    model, start = wave(numpy_backend)
    came = []
    at_step(monkeypatch, model, 3, lambda: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        assert model.run(start, steps=4, progress=False).step == 4 and came
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_in_another_thread_is_as_in_the_first(numpy_backend):
    model, start = wave(numpy_backend)
    reached = []
    thread = threading.Thread(target=lambda: reached.append(model.run(start, steps=3, progress=False)))
    thread.start()
    thread.join()
    assert same(reached[0], model.steps(start, 3))


def test_a_callback_that_fails_leaves_a_restart_and_the_state(numpy_backend, tmp_path):
    model, start = wave(numpy_backend)
    with pytest.raises(ZeroDivisionError) as failed:
        model.run(start, steps=9, progress=False, restarts=Restarts(tmp_path, 1000 * STEP), stop=lambda: 1 // 0)
    assert same(restart.read(restart.latest(tmp_path), model), model.gather(failed.value.state)) and failed.value.state.step == 1


def test_a_run_that_blows_up_keeps_the_last_state_that_is_finite(numpy_backend):
    model, start = wave(numpy_backend)
    start.u[3, 5, 5] = 1.0e200
    with pytest.raises(FloatingPointError) as failed, np.errstate(all="ignore"):
        model.run(start, steps=40, progress=False)
    assert np.isfinite(failed.value.state.u).all()


def test_warnings_of_a_scheduler_end_nothing_at_once_however_often_they_come():
    with stopping.noted() as received:
        for number in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM, signal.SIGTERM):
            signal.raise_signal(number)  # the second TERM: by the launcher as well
    assert received == [signal.SIGUSR1, signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM, signal.SIGTERM]


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stopping.noted() as received:
            signal.raise_signal(signal.SIGHUP)
        assert received == [] and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


def test_a_run_whose_terminal_is_lost_leaves_a_restart(tmp_path):
    """A lost connection: HUP, and neither output nor errors can be written any more."""
    log, restarts = tmp_path / "log", tmp_path / "r"
    terminal, end = pty.openpty()
    program = ("import fcntl, sys, termios, dycore.cli; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "  # its own, as of a login
               "sys.exit(dycore.cli.main(sys.argv[1:]))")
    with subprocess.Popen([sys.executable, "-c", program, *RUN, "--steps", "10000000", "--log", str(log), "--restarts",
                           str(restarts)], stdin=end, stdout=end, stderr=end, start_new_session=True, cwd=ROOT) as ran:
        os.close(end)
        wait_for(lambda: log.exists() and "day 0." in log.read_text())
        os.close(terminal)
        assert ran.wait(timeout=60) == 128 + signal.SIGHUP
    written = restart.latest(restarts)
    assert f"stopped by SIGHUP on day {restart.all_in(restarts).popitem()[0] * 1800.0 / 86400.0:.4g} and wrote {written}" in \
        log.read_text()


def test_a_signal_before_the_first_step_is_a_sentence_with_the_command(tmp_path):
    """While libraries are loaded and the model is built; a default handler would end the process without a word."""
    program = ("import os, signal, sys, dycore.cli, dycore.commands.run as run\n"
               "usual = run.built\n"
               "run.built = lambda *each: (os.kill(os.getpid(), signal.SIGUSR1), usual(*each))[1]\n"
               "sys.exit(dycore.cli.main(sys.argv[1:]))")
    ran = subprocess.run([sys.executable, "-c", program, *RUN, "--steps", "5", "--restarts", "r"], cwd=tmp_path, text=True,
                         capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert ran.returncode == 128 + signal.SIGUSR1
    assert ran.stderr == ("dycore: stopped by SIGUSR1 before the first step and wrote nothing. Start it again with: dycore run "
                          "baroclinic_channel --cells 4,8,6 --backend numpy --steps 5 --restarts r\n")
    assert not os.listdir(tmp_path)


def test_the_package_runs_as_a_module():
    ran = subprocess.run([sys.executable, "-m", "dycore", "cases"], cwd=ROOT, text=True, capture_output=True, check=False)
    assert ran.returncode == 0 and "baroclinic_channel" in ran.stdout and not ran.stderr


def test_a_report_that_fails_leaves_the_state_and_does_not_hide_why_the_run_ended(numpy_backend):
    model, start = wave(numpy_backend)
    with pytest.raises(ZeroDivisionError) as failed:
        model.run(start, steps=2, progress=False, report=lambda report: 1 // 0)
    assert same(failed.value.state, model.steps(start, 2))
    with pytest.raises(Stopped, match="stopped on request") as stopped:
        model.run(start, steps=2, progress=False, stop=lambda: True, report=lambda report: 1 // 0)
    assert same(stopped.value.state, model.steps(start, 1)) and "ZeroDivisionError" in stopped.value.__notes__[0]


@pytest.mark.parametrize("kind", [Stopped, Interrupted])
def test_what_ends_a_run_comes_whole_out_of_a_process_of_a_pool(numpy_backend, kind):
    _, start = wave(numpy_backend)
    raised = kind(start, Path("r/restart_0000000003.npz"), 1.5)
    found = pickle.loads(pickle.dumps(raised))
    assert type(found) is kind and same(found.state, start)
    assert (found.path, found.day, str(found)) == (raised.path, 1.5, str(raised))
