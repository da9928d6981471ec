"""A box of fluid that is folded along its middle row, as tripolar grids are, moves as it does unfolded."""

import dataclasses

import numpy as np
import pytest
from conftest import create
from folded_boxes import differences, folded, on_folded, pair, unfolded

from dycore import Model
from dycore.backends.halos import substeps_that_fit
from dycore.closures import TurbulentKineticEnergy
from dycore.decomposition import divide
from dycore.equations import advection
from dycore.equations.eddies import Eddies
from dycore.equations.momentum_weno import weno
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior
from dycore.halo_sources import fill_halo
from dycore.parameters import Mixing, Parameters
from dycore.tiles import HALO, Boundary, Halo, Place, Tile
from dycore.time_series import TimeSeries

WATER = Parameters(fluid=shallow_water(9.81), time_step=50.0, tracer_names=("tracer", "one"), tracer_face=advection.centred)
OCEAN = Parameters(fluid=Ocean(), time_step=200.0, tracer_names=("temperature", "salinity"), tracer_face=advection.weno5,
                   substeps=12, friction=Mixing(divergence=100.0, vorticity=100.0))
ONE, THREE = np.array([-1000.0, 0.0]), np.array([-1000.0, -600.0, -200.0, 0.0])


def sloping(random):
    """A bottom of a box that is nowhere the same."""
    return -1000.0 + 700.0 * random.random((14, 10))


def both(parameters, interfaces, random, backend, steps, **options):
    """(box, state of it, folded grid, its first and its last state) after so many steps."""
    (box, before), (fold, begin) = pair(parameters, interfaces, random, **options)
    return (box, Model(box, parameters, backend).steps(before, steps), fold, begin,
            Model(fold, parameters, backend).steps(begin, steps))


CHANGES = {
    "centred": {}, "upwind3": {"tracer_face": advection.upwind3}, "weno5": {"tracer_face": advection.weno5},
    "weno momentum": {"advection": weno}, "harmonic friction": {"friction": Mixing(divergence=100.0, vorticity=100.0)},
    "biharmonic friction": {"friction": Mixing(divergence=1.0e9, vorticity=1.0e9, biharmonic=True)},
    "no slip": {"friction": Mixing(divergence=100.0, vorticity=100.0, no_slip=True)},
    "stages": {"stepper": WickerSkamarock()}, "diffusion": {"diffusivity": 100.0},
    "biharmonic diffusion": {"diffusivity": 1.0e9, "biharmonic_diffusion": True},
}


@pytest.mark.parametrize("name", CHANGES)
def test_shallow_water_in_a_folded_box_is_that_in_the_box(name, numpy_backend, random):
    parameters = dataclasses.replace(WATER, **CHANGES[name])
    box, there, fold, begin, here = both(parameters, ONE, random, numpy_backend, 30)
    assert max(differences(box, there, here).values()) < 1e-14, differences(box, there, here)
    one = interior(np.asarray(here.tracers[1]))[:, :-1]
    assert np.abs(one - 1.0).max() < 1e-13

    def content(state, tracer):
        depth = 1000.0 + interior(np.asarray(state.surface))
        return (fold.area * depth * interior(np.asarray(state.tracers[tracer]))[0]).sum()

    assert content(here, 1) == pytest.approx(content(begin, 1), rel=1e-14)
    assert content(here, 0) == pytest.approx(content(begin, 0), rel=1e-14)


@pytest.mark.parametrize("changes", [{}, {"stepper": WickerSkamarock()}, {"eddies": Eddies(50.0, 50.0, 2.0e-3)},
                                     {"vertical_mixing": VerticalMixing(TurbulentKineticEnergy(), quadratic_drag=2.5e-3)}], ids=str)
def test_an_ocean_of_partial_cells_in_a_folded_box_is_that_in_the_box(changes, numpy_backend, random):
    parameters = dataclasses.replace(OCEAN, **changes)
    box, there, _, _, here = both(parameters, THREE, random, numpy_backend, 10, bottom=sloping(random), partial_cells=0.2)
    assert max(differences(box, there, here).values()) < 2e-14, differences(box, there, here)


@pytest.mark.parametrize("mixing", [None, VerticalMixing(TurbulentKineticEnergy())], ids=["", "fed by the wind"])
def test_wind_pushes_the_water_on_the_fold(mixing, numpy_backend, random):
    """Whose faces are there twice, and have one stress."""
    stress = [0.1 * random.standard_normal((14, 10)) for _ in range(2)]
    stress[0][:, 0], stress[1][0] = 0.0, 0.0
    parameters = dataclasses.replace(OCEAN, vertical_mixing=mixing)
    (box, before), (fold, begin) = pair(parameters, THREE, random)
    on_fold = tuple(on_folded(part, place, box) for part, place in zip(stress, (Place.WEST_FACE, Place.SOUTH_FACE), strict=True))
    there = Model(box, dataclasses.replace(parameters, surface_stress=tuple(stress)), numpy_backend).steps(before, 8)
    here = Model(fold, dataclasses.replace(parameters, surface_stress=on_fold), numpy_backend).steps(begin, 8)
    calm = Model(fold, parameters, numpy_backend).steps(begin, 8)
    assert max(differences(box, there, here).values()) < 2e-14, differences(box, there, here)
    assert np.abs(interior(np.asarray(here.v))[:, -1] - interior(np.asarray(calm.v))[:, -1]).max() > 1e-6
    series = TimeSeries(np.array([0.0, 1.0e6]), np.stack([on_fold[1]] * 2))
    again = Model(fold, dataclasses.replace(parameters, surface_stress=(on_fold[0], series)), numpy_backend).steps(begin, 8)
    assert max(differences(box, there, again).values()) < 2e-14


@pytest.mark.parametrize("name", ["numba", "jax"])
def test_a_folded_box_is_the_same_on_every_backend(name, numpy_backend, random):
    """Bit for bit under Numba, to round-off under XLA."""
    pytest.importorskip(name)
    parameters = dataclasses.replace(WATER, substeps=6, tracer_names=("tracer",), tracer_face=advection.weno5)
    _, (fold, begin) = pair(parameters, ONE, random)
    there = Model(fold, parameters, numpy_backend).steps(begin, 6)
    here = Model(fold, parameters, create(name)).steps(begin, 6)
    for one, other in ((there.u, here.u), (there.v, here.v), (there.surface, here.surface), (there.tracers[0], here.tracers[0])):
        apart = np.abs(interior(np.asarray(one)) - interior(np.asarray(other))).max()
        assert apart == 0.0 if name == "numba" else apart < 1e-12


def test_velocities_on_the_fold_are_those_of_its_western_half(numpy_backend, random):
    """Whatever is given on the eastern half, and on the cells of the fold row."""
    (_, _), (fold, _) = pair(WATER, ONE, random)
    values = {place: random.standard_normal((8, 20)) for place in Place}
    for place, given in values.items():
        array = np.full(fold.tile.region.padded[1:], np.nan)
        interior(array)[...] = given
        fill_halo(fold.tile, place, array)
        for m in range(1 if place is Place.SOUTH_FACE else 0, HALO + 1):
            row = interior(array)[7 - m] if place is Place.SOUTH_FACE else interior(array)[6 - m]
            there = array[HALO + 7 + m, HALO:-HALO]
            turned = np.roll(row[::-1], 1) if place is Place.WEST_FACE else row[::-1]
            assert (there == (-turned if place.is_vector else turned)).all(), (place, m)
        assert np.isfinite(array).all()
    on_fold = fill_halo(fold.tile, Place.SOUTH_FACE, np.pad(values[Place.SOUTH_FACE], HALO))[HALO + 7, HALO:-HALO]
    assert (on_fold[:10] == values[Place.SOUTH_FACE][7, :10]).all() and (on_fold[10:] == -on_fold[:10][::-1]).all()


def test_a_length_has_the_same_sign_beyond_the_fold(random):
    grid = folded(unfolded(ONE, 7, 10))
    values = 1.0 + random.random((8, 20))
    for place in (Place.WEST_FACE, Place.SOUTH_FACE):
        as_vector, as_length = (fill_halo(grid.tile, place, np.pad(values, HALO), turns=turns) for turns in (True, False))
        assert (np.abs(as_vector) == as_length).all() and (as_length[HALO + 1:] > 0.0).all()
    assert Halo(grid.tile, Place.CENTER).turns


def test_parts_that_are_too_small_for_the_fold_are_refused_with_what_would_work():
    whole = Tile((1, 21, 24), Boundary.PERIODIC, Boundary.FOLD)
    with pytest.raises(ValueError, match=r"processes=5,1 leave 4 rows .* at least 5 and 3 where they are split\. Use 1,5"):
        divide(whole, 5, (5, 1), 0)
    with pytest.raises(ValueError, match=r"substeps_together=4 .* the smallest part is 3 cells wide"):
        substeps_that_fit(whole._replace(processes=(4, 1)), 30, 4)


def test_a_wide_halo_beyond_the_fold_holds_what_lies_there(random):
    """Of lengths at faces, which do not turn, as the barotropic substeps of several processes read them."""
    whole, wide = Tile((1, 21, 24), Boundary.PERIODIC, Boundary.FOLD), 7
    for place, on_face in ((Place.CENTER, 0), (Place.WEST_FACE, 0), (Place.SOUTH_FACE, 1)):
        values = fill_halo(whole._replace(halo=(wide, wide)), place, np.pad(random.random((21, 24)), wide), turns=False)
        for m in range(1, wide):
            there, here = values[wide + 20 + m, wide:-wide], values[wide + 19 - m + on_face, wide:-wide]
            assert (there == (np.roll(here[::-1], 1) if place is Place.WEST_FACE else here[::-1])).all(), (place, m)


def test_a_sum_over_the_domain_counts_no_image(numpy_backend, random):
    box = unfolded(ONE, 7, 10)
    grid, values = folded(box), random.standard_normal((1, 14, 10))
    array = np.zeros(grid.tile.region.padded)
    interior(array)[...] = on_folded(values, Place.CENTER, box)
    assert numpy_backend.total(grid.tile, array) == pytest.approx(values.sum(), rel=1e-12)
