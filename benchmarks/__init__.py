"""The suite and its parts; `dycore bench` runs it."""
