"""The adjoint of a recorded step, which takes slopes of its results to slopes of what it is given."""
