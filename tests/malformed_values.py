"""Values that are nonsense for most arguments, or make sense in other dress than the usual one; and rules of what may be taken."""

import datetime
import decimal
import fractions
from pathlib import Path

import numpy as np

import dycore
from dycore.backends import on_numpy
from dycore.closures import Convective, PacanowskiPhilander, Uniform
from dycore.equations import advection, momentum, steppers
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Atmosphere, Ocean
from dycore.forcing import Forcing
from dycore.parameters import Mixing
from dycore.stencils import stencil
from dycore.tiles import Boundary

CELLS = (4, 6, 8)
LEVELS = np.linspace(-400.0, 0.0, 5)
PRESSURES = np.linspace(0.0, 1.0e5, 5)


class Whatever:
    """What is of no use anywhere."""

    def __repr__(self):
        return "Whatever()"


@stencil
def too_few(k, j):
    return 0.0


@stencil
def text(*_):
    return "text"


@stencil
def five(*_):
    return 5.0, 5.0, 5.0, 5.0, 5.0


def masked(*shape):
    return np.ma.array(np.ones(shape), mask=np.arange(np.prod(shape)).reshape(shape) % 2 == 0)


def values():
    """All that is tried as an argument, made anew: iterators can be used once."""
    nan, inf = float("nan"), float("inf")
    return [
        None, True, False, np.True_, 0, 1, -1, 3, 7, 2.5, 0.5, -0.5, 90.0, 1e300, -1e300, 1e-320, nan, inf, -inf, 10**19, 10**30,
        -10**30, 10**400, 1j, 1 + 0j, np.float32(2.5), np.int8(5), np.float64(nan), np.complex64(1), np.uint64(2**63 + 1),
        "", "4", "nan", "float16", "x" * 300, "a\nb", "\0", "\udcff", b"4", "none", "temperature", np.str_("4"),
        decimal.Decimal(3), fractions.Fraction(1, 2), datetime.date(2000, 1, 1), np.datetime64("2000-01-01"), np.timedelta64(3,
        "s"),
        Path("there"), [], (), {}, set(), [4], (4,), [[4]], [4, 6], (4, 6), [4, 6, 8], (4.0, 6.0, 8.0), [4, 6, 8.5], (0, 6, 8),
        (4, -6, 8),
        ["4", "6", "8"], "468", "4,6,8", [[4], [6], [8]], [[4, 6, 8]], [np.array([4]), 6, 8], [None, None, None], [nan, nan, nan],
        [True, True, True], [1e300, 1e300, 1e300], [10**30, 10**30, 10**30], [10**400, 6, 8], [1j, 2j, 3j], {4, 6, 8}, {"a": 1},
        {4: 1, 6: 1, 8: 1}, range(3), range(5), iter([4, 6, 8]), ["a", "b"], ("temperature",), ("temperature", "salinity"), [None],
        np.array(4.0), np.array([4.0]), np.array("4"), np.array(None), np.array([4, 6, 8]), np.array([1, None], object),
        np.array([]),
        np.array(["4", "6", "8"]), np.array([4, "6", 8.0], object), np.array(Whatever()), np.ma.masked, np.ma.array([1.0, 2.0],
        mask=[True, False]), np.ma.array([4, 6, 8], mask=[False, True, False]), np.ma.array(3.0, mask=True),
        np.ma.array(LEVELS, mask=LEVELS > -150.0), LEVELS, LEVELS[::-1], LEVELS.astype(str), LEVELS + 0j, LEVELS.astype(object),
        LEVELS * nan, list(LEVELS), PRESSURES, np.full(5, 1e300), np.ones(4), np.ones(6), np.ones(8), np.ones((6, 8)),
        np.ones((6, 1)),
        np.ones((8, 6)), np.ones((6, 8), bool), np.ones((6, 8), complex), np.ones((6, 8), "U1"), np.full((6, 8), nan),
        np.full((6, 8), None), masked(6, 8), masked(4, 6, 8), np.ones(CELLS), np.ones((1, 1, 1)), np.ones((5, 4, 6, 8)),
        np.ones((0, 6, 8)), -500.0 * np.ones((6, 8)), np.full(CELLS, inf), [[1.0, 2.0], [3.0]], [np.ones(3), np.ones(2)],
        np.zeros((6, 8), "M8[s]"), np.zeros(3, [("a", float)]), Whatever(), Whatever, int, float, len, np, lambda: 1.0,
        lambda *_: None, lambda *_: "text", lambda *_: 1.0, lambda *_: np.ones(3), lambda *_: nan, np.sin, too_few, text, five,
        advection.upwind3, advection.weno5, momentum.energy_conserving, (momentum.energy_conserving,),
        (momentum.energy_conserving, 3), (momentum.energy_conserving,) * 3, (too_few, too_few), Boundary.WALL, Boundary.POLE,
        Boundary, Ocean(), Atmosphere(), Ocean, Forcing(), Forcing, (Forcing(),), (Forcing(u=3),), (Forcing(tracers=3),),
        (Forcing(tracers=(too_few,)),), (Forcing(u=too_few),), (Forcing(values=3),), (Forcing(names=3),), (None,), Mixing(), Mixing,
        VerticalMixing(), VerticalMixing, Uniform(0.0, 0.0), Convective(), PacanowskiPhilander(), steppers.AdamsBashforth3,
        steppers.AdamsBashforth3(), steppers.WickerSkamarock(), on_numpy, on_numpy.create(), (0.1, 0.0), ("a", 0.0), (np.ones((6,
        8)),
        masked(6, 8)), dycore, Exception(), NotImplemented, ..., memoryview(b"4"), bytearray(b"4"), (i for i in (4, 6, 8)),
    ]


# What may be taken besides what makes sense: a rule says of a value whether it may


def number(value):
    """One real number, in any dress that is not text."""
    try:
        real = np.ndim(value) == 0 and not isinstance(value, (bool, np.bool_, str, bytes, Path, decimal.Decimal,
                                                            fractions.Fraction)) and not np.ma.is_masked(value)
        return real and np.asarray(value).dtype.kind in "iufO" and not isinstance(value,
        np.timedelta64) and np.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def above(value):
    return number(value) and float(value) > 0.0


def at_least(value):
    return number(value) and float(value) >= 0.0


def whole(value):
    return at_least(value) and float(value) == int(value)


def truth(value):
    return isinstance(value, (bool, np.bool_))


def numbers(*sizes):
    """So many numbers, not masked."""
    def rule(value):
        try:
            return len(value) in sizes and not isinstance(value, (str, bytes, set, dict)) and all(map(number, value))
        except TypeError:
            return False
    return rule


def field(*shapes):
    """Numbers of one of these shapes."""
    def rule(value):
        try:
            array = np.asanyarray(value)
        except ValueError:
            return False
        if array.dtype.kind == "O":
            return (isinstance(value, (decimal.Decimal, fractions.Fraction)) or number(value) or all(map(number,
            array.ravel()))) and array.shape in shapes
        return array.dtype.kind in "biuf" and np.isfinite(np.ma.getdata(array)).all() and array.shape in shapes
    return rule


PLANES = [(), (6, 8), (6, 1), (1, 8), (1, 1)]
VOLUMES = [*PLANES, (4,), CELLS, (1, 1, 1)]


def either(*rules):
    return lambda value: any(rule(value) for rule in rules)


def one_of(*allowed):
    return lambda value: any(type(value) is type(each) and value == each for each in allowed)


def function(value):
    return callable(value)


def kind(*classes):
    return lambda value: isinstance(value, classes)


nothing = one_of(None)


def path(value):
    return isinstance(value, (str, Path))
