"""Learning through the core: gradients of runs, estimation of states and parameters, networks in place of modules.

Imported as `dycore.learning`; needs JAX (`pip install dycore[learn]`). The science imports nothing of it.
"""
