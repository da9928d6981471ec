"""Report of what a machine offers, and of whether halos come right between processes: `dycore check`."""
