"""The commands of the command line, one file each: `add` gives a command its options and says what runs it."""

from dycore.commands import bench, cases, check, plot, run, slurm, validate

COMMANDS = (cases, run, plot, validate, bench, slurm, check)
