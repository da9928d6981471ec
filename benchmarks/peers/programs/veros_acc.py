"""The set-up ACC that comes with Veros, for a Python that has it: python veros_acc.py DAYS FILE.npz

With steps of 4800 s of tracers too, as its own of half a day go with momentum of 4800 s, and a year of tracers is none of the flow
then; without output. Writes u, v (m/s; on east and north faces), temperature (degree C) and energy of eddies (m2/s2) [k, j, i] of
the last step, the temperature of the first, where there is water, thickness (m) and radius (m). Imports nothing of ours.
"""

import sys

import numpy
from veros import veros_routine
from veros.setups.acc.acc import ACCSetup

STEP = 4800.0  # s


class Channel(ACCSetup):
    @veros_routine
    def set_parameter(self, state):
        super().set_parameter(state)
        state.settings.dt_tracer = state.settings.dt_mom = STEP
        state.settings.runlen = 86400.0 * float(sys.argv[1])

    @veros_routine
    def set_diagnostics(self, state):
        for diagnostic in state.diagnostics.values():
            diagnostic.output_frequency = diagnostic.sampling_frequency = 0.0


setup = Channel()
setup.setup()
variables = setup.state.variables
before = numpy.array(variables.temp[..., int(variables.tau)])
setup.run()
variables, now = setup.state.variables, int(setup.state.variables.tau)
fields = {"u": variables.u, "v": variables.v, "temperature": variables.temp, "energy": variables.eke}
fields = {name: field[..., now] for name, field in fields.items()} | {"before": before, "wet": variables.maskT > 0.0}
cells = {name: numpy.asarray(field[2:-2, 2:-2]).transpose(2, 1, 0) for name, field in fields.items()}
others = {"thickness": numpy.asarray(variables.dzt), "radius": numpy.asarray(setup.state.settings.radius)}
numpy.savez(sys.argv[2], allow_pickle=False, **cells, **others)
