"""What a machine offers, and whether halos come right between processes: `dycore check`."""
