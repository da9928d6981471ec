"""Functions of Python that programs call which XLA compiles for a CPU: by XLA's foreign function interface, without a compiler.

XLA calls one handler, a callback of ctypes, with the addresses of arguments and results; the first argument is the number of
what is to be called. The structures below are those of xla/ffi/api/c_api.h, which jaxlib brings along (`jax.ffi.include_dir`),
as far as they are read here; XLA promises to take handlers of an older version for a year at least.
"""

from __future__ import annotations

import ctypes
import math
import re
import traceback
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import jax
import numpy as np

TARGET = "dycore_called"
VERSION = 0, 3  # of the interface that is written down here; what is read of it was the same in versions before
METADATA = 1  # an extension: XLA asks for the version instead of calling
EXECUTE = 3  # the stage in which buffers hold values
INTERNAL = 13  # the code of an error of which no other code tells more
TYPES = {1: "bool", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "uint8", 7: "uint16", 8: "uint32", 9: "uint64",
         10: "float16", 11: "float32", 12: "float64", 15: "complex64", 18: "complex128"}


class _Extension(ctypes.Structure):
    pass


_Extension._fields_ = [("size", ctypes.c_size_t), ("type", ctypes.c_int), ("next", ctypes.POINTER(_Extension))]
_HEAD: list[Any] = [("size", ctypes.c_size_t), ("extension", ctypes.POINTER(_Extension))]


class _Version(ctypes.Structure):
    _fields_ = [*_HEAD, ("major", ctypes.c_int), ("minor", ctypes.c_int)]


class _Metadata(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("version", _Version), ("traits", ctypes.c_uint32)]


class _MetadataExtension(ctypes.Structure):
    _fields_ = [("base", _Extension), ("metadata", ctypes.POINTER(_Metadata))]


class _Buffer(ctypes.Structure):
    _fields_ = [*_HEAD, ("type", ctypes.c_int), ("data", ctypes.c_void_p), ("rank", ctypes.c_int64),
                ("dims", ctypes.POINTER(ctypes.c_int64))]


class _Buffers(ctypes.Structure):
    _fields_ = [*_HEAD, ("number", ctypes.c_int64), ("kinds", ctypes.c_void_p),
                ("buffers", ctypes.POINTER(ctypes.POINTER(_Buffer)))]


class _ErrorArguments(ctypes.Structure):
    _fields_ = [*_HEAD, ("message", ctypes.c_char_p), ("code", ctypes.c_int)]


class _Interface(ctypes.Structure):
    _fields_ = [*_HEAD, ("version", _Version), ("internal", ctypes.c_void_p),
                ("error", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_ErrorArguments)))]


class _CallFrame(ctypes.Structure):
    _fields_ = [*_HEAD, ("interface", ctypes.POINTER(_Interface)), ("context", ctypes.c_void_p), ("stage", ctypes.c_int),
                ("arguments", _Buffers), ("results", _Buffers)]


class Called:
    """Function that a compiled program may call as long as somebody holds it: `function(arguments, results)`, lists of arrays.

    The arrays are of NumPy. Arguments are not to be changed, results to be filled; neither may be kept. `problem` is what it
    raised last.
    """

    def __init__(self, function: Callable[[list[np.ndarray], list[np.ndarray]], None]):
        self.function = function
        self.number = next(_unused)
        self.problem: BaseException | None = None
        _known[self.number] = self


_known: WeakValueDictionary[int, Called] = WeakValueDictionary()
_unused = count()


def call(called: Called, results: list[Any], arguments: list[Any], side_effects: bool = False) -> Any:
    """The results, of which shape and type are given, of a call from a program that JAX traces."""
    register()
    program = jax.ffi.ffi_call(TARGET, results, has_side_effect=side_effects, vmap_method="sequential")
    return program(np.int32(called.number), *arguments)


@cache
def _program(results: tuple[tuple[tuple[int, ...], Any], ...]) -> Callable[[Any, Any], Any]:
    like = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in results]
    program = jax.ffi.ffi_call(TARGET, like, vmap_method="sequential")
    return jax.jit(lambda number, spare: program(number), donate_argnums=1, keep_unused=True)


def call_now(called: Called, results: tuple[tuple[tuple[int, ...], Any], ...], spare: list[Any]) -> Any:
    """The results, of which shape and type are given, of a call without arguments. Raises what the function raises.

    spare: arrays like them whose memory they may take (new memory costs as much as a copy), or none. XLA calls in this
    thread, as it has nothing to wait for: messages of MPI may be sent.
    """
    register()
    with jax.ensure_compile_time_eval():  # also within a function that JAX traces
        try:
            return jax.block_until_ready(_program(results)(np.int32(called.number), spare))
        except Exception:  # a JaxRuntimeError or, of a program that has run before, a ValueError
            if called.problem is None:
                raise
            raise called.problem from None


@cache
def register() -> None:
    """Tell XLA of the handler. Raises RuntimeError where this XLA takes none of this version."""
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(_handler), platform="cpu")


def _version() -> tuple[int, int]:
    """The version of the interface that XLA is told: that of an older XLA, or the one written down here."""
    try:
        text = Path(jax.ffi.include_dir(), "xla", "ffi", "api", "c_api.h").read_text()
        major, minor = (int(number) for number in re.findall(r"#define XLA_FFI_API_M(?:AJ|IN)OR (\d+)", text))
    except (OSError, ValueError):
        return VERSION
    return min((major, minor), VERSION)


def _view(buffer: Any) -> np.ndarray:
    """A buffer of XLA as an array."""
    shape = tuple(buffer.dims[: buffer.rank])
    dtype = np.dtype(TYPES[buffer.type])
    size = math.prod(shape)
    if not size:
        return np.empty(shape, dtype)
    return np.frombuffer((ctypes.c_char * (size * dtype.itemsize)).from_address(buffer.data), dtype).reshape(shape)


def _arrays(buffers: Any) -> list[np.ndarray]:
    return [_view(buffers.buffers[place].contents) for place in range(buffers.number)]


@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_CallFrame))
def _handler(address: Any) -> Any:
    """Handler that XLA calls; whatever is raised becomes an error of XLA, which raises it where the program was called."""
    frame = address.contents
    called = None
    try:
        if frame.extension and frame.extension.contents.type == METADATA:
            metadata = ctypes.cast(frame.extension, ctypes.POINTER(_MetadataExtension)).contents.metadata.contents
            metadata.version.major, metadata.version.minor = _version()
            metadata.traits = 0
        elif frame.stage == EXECUTE:
            number, *arguments = _arrays(frame.arguments)
            called = _known.get(int(number))
            if called is None:
                raise RuntimeError("The model whose step this program calls is no more. Keep it as long as the program is used.")
            called.function(arguments, _arrays(frame.results))
    except BaseException as problem:
        if called is not None:
            called.problem = problem
        return _error(frame, problem)
    return None


def _error(frame: Any, problem: BaseException) -> Any:
    message = "".join(traceback.format_exception_only(problem)).strip().encode()
    arguments = _ErrorArguments(ctypes.sizeof(_ErrorArguments), None, message, INTERNAL)
    return frame.interface.contents.error(ctypes.byref(arguments))
