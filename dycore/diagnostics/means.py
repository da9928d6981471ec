"""Means along parallels and over areas, of what is not land."""

from __future__ import annotations

from typing import Any

from dycore.diagnostics.cells import alone, along, axes, check_region, is_air, need
from dycore.inputs.given import check_labelled, shown


def zonal_mean(field: Any, region: Any = None) -> Any:
    """Mean along rows of a field (xarray.DataArray), of what is not land (NaN); NaN where a row is all land.

    `region`: True [y, x] where values count, at the places of the field. Faces and cells of a row are equally wide, so that it is
    a mean over area. Raises ValueError for a field without a dimension along x, and on a rotated grid.
    """
    check_labelled("field", field)
    x = along(field, "X")
    if x is None or x not in field.dims:
        raise ValueError(f"field={shown(getattr(field, 'name', None))} has no dimension along x: its dimensions are "
                         f"{', '.join(map(str, field.dims))}.")
    if x.startswith("grid_longitude"):
        raise ValueError("A zonal mean is along parallels, and the rows of this rotated grid are none: interpolate the field to "
                         "latitudes first, for example with xESMF.")
    if region is not None:
        check_region(region, field, *(str(dim) for dim in (along(field, "Y"), x) if dim))
        field = field.where(region)
    return field.mean(x, keep_attrs=True).assign_attrs(cell_methods=f"{x}: mean")


def area_mean(dataset: Any, name: str, region: Any = None) -> Any:
    """Mean over the area of the cells of a variable of a dataset, of what is not land; level by level where it has levels.

    `region`: True [y, x] in the cells that count.
    """
    names = axes(dataset)
    need(dataset, name, "cell_area")
    values = alone(dataset[name])
    if not {names.x, names.y} <= {*values.dims}:
        raise ValueError(f"{name} is not at the centres of cells: its dimensions are {', '.join(map(str, values.dims))}.")
    if region is not None:
        check_region(region, dataset, names.y, names.x)
        values = values.where(region)
    area = alone(dataset["cell_area"]).where(values.notnull())
    mean = (values * area).sum([names.y, names.x]) / area.sum([names.y, names.x])
    return mean.rename(name).assign_attrs(dataset[name].attrs | {"cell_methods": "area: mean"})


def mass_of_columns(dataset: Any) -> Any:
    """Volume of the columns (m3) [j, i], or their mass times gravity (Pa m2); zero on land."""
    names = axes(dataset)
    surface = "surface_pressure" if is_air(dataset) else "sea_surface_height"
    need(dataset, surface, "cell_area", "fixed_boundary", "column_base")
    height = alone(dataset[surface])
    columns = alone(dataset["cell_area"]) * height.notnull() * (height.fillna(0.0) - alone(dataset["fixed_boundary"]))
    return columns.transpose(..., names.y, names.x)
