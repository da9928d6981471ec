"""Model cards: what a saved model is, of what it was trained and how, how good it is, and what it is not for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dycore.files import WritingFailed, whole, why
from dycore.learning.weights import arrays_of, versions
from dycore.validation.evidence import Row, device


def number_of_weights(tree: Any) -> int:
    """How many numbers the arrays of a tree hold."""
    return sum(int(np.size(each)) for each in arrays_of(tree).values())


def write_card(path: Path, model: str, about: str, data: str, training: Sequence[str], seed: int, rows: Sequence[Row],
               limits: str) -> None:
    """Write the card of a file: paragraphs, a table of the training, and rows of skill.

    Raises dycore.files.WritingFailed.
    """
    lines = [
        f"# Model card: {model}", "", about, "", "## Data", "", data, "", "## Training", "",
        *training, "",
        f"On {device()}; {', '.join(f'{name} {version}' for name, version in versions().items())}; seed {seed}.", "",
        "## Skill", "", "| | reference | ours | accepted | |", "|---|---|---|---|---|",
        *(f"| {row.quantity} | {row.published} | {row.ours:.4g} | {row.tolerance} | {'met' if row.met else 'not met'} |"
          for row in rows), "", "## Use and limits", "", limits, ""]
    try:
        with whole(path) as partial:
            partial.write_text("\n".join(lines))
    except OSError as problem:
        raise WritingFailed(f"The model card could not be written to '{path}': {why(problem)}.") from None
