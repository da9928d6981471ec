"""Grids of xgcm, for what is not here: its interpolations, derivatives, integrals and transformations along the axes of a grid."""

from __future__ import annotations

from typing import Any

from dycore.diagnostics.cells import axes, goes_round, need


def xgcm_grid(dataset: Any) -> Any:
    """An xgcm.Grid of a dataset: centres and left faces along X, Y and Z, what lies beyond the edges, lengths and areas.

        grid = diagnostics.xgcm_grid(dataset.fillna(0.0))
        grid.integrate(dataset.sea_surface_height, ("X", "Y"))

    Beyond walls all is zero, as velocities are. Raises ImportError with what to install where xgcm is missing.
    """
    try:
        import xgcm
    except ImportError:
        raise ImportError("Grids of xgcm need xgcm: pip install 'dycore[xgcm]'.") from None
    names = axes(dataset)
    need(dataset, "cell_area", "west_face_length", "south_face_length", "west_face_area", "south_face_area")
    positions = {axis: {"center": name, "left": f"{name}_face"} for axis, name in zip("XYZ", names, strict=True)}
    padding = {"X": "periodic" if goes_round(dataset, names.x) else "fill", "Y": "fill", "Z": "fill"}
    return xgcm.Grid(dataset, coords=positions, padding=padding, fill_value=0.0, autoparse_metadata=False, metrics={
        ("X",): ["south_face_length"], ("Y",): ["west_face_length"],
        ("X", "Y"): ["cell_area", "west_face_area", "south_face_area"]})
