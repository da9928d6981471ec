"""The command line as a module: `python -m dycore`, or `python -m mpi4py -m dycore` on several ranks."""

import sys

from dycore.cli import main

if __name__ == "__main__":
    sys.exit(main())
