"""What the benchmarks cannot do: exceptions, of which the message says why and what to do."""


class Failed(Exception):
    """A competitor that cannot run, and why."""


class CannotStart(Exception):
    """The suite cannot do what is asked; the message says what to do."""


class CannotWrite(Exception):
    """A result could not be written; the message says which and why."""


class CannotSubmit(Exception):
    """SLURM refuses a job; the message says why."""
