"""Programs of Numba (dycore.backends.on_numba): a recorded step is planned, written as source, compiled and run."""
