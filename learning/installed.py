"""Libraries without which nothing here can be imported: what is missing is said at once, with the line that installs it."""

from importlib.util import find_spec

MISSING = [name for name in ("jax", "equinox", "optax") if find_spec(name) is None]
if MISSING:
    raise ModuleNotFoundError(f"dycore.learning needs {' and '.join(MISSING)}, which {'is' if len(MISSING) == 1 else 'are'} not "
                              "installed: pip install 'dycore[learn]'.", name=MISSING[0])
