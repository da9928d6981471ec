"""Hold the core against published cases."""

import argparse
from pathlib import Path
from typing import Any

from dycore.commands.loading import create_backend
from dycore.commands.option_values import BACKENDS, file_name, no_such, positive_integer
from dycore.commands.problems import BadInput
from dycore.commands.writable import nothing_written, why_no_file
from dycore.files import make_folder


def add(command: Any) -> None:
    """Register the command with its options."""
    published = command("validate", validate, "Hold the core against published cases: rows of numbers, figures and one page.",
                        "  dycore validate williamson_2\n"
                        "  dycore validate --short --output quick-look\n"
                        "  dycore validate held_suarez --backend jax")
    published.add_argument("case", nargs="*", metavar="CASE", help="(default: all of them)")
    published.add_argument("--short", action="store_true", help="the versions that the tests run, of seconds each")
    published.add_argument("--backend", choices=BACKENDS, default="numba", help="(default: %(default)s)")
    published.add_argument("--threads", type=positive_integer, default=1, metavar="N", help="(default: %(default)s)")
    published.add_argument("--output", type=file_name, default=Path("validation-results"), metavar="DIR",
                       help="results.json, results.md and pictures; other cases in it stay (default: %(default)s)")


def validate(options: argparse.Namespace) -> int:
    """Run validation programs; 1 where a verdict is not met."""
    from dycore.validation import PROGRAMS
    from dycore.validation.evidence import gather, read

    names = options.case or list(PROGRAMS)
    for name in names:
        if name not in PROGRAMS:
            raise BadInput(no_such("validation case", name, tuple(PROGRAMS)))
    try:
        make_folder(options.output)
    except OSError as problem:
        raise BadInput(nothing_written(options.output, problem)) from problem
    unwritable = why_no_file(options.output)
    if unwritable is not None:
        raise BadInput(unwritable)
    try:
        read(options.output)
    except ValueError as problem:
        raise BadInput(str(problem)) from problem
    backend = create_backend(options.backend, options.threads)
    failed = 0
    for name in names:
        command = f"dycore validate {name} --backend {options.backend}" + (" --short" if options.short else "")
        evidence = gather(name, PROGRAMS[name], backend, options.short, command, options.output)
        for row in evidence.rows:
            failed += not row.met
            print(f"{'met    ' if row.met else 'NOT MET'}  {name}: {row.quantity} {row.ours:.6g}; {row.tolerance}; "
                  f"published {row.published} ({row.source})", flush=True)
    print(f"Wrote {options.output}/results.json, {options.output}/results.md and the figures.")
    return 1 if failed else 0
