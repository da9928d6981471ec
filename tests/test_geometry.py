"""What a user gives for a grid means what it says, or is refused with a sentence before anything runs."""

import numpy as np
import pytest

from dycore.grid import interior, latitude_longitude, rectilinear

LEVELS = np.linspace(-400.0, 0.0, 3)
SPHERE = {"latitudes": (-90.0, 90.0), "longitudes": (0.0, 360.0)}


def region(cells=(2, 8, 10), latitudes=(10.0, 50.0), longitudes=(0.0, 40.0), interfaces=LEVELS, **others):
    return latitude_longitude(cells, interfaces=interfaces, latitudes=latitudes, longitudes=longitudes, **others)


@pytest.mark.parametrize("given, meant", [((160.0, -160.0), (160.0, 200.0)), ((350.0, 10.0), (350.0, 370.0)),
                                          ((-170, -190), (-170.0, 170.0)), (np.array([10.0, 30.0], "float32"), (10.0, 30.0))])
def test_a_western_edge_beyond_the_eastern_one_crosses_the_seam(given, meant):
    grid, right = region(longitudes=given), region(longitudes=meant)
    assert (grid.x_face[0], grid.x_face[-1]) == pytest.approx(meant, rel=1e-15)
    assert (np.diff(grid.x) > 0.0).all()
    assert (grid.metrics.area == right.metrics.area).all() and (interior(grid.metrics.area) > 0.0).all()
    assert grid.tile == right.tile


def test_a_coriolis_parameter_of_ones_own_is_asked_at_longitudes_that_increase_across_the_seam():
    grid = region(longitudes=(350.0, 10.0), coriolis=lambda longitude, latitude: longitude + 0.0 * latitude)
    f = interior(grid.metrics.coriolis)
    assert np.degrees(f[0]) == pytest.approx(350.0 + 2.0 * np.arange(10))


APART, TWO = "must be the western and the eastern edge, more than 0 and at most 360 degrees apart", "must be two finite numbers"


@pytest.mark.parametrize("arguments, sentence", [
    ({"longitudes": (10.0, 10.0)}, APART), ({"longitudes": (0.0, 720.0)}, APART), ({"longitudes": (180.0, -180.0)}, APART),
    ({"longitudes": (float("nan"), 30.0)}, "must be two finite numbers: the western and the eastern edge in degrees"),
    ({"longitudes": (0.0, np.inf)}, TWO), ({"longitudes": (0.0, 120.0, 240.0)}, TWO), ({"longitudes": 30.0}, TWO),
    ({"longitudes": "0,30"}, TWO),
    ({"latitudes": (50.0, 10.0)}, "must increase within -90..90"), ({"latitudes": (10.0, 10.0)}, "must increase within -90..90"),
    ({"latitudes": (10.0,)}, "must be two finite numbers: the southern and the northern edge"),
    ({"latitudes": (np.nan, 10.0)}, "must be two finite numbers"), ({"latitudes": (-90.0, 10.0)}, "reach one pole only"),
    ({"radius": 0.0}, "radius=0.0 must be one positive finite number (m)"),
    ({"radius": np.nan}, "radius=nan must be one positive finite number (m)"),
    ({"rotation": np.inf}, "rotation=inf must be one finite number (1/s)"),
    ({"coriolis": lambda longitude, latitude: np.zeros(3)}, "returns values of shape (3,) for longitudes (1, 16) and latitudes"),
    ({"coriolis": lambda longitude, latitude: np.nan * latitude}, "returns values that are not finite numbers"),
    ({"interfaces": [-400.0, np.nan, 0.0]}, "interfaces must be 3 increasing numbers for 2 levels"),
    ({"interfaces": [-np.inf, -400.0, 0.0]}, "interfaces must be 3 increasing numbers for 2 levels"),
    ({"interfaces": np.ma.masked_less([-400.0, -200.0, 0.0], -300.0)}, "interfaces must be 3 increasing numbers"),
    ({"interfaces": [0.0, 200.0]}, "interfaces must be 3 increasing numbers"),
    ({"interfaces": [0.0, -200.0, -400.0]}, "upwards from the sea floor as heights in m (negative below the sea surface)"),
    ({"interfaces": "surface"}, "given 'surface'"),
    ({"precision": np.float32}, "is neither 'float64' nor 'float32'"),
    ({"cells": (2, 8, 10.5)}, "are not three whole numbers"), ({"cells": (2, 8, np.inf)}, "are not three whole numbers"),
    ({"cells": "288"}, "are not three whole numbers"), ({"cells": (2, 0, 8)}, "nz, ny and nx must be at least 1"),
    (SPHERE | {"longitudes": (0.0, 90.0)}, "must span 360 degrees on a grid with poles"),
    (SPHERE | {"cells": (2, 8, 9)}, "Use an even number, or a single one"),
    (SPHERE | {"cells": (2, 2, 8)}, "2 cells in latitude do not reach from pole to pole"),
])
def test_a_region_of_the_sphere_that_makes_no_sense_is_refused(arguments, sentence):
    with pytest.raises(ValueError) as error:
        region(**arguments)
    assert sentence in str(error.value)


@pytest.mark.parametrize("arguments, sentence", [
    ({"extent": (np.nan, 1.0)}, "must be two finite numbers: the lengths in x and in y"), ({"extent": (np.inf, 1.0)}, TWO),
    ({"extent": (1.0,)}, TWO), ({"extent": (1.0, 2.0, 3.0)}, TWO), ({"extent": 1.0}, TWO),
    ({"extent": (0.0, 1.0)}, "must be two positive lengths"),
    ({"coriolis": np.nan}, "coriolis=nan must be one finite number (1/s)"),
    ({"coriolis": lambda y: 1.0e-4}, "must be one finite number"), ({"beta": np.ones(8)}, "must be one finite number (1/(m s))"),
    ({"x_boundary": "wall"}, "x_boundary='wall' is no boundary"),
])
def test_a_plane_that_makes_no_sense_is_refused(arguments, sentence):
    with pytest.raises(ValueError) as error:
        rectilinear((2, 8, 10), **{"extent": (1.0e6, 8.0e5), "interfaces": LEVELS} | arguments)
    assert sentence in str(error.value)
