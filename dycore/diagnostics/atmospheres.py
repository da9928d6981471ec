"""Diagnostics of air: temperature, zonal means, variances and the fluxes of eddies."""

from __future__ import annotations

from typing import Any

from dycore.diagnostics.cells import (
    at_centre,
    axes,
    check_meridional,
    constant,
    described,
    field,
    interfaces,
    is_air,
    need,
    velocity_of,
)
from dycore.diagnostics.means import zonal_mean
from dycore.fluid import Atmosphere


def air_temperature(dataset: Any) -> Any:
    """Temperature (K) at cell centres, T = theta (p / p0)^kappa with the mean of the Exner function over the mass of a level.

    As the model has it (Arakawa and Suarez 1983, Mon. Wea. Rev. 111, 34). Needs potential_temperature and surface_pressure.
    """
    import xarray

    if not is_air(dataset):
        raise ValueError("The dataset is of an ocean: its temperature is a field of its own.")
    need(dataset, "potential_temperature", "surface_pressure")
    kappa, (lower, upper) = constant(dataset, "kappa"), interfaces(dataset)
    fluid = Atmosphere(kappa=kappa, reference_pressure=constant(dataset, "reference_pressure"))
    faces = [*lower.values, float(upper[-1])]
    exner = xarray.DataArray(fluid.reference_s(xarray.Variable("p", faces).values)[1], dims=axes(dataset).level)
    theta = dataset["potential_temperature"]
    air = theta.astype(float).drop_attrs(deep=False) * exner * (field(dataset, "surface_pressure") / faces[-1]) ** kappa
    return described(air.transpose(*theta.dims), "air_temperature", "air temperature", "K", "air_temperature")


def zonal_statistics(dataset: Any) -> Any:
    """Zonal means of u, v, T, their variances, and the northward fluxes of heat and momentum by eddies [level, y].

        [u], [v], [T], [u*^2], [v*^2], [T*^2], [v* T*], [v* u*],     a* = a - [a]

    Of every time of the dataset, so that a mean over times holds standing and transient eddies together (Peixoto and Oort 1992,
    Physics of Climate, section 4.1); on levels of the model, all velocities at cell centres. Needs velocity, potential_temperature
    and surface_pressure. Raises ValueError for an ocean and for a rotated grid.
    """
    check_meridional(dataset, "A zonal mean")
    names, air = axes(dataset), air_temperature(dataset)
    along_x, along_y = velocity_of(dataset)
    parts = {"u": at_centre(dataset, field(dataset, along_x), names.x), "v": at_centre(dataset, field(dataset, along_y), names.y),
             "t": air}
    mean = {name: zonal_mean(part) for name, part in parts.items()}
    eddy = {name: part - mean[name] for name, part in parts.items()}

    def product(one: str, other: str, name: str, long_name: str, units: str) -> Any:
        return described(zonal_mean(eddy[one] * eddy[other]), name, long_name, units)

    found = [described(mean["u"], "u", "zonal mean of the eastward wind", "m s-1", "eastward_wind"),
             described(mean["v"], "v", "zonal mean of the northward wind", "m s-1", "northward_wind"),
             described(mean["t"], "temperature", "zonal mean of the air temperature", "K", "air_temperature"),
             product("u", "u", "u_variance", "zonal variance of the eastward wind", "m2 s-2"),
             product("v", "v", "v_variance", "zonal variance of the northward wind", "m2 s-2"),
             product("t", "t", "temperature_variance", "zonal variance of the air temperature", "K2"),
             product("v", "t", "eddy_heat_flux", "northward flux of temperature by eddies", "K m s-1"),
             product("v", "u", "eddy_momentum_flux", "northward flux of eastward momentum by eddies", "m2 s-2")]
    return found[0].to_dataset().assign({each.name: each for each in found[1:]})
