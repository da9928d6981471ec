"""From grid and parameters to what a compiled step is given: equations, their numbers, and records of time series."""
