"""Records of the suite as its tests make them."""


def record(**values):
    """A measured record with one rank of 1M cells in 100 ms, unless told otherwise."""
    one = {"case": "baroclinic_channel", "competitor": "numpy", "precision": "float64", "threads": 1, "run": "r", "error": None,
           "silent_error": None, "ranks": 1, "scaling": "strong", "cells": [20, 160, 320], "base_cells": [20, 160, 320],
           "n_cells": 1_024_000, "processes": [1, 1], "oversubscribed": False, "substeps": 24, "tracers": 2,
           "ms_per_step": 102.4, "ms_per_million_cells": 100.0, "bandwidth_bytes_per_second": 1e10, "ms_per_step_silent": None,
           "messages_per_step": 0, "bytes_per_step": 0}
    return one | values
