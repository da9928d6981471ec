"""The commands of the command line, one file each: `add` gives a command its options and says what runs it."""

from dycore.commands import bench, cases, check, run, slurm, validate

COMMANDS = (cases, run, validate, bench, slurm, check)
