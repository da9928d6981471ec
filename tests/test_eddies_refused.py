"""Eddies are refused, in a sentence with the numbers, where they make no sense or no step with them would be stable."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import channel

from dycore import Model, cases
from dycore.backends import on_numpy
from dycore.closures import Visbeck
from dycore.equations.eddies import Eddies
from dycore.fluid import Ocean, shallow_water
from dycore.grid import rectilinear
from dycore.parameters import Parameters
from dycore.vertical import uniform

BOTH = Eddies(1000.0, 1000.0, 5.0e-3)


def parameters(**changes):
    """Parameters of an ocean with eddies."""
    names = "temperature", "salinity"
    return replace(Parameters(Ocean(), time_step=600.0, substeps=24, tracer_names=names, eddies=BOTH), **changes)


@pytest.mark.parametrize("change, sentence", [
    ({"eddies": Eddies()}, "eddies has neither a neutral_diffusivity nor"),
    ({"eddies": 1000.0}, "eddies=1000.0 must be a dycore.equations.eddies.Eddies"),
    ({"eddies": Eddies(-1.0)}, "eddies.neutral_diffusivity=-1.0 must be a number that is not negative"),
    ({"eddies": Eddies(1.0, "fast")}, "eddies.transport_diffusivity='fast' must be a number"),
    ({"eddies": Eddies(np.ones(3))}, r"eddies.neutral_diffusivity.*3"),
    ({"eddies": Eddies(1.0, greatest_slope=0.0)}, "eddies.greatest_slope=0.0 must be a number above zero"),
    ({"eddies": Eddies(Visbeck(least=9.0, greatest=3.0))}, "eddies.neutral_diffusivity.least=9 m2/s is more than its greatest=3"),
    ({"eddies": Eddies(Visbeck(alpha=-1.0))}, "eddies.neutral_diffusivity.alpha=-1.0 must be a finite number"),
    ({"fluid": shallow_water()}, "the buoyancy of this fluid reads no tracer"),
    ({"eddies": Eddies(2e6, greatest_slope=0.02)}, r"greatest_slope=0.02 is too steep: with neutral_diffusivity=2e\+06 m2/s, "
     r"cells of 1e\+05 m, levels 568.2 m apart and time_step=600 s slopes may be at most dx d_e / \(4 kappa dt\) = 0.0118"),
    ({"eddies": Eddies(1e8)}, "diffusion by unresolved eddies along the levels allows at most")])
def test_what_makes_no_sense_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        Model(channel((4, 5, 6)), parameters(**change), on_numpy)


def test_an_atmosphere_one_level_and_levels_that_follow_the_bottom_are_refused():
    grid, of_air, _ = cases.baroclinic_wave((3, 6, 8))
    with pytest.raises(ValueError, match="eddies is for an ocean, and fluid is Atmosphere"):
        Model(grid, replace(of_air, eddies=BOTH), on_numpy)
    bottom = np.full((5, 6), -4000.0)
    bottom[2, 3] = -3000.0
    for cells, options, sentence in (((4, 5, 6), {"bottom": bottom, "terrain_following": True}, "not for terrain_following levels"),
                                     ((1, 5, 6), {}, "a grid of one level knows no stratification")):
        grid = rectilinear(cells, extent=(1.0e6, 5.0e5), interfaces=uniform(cells[0], -4000.0, 0.0), **options)
        with pytest.raises(ValueError, match=sentence):
            Model(grid, parameters(), on_numpy)
