"""Loops that do one thing as fast as a core can, written in LLVM's own language, so that a reader sees every instruction.

A compiler that is given such loops in Fortran or Python finds them useless, or makes something else of them; LLVM makes
machine code of these without any pass that would.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy

LOOP_INSTRUCTIONS = 2  # of a loop beside its body: count down, and jump while there is something left
UNROLLED = 4  # vectors of the triad in one turn
LINE = 64  # bytes
# What a body is made of; each reads what the same one of the turn before has left, or a place of its own.
OPERATIONS = {
    "multiply_add": "{after} = call VECTOR @llvm.fma.VECTOR_NAME(VECTOR {before}, VECTOR %x, VECTOR %x)",
    "multiplication": "{after} = fmul VECTOR {before}, %x",
    "addition": "{after} = fadd VECTOR {before}, %x",
    "exclusive_or": "{after} = xor i64 {before}, %turns",  # of whole numbers
    "load": "{after} = load volatile VECTOR, POINTER {place}",
    "store": "store volatile VECTOR %x, POINTER {place}"}
TURN = """
declare VECTOR @llvm.fma.VECTOR_NAME(VECTOR, VECTOR, VECTOR)
define void @kernel(i64 %turns, i64 %address) {
entry:
  PLACES
  %x = load VECTOR, POINTER %place0
  br label %loop
loop:
  %count = phi i64 [ %turns, %entry ], [ %left, %loop ]
  CHAINS
  BODY
  %left = sub i64 %count, 1
  %more = icmp ne i64 %left, 0
  br i1 %more, label %loop, label %end
end:
  RESULTS
  ret void
}"""
PLACE = """
  %number{n} = add i64 %address, {offset}
  %place{n} = inttoptr i64 %number{n} to POINTER"""
TRIAD = """
declare VECTOR @llvm.fma.VECTOR_NAME(VECTOR, VECTOR, VECTOR)
define void @kernel(i64 %passes, i64 %turns, i64 %a, i64 %b, i64 %c) {
entry:
  br label %outer
outer:
  %pass = phi i64 [ %passes, %entry ], [ %passes_left, %after ]
  br label %loop
loop:
  %count = phi i64 [ %turns, %outer ], [ %left, %loop ]
  %offset = phi i64 [ 0, %outer ], [ %next, %loop ]
  BODY
  %next = add i64 %offset, STRIDE
  %left = sub i64 %count, 1
  %more = icmp ne i64 %left, 0
  br i1 %more, label %loop, label %after
after:
  %passes_left = sub i64 %pass, 1
  %again = icmp ne i64 %passes_left, 0
  br i1 %again, label %outer, label %end
end:
  ret void
}"""
VECTOR_OF_TRIAD = """
  %at{n} = add i64 %offset, {offset}
  %number_a{n} = add i64 %a, %at{n}
  %number_b{n} = add i64 %b, %at{n}
  %number_c{n} = add i64 %c, %at{n}
  %place_a{n} = inttoptr i64 %number_a{n} to POINTER
  %place_b{n} = inttoptr i64 %number_b{n} to POINTER
  %place_c{n} = inttoptr i64 %number_c{n} to POINTER
  %b{n} = load VECTOR, POINTER %place_b{n}
  %c{n} = load VECTOR, POINTER %place_c{n}
  %sum{n} = call VECTOR @llvm.fma.VECTOR_NAME(VECTOR %c{n}, VECTOR FACTOR, VECTOR %b{n})
  store VECTOR %sum{n}, POINTER %place_a{n}"""


class Kernel(NamedTuple):
    """A compiled loop, as a function of whole numbers (turns and addresses), and what keeps it in memory."""

    call: Callable[..., None]
    engine: Any


def llvm() -> Any:
    """LLVM as Numba brings it; imported here, so that a machine without it is told what to install."""
    from llvmlite import binding  # type: ignore[import-untyped]

    return binding


def widest_vector() -> int:
    """Numbers of float64 in the longest vector of this core."""
    features = llvm().get_host_cpu_features()
    return next((lanes for name, lanes in (("avx512f", 8), ("avx", 4)) if features.get(name)), 2)


@cache
def turns(body: tuple[str, ...], lanes: int) -> Kernel:
    """A loop over operations (of OPERATIONS) on vectors of so many numbers: (turns, address of `memory(body)`)."""
    lines, chains, results = [], [], []
    for n, name in enumerate(body):
        lines.append(OPERATIONS[name].format(before=f"%before{n}", after=f"%after{n}", place=f"%place{n}"))
        if "{before}" in OPERATIONS[name]:
            kind, first = ("i64", "%turns") if name == "exclusive_or" else ("VECTOR", "%x")
            chains.append(f"%before{n} = phi {kind} [ {first}, %entry ], [ %after{n}, %loop ]")
            # a result that nobody reads would be left out
            results.append(f"%kept{n} = inttoptr i64 %number{n} to {pointer(kind)}\n"
                           f"store volatile {kind} %after{n}, {pointer(kind)} %kept{n}")
    places = "".join(PLACE.format(n=n, offset=n * LINE) for n in range(len(body)))
    text = TURN.replace("PLACES", places)
    for word, those in (("CHAINS", chains), ("BODY", lines), ("RESULTS", results)):
        text = text.replace(word, "\n  ".join(those))
    return compiled(text, lanes, 2)


def memory(body: tuple[str, ...]) -> numpy.ndarray:
    """What a loop over such a body reads and writes."""
    return aligned(len(body) * LINE // 8)


@cache
def triad(lanes: int) -> Kernel:
    """a = b + c / 2, again and again: (passes, turns of `UNROLLED` vectors, addresses of a, of b and of c)."""
    body = "".join(VECTOR_OF_TRIAD.format(n=n, offset=n * lanes * 8) for n in range(UNROLLED))
    factor = f"<{', '.join(['double 0.5'] * lanes)}>"
    text = TRIAD.replace("BODY", body).replace("FACTOR", factor).replace("STRIDE", str(UNROLLED * lanes * 8))
    return compiled(text, lanes, 5)


def aligned(size: int) -> numpy.ndarray:
    """So many numbers, the first of a cache line, all of them written once."""
    raw = numpy.ones(size + LINE // 8)
    first = -(raw.ctypes.data // 8) % (LINE // 8)
    return raw[first:first + size]


def pointer(kind: str) -> str:
    return f"{kind}*" if llvm().llvm_version_info[0] < 17 else "ptr"  # older ones name what a pointer shows


def compiled(text: str, lanes: int, arguments: int) -> Kernel:
    """Machine code for this core."""
    for word, meaning in (("POINTER", pointer("VECTOR")), ("VECTOR_NAME", f"v{lanes}f64"), ("VECTOR", f"<{lanes} x double>")):
        text = text.replace(word, meaning)
    binding = llvm()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=2, jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(text), target)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * arguments)
    return Kernel(kind(engine.get_function_address("kernel")), engine)
