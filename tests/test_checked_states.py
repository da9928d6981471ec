"""States that are damaged, or those of another model, are refused in a sentence wherever a model takes one."""

from dataclasses import replace

import numpy as np
import pytest
from malformed_values import CELLS, LEVELS
from test_closures import IdealAge

from dycore import Model, State, restart
from dycore.backends import on_numpy
from dycore.equations.steppers import WickerSkamarock
from dycore.fluid import Ocean
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.state import Prognostic, initial_state, leaves, map_state
from dycore.tiles import Place


def grid_of(cells=CELLS, **changes):
    return rectilinear(cells, extent=(8.0e5, 6.0e5), interfaces=LEVELS, coriolis=1.0e-4, **changes)


def start(grid, tracers=(10.0, 35.0)):
    return initial_state(grid, surface=0.1 * np.cos(np.arange(grid.cells[2])) * np.ones(grid.cells[1:]), u=0.1, tracers=tracers)


GRID, PARAMETERS = grid_of(), Parameters(Ocean(), time_step=60.0, tracer_names=("temperature", "salinity"))
MODEL, STATE = Model(GRID, PARAMETERS, on_numpy), start(GRID)
PAST = STATE.history[0]


def tracers(*fields):
    return STATE._replace(tracers=fields)


def history(past):
    return STATE._replace(history=(past, past))


DAMAGED = [  # a state, and words of the sentence that refuses it
    (None, "must be a dycore.state.State"), (tuple(STATE), "must be a dycore.state.State"),
    (start(grid_of((4, 6, 10))), r"u has shape \(8, 12, 16\), but this grid needs \(8, 12, 14\)"),
    (start(grid_of(precision="float32")), "u of the state is of the type float32, but this model computes in float64"),
    (start(GRID, (10.0,)), "has 1 tracers, but parameters.tracer_names names 2"), (tracers(), "has 0 tracers, but"),
    (STATE._replace(tracers=None), "has None in place of a tuple of tracers"),
    (STATE._replace(tracers=list(STATE.tracers)), "in place of a tuple of tracers"),
    (tracers(STATE.tracers[0], None), "tracer salinity of the state is None, and must be an array"),
    (tracers(STATE.surface, STATE.tracers[1]), r"tracer temperature has shape \(12, 14\)"),
    (STATE._replace(u=interior(STATE.u)), r"u has shape \(4, 6, 8\)"), (STATE._replace(v=STATE.v.T), r"v has shape \(14, 12, 8\)"),
    (STATE._replace(w=0.0), "w of the state is 0.0, and must be an array"),
    (STATE._replace(u=STATE.u.tolist()), "u of the state is"), (STATE._replace(u=(STATE.u,)), "u of the state is a tuple"),
    (STATE._replace(surface=STATE.u), "surface has shape"),
    (STATE._replace(surface=np.zeros((1, 1))), r"surface has shape \(1, 1\)"),
    *((STATE._replace(u=STATE.u.astype(kind)), f"u of the state is of the type {name}") for kind, name in (
        (int, "int64"), (bool, "bool"), (complex, "complex128"), (object, "object"), ("M8[s]", "datetime64"), (str, "<U"),
        ("f2", "float16"), (">f8", ">f8"))),
    (tracers(np.ma.masked_greater(STATE.tracers[0], 5.0), STATE.tracers[1]), "tracer temperature of the state has values that are "
                                                                             "masked"),
    (STATE._replace(closure=None), "has None in place of a tuple of fields of closures"),
    (STATE._replace(closure=(STATE.u,)), "has 1 fields of closures, but those of the parameters have 0: none"),
    (STATE._replace(history=()), "has no history, which Adams-Bashforth needs"), (STATE._replace(history=None), "has no history"),
    (STATE._replace(history=(PAST,)), "history of the state is not that of 2 steps"),
    (history(None), "history of the state is not"), (history(tuple(PAST)), "history of the state is not"),
    (history(PAST._replace(tracers=PAST.tracers[:1])), "with 2 tracers each"),
    (history(PAST._replace(surface=PAST.surface[1:])), r"surface, one step before has shape \(11, 14\)"),
    (history(PAST._replace(tendency_u=None)), "tendency of u, one step before of the state is None"),
    *((STATE._replace(step=step), "step of the state is") for step in (None, -1, 0.5, "1", np.nan, True, np.array([1, 2]), [1])),
    *((STATE._replace(time=time), "time of the state is") for time in (None, "0", np.zeros(3), 1j)),
    (STATE._replace(time=np.nan), "not 0 of the time steps of this model of 60 s"),
    (STATE._replace(time=1.0e9), r"at step 0 and 1e\+09 s, which are not 0 of the time steps of this model of 60 s"),
    (Model(GRID, replace(PARAMETERS, time_step=90.0), on_numpy).steps(STATE, 2), "at step 2 and 180 s, .* another time step"),
]
TAKERS = {
    "steps": lambda state: MODEL.steps(state, 1), "step": MODEL.step, "pure_step": MODEL.pure_step, "gather": MODEL.gather,
    "run": lambda state: MODEL.run(state, steps=1, progress=False), "dataset": MODEL.dataset, "traffic": MODEL.traffic,
    "restart": lambda state: restart.write("x.npz", MODEL, state), "check_state": MODEL.check_state,
}


@pytest.mark.parametrize("taker", TAKERS)
def test_a_state_that_is_damaged_or_of_another_model_is_refused_in_a_sentence(taker):
    for state, words in DAMAGED:
        with pytest.raises((ValueError, TypeError), match=words) as refused:
            TAKERS[taker](state)
        assert 40 < len(str(refused.value)) < 400 and str(refused.value).endswith("."), refused.value


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(leaves(one), leaves(other), strict=True))


@pytest.mark.parametrize("dress", [np.asfortranarray, lambda array: np.broadcast_to(array, array.shape), np.ma.array,
                                   lambda array: np.repeat(array, 2, axis=-1)[..., ::2]],
                         ids=["Fortran order", "read-only", "masked nowhere", "not contiguous"])
def test_arrays_in_another_dress_give_the_same_state_and_stay_as_they_were(dress):
    given = map_state(lambda array: dress(array.copy()), STATE)
    assert same(MODEL.steps(given, 3), MODEL.steps(STATE, 3))
    assert same(map_state(np.asarray, given), STATE)


def test_a_state_goes_on_with_another_time_step_by_way_of_a_restart_or_from_the_beginning(tmp_path):
    other = Model(GRID, replace(PARAMETERS, time_step=30.0), on_numpy)
    reached = MODEL.steps(STATE, 3)
    with pytest.raises(ValueError, match=r"at step 3 and 180 s, which are not 3 of the time steps of this model of 30 s"):
        other.steps(reached, 1)
    state = restart.read(restart.write(tmp_path / "x.npz", MODEL, reached), other)
    assert (state.step, state.time) == (6, 180.0) and other.steps(state, 2).time == 240.0
    assert other.steps(STATE, 2).time == 60.0


def test_a_state_of_adams_bashforth_goes_on_with_runge_kutta_and_its_history_is_not_looked_at():
    model = Model(GRID, replace(PARAMETERS, stepper=WickerSkamarock()), on_numpy)
    assert same(model.steps(STATE, 2), model.steps(STATE._replace(history=None), 2))


@pytest.mark.parametrize("name, damaged", [
    ("w", STATE._replace(w=np.where(STATE.w == 0.0, np.nan, 0.0))),
    ("tendency of v, one step before", history(PAST._replace(tendency_v=np.full_like(PAST.tendency_v, np.inf))))])
def test_a_run_from_what_is_no_number_in_any_part_says_where_and_not_that_steps_are_too_long(name, damaged):
    with pytest.raises(FloatingPointError, match=rf"{name} is no longer a finite number at step 0 .* mend the state"):
        MODEL.run(damaged, steps=1, progress=False)


def test_any_state_can_be_printed():
    for state, _ in DAMAGED:
        assert not isinstance(state, State) or repr(state).startswith("State at step ")
    assert "tracer 0  Prognostic(" in repr(MODEL.layout)


@pytest.mark.parametrize("given", [np.full(3, 1.0), np.ma.masked_less(np.arange(4.0), 2.0), np.nan, "5", -1.0])
def test_what_a_closure_starts_with_is_looked_at_when_a_model_is_made(given):
    class Aged(IdealAge):
        prognostics = (Prognostic("ideal_age", Place.CENTER, "s", minimum=0.0, start=given),)

    with pytest.raises(ValueError, match="The start of ideal_age "):
        Model(GRID, replace(PARAMETERS, closures=(Aged(),)), on_numpy)


def test_a_restart_knows_a_fluid_by_its_fields_however_they_are_given(tmp_path):
    def model(expansion):
        return Model(GRID, replace(PARAMETERS, fluid=Ocean(thermal_expansion=expansion)), on_numpy)

    plane = 2.0e-4 + 1.0e-6 * np.arange(48.0).reshape(6, 8)
    path = restart.write(tmp_path / "x.npz", model(plane), STATE)
    for same_plane in (plane.tolist(), np.ma.array(plane), np.asfortranarray(plane)):
        assert same(restart.read(path, model(same_plane)).tracers, STATE.tracers)
    with pytest.raises(ValueError, match=r"thermal expansion of the fluid \[5, 7\] is 0.000247 there and 0.000248 in the model"):
        restart.read(path, model(np.where(np.arange(48).reshape(6, 8) == 47, 2.48e-4, plane)))
    with pytest.raises(ValueError, match=r"thermal expansion of the fluid is 0.0002 there and a field of shape \(6, 8\)"):
        restart.read(restart.write(tmp_path / "y.npz", MODEL, STATE), model(plane))
