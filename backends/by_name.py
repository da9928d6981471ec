"""Backends by the names that commands, records and files call them."""

from __future__ import annotations

import importlib
from typing import Any

MODULES: dict[str, tuple[str, dict[str, Any]]] = {
    "numpy": ("on_numpy", {}), "numba": ("on_numba", {}), "jax": ("on_jax", {"native": False}),
    "jax-native": ("on_jax", {"native": True})}
EXTRAS = {"numpy": "", "numba": "numba", "jax": "jax", "jax-native": "jax,numba"}  # of the package: what each needs


def create(name: str, threads: int = 1, communication: Any = None) -> Any:
    """The backend of this name. Raises ImportError where what it needs is not installed, RuntimeError where JAX cannot start."""
    module, options = MODULES[name]
    return importlib.import_module(f"dycore.backends.{module}").create(threads=threads, communication=communication, **options)
