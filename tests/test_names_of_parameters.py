"""No parameter is lost between records and the command line: what cannot be set there is named here."""

from dataclasses import fields
from inspect import signature

import pytest

from dycore import cases, printing
from dycore.backends import on_numpy
from dycore.commands.settings import SETTINGS, Given, case_parameters, converted, model_parameters
from dycore.fluid import Atmosphere, Ocean
from dycore.model import Model
from dycore.parameters import Mixing, Parameters
from dycore.running.identity import identity

RECORDS_AND_SCHEMES = {"fluid", "tracer_names", "tracer_face", "vertical_face", "advection", "friction", "surface_stress",
                       "vertical_mixing", "eddies", "closures", "open_boundaries", "forcing", "stepper"}


def test_every_field_of_parameters_can_be_set_on_the_command_line_or_is_a_record_or_a_scheme():
    held = {field.name for field in fields(Parameters)}
    assert held == {*model_parameters()} | RECORDS_AND_SCHEMES | (held & {*SETTINGS})
    assert not {*model_parameters()} & RECORDS_AND_SCHEMES


@pytest.mark.parametrize("case", cases.CASES.values(), ids=cases.CASES)
def test_every_argument_of_a_case_can_be_set_on_the_command_line(case):
    assert {*signature(case).parameters} == {*case_parameters(case)} | ({*signature(case).parameters} & {*SETTINGS})


@pytest.mark.parametrize("name, text, value", [
    ("substeps", "30", 30), ("diffusivity", "100", 100.0), ("diffusivity", "none", None), ("biharmonic_diffusion", "true", True),
    ("polar_filter", "45", 45.0), ("polar_filter", "none", None), ("polar_damping", "7200", 7200.0),
    ("extrapolated_pressure", "0.2", 0.2)])
def test_every_number_of_parameters_takes_its_values_as_text(name, text, value):
    found = converted("baroclinic_channel", cases.baroclinic_channel, {name: Given(f"--set {name}={text}", text)})
    assert found == {name: value} and name in model_parameters() and type(found[name]) is type(value)


def test_every_number_that_can_be_set_was_tried_above():
    (marked,) = test_every_number_of_parameters_takes_its_values_as_text.pytestmark
    assert {name for name, *_ in marked.args[1]} == {*model_parameters()}


def test_every_field_that_differs_from_its_default_is_printed():
    parameters = cases.baroclinic_channel((4, 6, 8))[1]
    printed = dict(printing.of_parameters(parameters).rows)
    defaults = {field.name: field.default for field in fields(Parameters)}
    for name in ("time_step", "substeps", "tracer_names", "friction", "diffusivity", "surface_stress"):
        assert getattr(parameters, name) is not defaults[name] and name.replace("_", " ") in printed
    assert printed["friction"].startswith("Mixing(divergence=") and {field.name for field in fields(Mixing)} >= {"share", "no_slip"}


@pytest.mark.parametrize("case, fluid", [(cases.baroclinic_channel, Ocean), (cases.held_suarez, Atmosphere)])
def test_a_restart_knows_every_part_of_its_fluid(case, fluid):
    grid, parameters, _ = case((6, 6, 8))
    found = identity(Model(grid, parameters, on_numpy))
    assert {f"{name.replace('_', ' ')} of the fluid" for name in fluid._fields if name != "rest"} <= {*found}
