"""The climate of Held and Suarez, short and coarse: jets, trades, poleward heat flux, mass."""

from conftest import create

from dycore.validation import PROGRAMS


def test_the_climate_of_held_and_suarez_is_that_of_the_pictures():
    evidence = PROGRAMS["held_suarez"](create("numba"), short=True)
    assert all(row.met for row in evidence.rows), [row for row in evidence.rows if not row.met]
    assert set(evidence.figures) == {"climate", "jets"}
