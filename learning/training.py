"""Training that is seen, and that goes on where it was killed: `fit` with checkpoints, a progress bar and a learning curve.

    found = train(loss, network, shuffled(windows, size=16, seed=0), optax.adam(1e-3), "training", passes=20, held_out=held_out,
                  patience=5)

The same call again goes on from the newest checkpoint in the folder, bit for bit as if it had not stopped: batches have to follow
from the number of their pass, as those of `shuffled` do. Where the training is at its end it returns what was found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import optax

from dycore.files import WritingFailed, whole, why
from dycore.inputs.given import check_function, check_switch, integer, shown
from dycore.learning.checkpoints import Checkpoints
from dycore.learning.fitting import Fit, Progress, advanced, begun, result
from dycore.running.progress import LOG, tell

CURVE = "learning_curve.png"


def train(loss: Callable[[Any, Any], Any], network: Any, batches: Any, optimiser: optax.GradientTransformation,
          folder: str | Path, *, passes: int = 1, held_out: Iterable[Any] = (), every: int = 100, patience: int | None = None,
          case: Mapping[str, Any] | None = None, progress: bool = True) -> Fit:
    """Weights of a network that make the loss small (`fit`), with checkpoints and a learning curve in a folder.

    batches: as for `fit`, or a function of the number of a pass, from 1, that gives its batches. every: steps from one checkpoint
    to the next; there is one at the end of each pass too. patience: passes without a lower held-out loss after which training
    stops. case: words and numbers on which the training depends, such as its settings; a folder of another one is refused.
    progress: whether a bar, or lines where there is no terminal, are shown.

    Raises ValueError, TypeError and FloatingPointError as `fit` does, ValueError for a folder of another training, and
    dycore.files.WritingFailed.
    """
    passes, every = integer("passes", passes, 1), integer("every", every, 1)
    check_switch("progress", progress)
    if callable(batches):
        check_function("batches", batches, "number")
    elif not isinstance(batches, Iterable):
        raise ValueError(f"batches={shown(batches)} must be batches, or a function of the number of a pass that gives them.")
    held_out = list(held_out)
    if patience is not None:
        patience = integer("patience", patience, 1)
        if not held_out:
            raise ValueError(f"patience={patience} is for the loss of batches held out, and there are none. Give held_out.")
    programs, start, rest = begun(loss, network, optimiser)
    with ExitStack() as stack:
        checkpoints = stack.enter_context(Checkpoints(folder, {} if case is None else case))
        show = stack.enter_context(Bar(passes, progress))

        def after(now: Progress) -> None:
            show.advance(now)
            if not now.done or len(now.losses) % every == 0:
                checkpoints.keep(now)

        end = advanced(programs, checkpoints.newest(start), batches, passes, held_out, patience, after)
    found = result(end, rest)
    draw_learning_curve(found, Path(checkpoints.folder) / CURVE)
    return found


class Bar:
    """Context manager of a bar for passes on a terminal, and of lines elsewhere and in the log."""

    def __init__(self, passes: int, wanted: bool):
        self.passes, self.wanted = passes, wanted
        self.bar: Any = None

    def __enter__(self) -> Bar:
        if self.wanted and sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self.bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True))
            self.task = self.bar.add_task("the first step is compiled", total=None)
            self.bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def advance(self, now: Progress) -> None:
        """Show how far the training is."""
        number, steps = now.number - (not now.done), len(now.losses)
        line = f"pass {number} of {self.passes}, step {steps}, loss {now.losses[-1]:.4g}"
        if len(now.held_out_losses):
            line = f"{line}, held out {now.held_out_losses[-1]:.4g}"
        if self.bar is not None:
            before = steps - now.done
            total = round(before / (now.number - 1) * self.passes) if now.number > 1 else None  # known after the first pass
            self.bar.update(self.task, completed=steps, total=total, description=line)
        if not now.done:
            LOG.info(line)
            if self.wanted and self.bar is None:
                tell(line, sys.stderr)


def draw_learning_curve(found: Fit, path: str | Path) -> None:
    """Picture of losses of all steps, of their means over passes, and of what was held out. Raises dycore.files.WritingFailed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, 1 + len(found.losses)), found.losses, color="0.7", lw=0.7, label="each step")
    if len(found.held_out_losses) > 1:
        ends = [len(found.losses) * n / (len(found.held_out_losses) - 1) for n in range(len(found.held_out_losses))]
        axes.plot(ends, found.held_out_losses, "C1.-", label="held out, after each pass")
    if (found.losses > 0.0).all():
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    try:
        with whole(Path(path)) as partial:
            figure.savefig(partial, format="png", dpi=110)
    except OSError as problem:
        raise WritingFailed(f"The learning curve could not be drawn in '{path}': {why(problem)}.") from None
