"""Arguments of another kind than a function's annotations say: a sentence before it begins, and no fault hidden by one."""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from dycore import Model, State, cases
from dycore.backends import on_numpy
from dycore.inputs.checked_arguments import checked
from dycore.inputs.own_errors import is_raised_by_dycore

GRID, PARAMETERS, START = cases.barotropic_gyre((1, 6, 8))
MODEL = Model(GRID, PARAMETERS, on_numpy)


@checked
def asked(model: Model = MODEL, states: Sequence[State] = (), path: str | Path = "x", number: float = 1.0, steps: int = 1,
          function: Callable[[State], Any] | None = None, weights: Mapping[str, float] | None = None, plain: bool = True,
          values: np.ndarray | None = None, anything: Any = None, cell: tuple[int, int] = (0, 0)) -> str:
    raise KeyError("fault")


@pytest.mark.parametrize("name, value", [
    ("model", MODEL), ("states", [START]), ("states", iter([START])), ("path", Path("x")), ("path", PurePosixPath("x")),
    ("number", 3), ("number", np.float32(2.0)), ("number", -np.inf), ("steps", 3.0), ("steps", np.int8(3)),
    ("function", None), ("function", len), ("weights", {"a": 1.0}),
    ("plain", np.True_), ("values", np.zeros(3)), ("anything", object()), ("cell", [1, 2])])
def test_a_fault_with_what_fits_is_not_hidden(name, value):
    with pytest.raises(KeyError, match="fault"):
        asked(**{name: value})


@pytest.mark.parametrize("name, value, sentence", [
    ("model", START, "must be a dycore.model.Model."), ("states", START, "must be a list, each of it a dycore.state.State."),
    ("states", [START, 3], "must be a list, each of it a dycore.state.State."), ("states", "abc", "must be a list"),
    ("path", 3, "path=3 must be text or a path."), ("number", "3", "number='3' must be a number."),
    ("number", float("nan"), "number=nan must be a number."), ("number", True, "number=True must be a number."),
    ("steps", 2.5, "steps=2.5 must be a whole number."), ("function", 3, "function=3 must be a function or None."),
    ("weights", [1.0], "must be a dictionary or None."), ("plain", "no", "plain='no' must be True or False."),
    ("values", "abc", "values='abc' must be an array or None."), ("cell", (1, 2, 3), "must be a tuple of a whole number, a whole")])
def test_what_does_not_fit_is_said_with_what_to_give(name, value, sentence):
    with pytest.raises(ValueError) as raised:
        asked(**{name: value})
    assert str(raised.value).startswith(f"{name}=") and sentence in str(raised.value)


def test_arguments_that_a_function_does_not_have_are_told_by_python():
    with pytest.raises(TypeError, match="unexpected keyword argument 'sates'"):
        asked(sates=[START])


def test_functions_of_learning_refuse_what_is_of_another_kind():
    learning = pytest.importorskip("dycore.learning")
    functions = [each for name in learning.__all__ if not isinstance(each := getattr(learning, name), type)]
    asking = [each for each in functions if each.__annotations__.get("model") == "Model"]
    assert len(asking) > 10
    for function in asking:
        needed = [each.name for each in signature(function).parameters.values() if each.default is each.empty
                  and each.kind is not each.VAR_POSITIONAL]
        with pytest.raises((TypeError, ValueError), match=r"'nothing'|nothing") as raised:
            function(**dict.fromkeys(needed, "nothing"))
        assert is_raised_by_dycore(raised.tb)
