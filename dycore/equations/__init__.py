"""The equations: what the fluid does in a step, a file for every process and `hydrostatic`, which puts them together."""
