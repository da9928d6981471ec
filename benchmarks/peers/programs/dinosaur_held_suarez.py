"""Held and Suarez by dinosaur, for a Python that has it: python dinosaur_held_suarez.py NZ NY NX STEPS

Prints the processor time of a step, after as many steps that are not counted. Imports nothing of ours.
"""

import sys
import time

import dinosaur
import jax
import numpy


def main(nz: int, ny: int, nx: int, steps: int) -> None:
    units = dinosaur.scales.units
    horizontal = {(64, 128): dinosaur.spherical_harmonic.Grid.T42, (32, 64): dinosaur.spherical_harmonic.Grid.T21}[ny, nx]()
    coordinates = dinosaur.coordinate_systems.CoordinateSystem(
        horizontal=horizontal, vertical=dinosaur.sigma_coordinates.SigmaCoordinates.equidistant(nz))
    scales = dinosaur.primitive_equations.PrimitiveEquationsSpecs.from_si()
    pressure = 1e5 * units.pascal
    rest, features = dinosaur.primitive_equations_states.isothermal_rest_atmosphere(
        coords=coordinates, physics_specs=scales, p0=pressure, p1=5e3 * units.pascal)
    temperatures = features[dinosaur.xarray_utils.REF_TEMP_KEY]
    orography = dinosaur.primitive_equations.truncated_modal_orography(
        features[dinosaur.xarray_utils.OROGRAPHY], coordinates)
    equations = dinosaur.time_integration.compose_equations([
        dinosaur.primitive_equations.PrimitiveEquations(temperatures, orography, coordinates, scales),
        dinosaur.held_suarez.HeldSuarezForcing(coords=coordinates, physics_specs=scales, reference_temperature=temperatures,
                                               p0=pressure)])
    step_length = scales.nondimensionalize(10 * units.minute)
    step = dinosaur.time_integration.step_with_filters(
        dinosaur.time_integration.imex_rk_sil3(equations, step_length),
        [dinosaur.time_integration.exponential_step_filter(horizontal, step_length)])
    advance = jax.jit(lambda state: jax.lax.fori_loop(0, steps, lambda _, state: step(state), state))
    state = jax.block_until_ready(advance(rest(jax.random.PRNGKey(0))))
    begun = time.process_time()
    state = jax.block_until_ready(advance(state))
    seconds = time.process_time() - begun
    if not numpy.isfinite(state.vorticity).all():
        sys.exit(f"the vorticity was no longer finite after {2 * steps} steps")
    print("seconds_per_step", seconds / steps)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
