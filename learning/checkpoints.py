"""Checkpoints of a training: all that its next step depends on, in folders of orbax that are there whole or not at all.

A process that is killed while it writes one leaves the one before. Weights and what the optimiser remembers come back to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dycore.files import WritingFailed, at_home, make_folder, why
from dycore.learning.fitting import Progress
from dycore.learning.weights import alike, in_json

KEPT = 2  # the newest so many


class Checkpoints:
    """Checkpoints in a folder, as a context manager. case: words and numbers of the training, to which they have to belong."""

    def __init__(self, folder: str | Path, case: Mapping[str, Any]):
        import orbax.checkpoint

        self.library, self.folder, self.case = orbax.checkpoint, at_home(folder).absolute(), in_json(case)
        try:
            make_folder(self.folder)
        except OSError as problem:
            raise WritingFailed(f"Checkpoints cannot be written to '{folder}': {why(problem)}.") from None
        options = self.library.CheckpointManagerOptions(max_to_keep=KEPT, enable_async_checkpointing=False,
                                                        cleanup_tmp_directories=True)
        self.manager = self.library.CheckpointManager(self.folder, options=options, item_names=("trees", "about"))

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *failure: object) -> None:
        self.manager.close()

    def newest(self, like: Progress) -> Progress:
        """The newest progress, or that given where there is none; its trees have the form of those given.

        Raises ValueError where it is of another case, or of weights and an optimiser of another form.
        """
        step = self.manager.latest_step()
        if step is None:
            return like
        arguments = self.library.args
        about = self.manager.restore(step, args=arguments.Composite(about=arguments.JsonRestore()))["about"]
        for name in sorted({*about["case"], *self.case}):
            if name not in about["case"] or name not in self.case or not alike(about["case"][name], self.case[name]):
                there, here = (repr(case.get(name, "not said")) for case in (about["case"], self.case))
                raise ValueError(f"The checkpoints in '{self.folder}' are of another training: {name} is {there} there and {here} "
                                 "here. Take another folder, or the settings of before.")
        if about["forms"] != forms(trees_of(like)):
            raise ValueError(f"The checkpoints in '{self.folder}' are of weights or an optimiser of another form. Take another "
                             "folder, or the network and optimiser of before.")
        leaves = [jax.ShapeDtypeStruct(np.shape(leaf), np.asarray(leaf).dtype) for leaf in jax.tree.leaves(trees_of(like))]
        one = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        wanted = {str(n): jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=one) for n, leaf in enumerate(leaves)}
        found = self.manager.restore(step, args=arguments.Composite(trees=arguments.StandardRestore(wanted)))["trees"]
        arrays = [found[str(n)] for n in range(len(leaves))]
        now, state, best = jax.tree.unflatten(jax.tree.structure(trees_of(like)), arrays)
        return Progress(now, state, best, about["number"], about["done"], about["losses"], about["held_out_losses"],
                        about["seconds"])

    def keep(self, progress: Progress) -> None:
        """Write a checkpoint, unless there is one of this step. Raises dycore.files.WritingFailed."""
        if self.manager.latest_step() == len(progress.losses):
            return
        leaves = {str(n): np.asarray(leaf) for n, leaf in enumerate(jax.tree.leaves(trees_of(progress)))}
        about = {"case": self.case, "forms": forms(trees_of(progress)), "number": progress.number, "done": progress.done,
                 "losses": progress.losses, "held_out_losses": progress.held_out_losses,
                 "seconds": progress.seconds}
        arguments = self.library.args
        try:
            self.manager.save(len(progress.losses), args=arguments.Composite(trees=arguments.StandardSave(leaves),
                                                                             about=arguments.JsonSave(about)))
        except OSError as problem:
            raise WritingFailed(f"A checkpoint could not be written to '{self.folder}': {why(problem)}.") from None


def trees_of(progress: Progress) -> tuple[Any, Any, Any]:
    """The trees of arrays of a progress."""
    return progress.arrays, progress.state, progress.best


def forms(trees: Any) -> list[str]:
    """Path, type and shape of each array of trees, in words."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(trees)
    return [f"{jax.tree_util.keystr(path)} {np.asarray(leaf).dtype} {list(np.shape(leaf))}" for path, leaf in leaves]
