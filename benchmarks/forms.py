"""Forms of the kernels of a step under JAX (dycore.backends.jax_kernels), by the names that measurements of them have."""

from typing import Any

# what differs from the form for GPUs; the last is that of CPUs
FORMS: dict[str, dict[str, bool]] = {
    "as on GPUs": {}, "with barriers": {"barriers": True}, "sweeps in loops": {"unrolled_sweeps": False},
    "with barriers, sweeps in loops": {"barriers": True, "unrolled_sweeps": False}, "halos strip by strip": {"whole_halos": False},
    "loops in CUDA graphs": {"loops_in_graphs": True},
    "as on CPUs": {"barriers": True, "unrolled_sweeps": False, "whole_halos": False}}


def backend_of(name: str, threads: int, communication: Any, form: str | None) -> Any:
    """The backend of this name, with kernels of JAX in one of these forms; None: the usual one of the device."""
    if form is None:
        from dycore.backends import by_name

        return by_name.create(name, threads, communication)
    from dycore.backends import on_jax
    from dycore.backends.jax_kernels import kernels_for

    return on_jax.create(threads, communication, native=False, kernels=kernels_for("gpu")._replace(**FORMS[form]))
