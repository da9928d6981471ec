"""The numbers of a model whose forcings are time series: new at every record that a run comes to, without compiling anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dycore.assembly.values import is_traced, split
from dycore.calendars import words
from dycore.fields import map_arguments
from dycore.files import raise_on_all
from dycore.time_series import WHOLE, Between, Pair, TimeSeries, at_step, between, check_covered, pair

SAME_PLACE = 1e-4  # degrees


class HeldRecords:
    """Equations of a model by step; of every time series among their forcings two records are held.

    equations: dycore.equations.records.Equations, with TimeSeries in `forcing` and `openings` of which each record is an array as
    the backend keeps it, a number, or a profile of NumPy. What is held is replaced as a whole, so that threads may ask at once.
    """

    def __init__(self, equations: Any, grid: Any, parameters: Any, communication: Any, arguments: Callable[[tuple], tuple]):
        self.equations, self.time_step, self.communication, self.arguments = (equations, parameters.time_step, communication,
                                                                              arguments)
        self.series: list[TimeSeries] = []
        map_arguments(lambda leaf: self.series.append(leaf) if isinstance(leaf, TimeSeries) else None,
                      (equations.forcing, equations.openings))
        for series in self.series:
            check_belongs(series, grid, parameters.start)
        self.records: dict[tuple[int, int], Any] = {}  # by the numbers of a series and of a record of it
        self.known: tuple[int, int, tuple] = (0, 0, ())  # the first step, the step after the last, and the numbers of them
        self.stacks: list[Any] = []
        self.traced = False  # whether JAX traces records: what is made of them must not be kept from one function to another

    def first(self) -> Any:
        """The equations with the first two records of each series, whatever the time."""
        equations = self._with(0, [Pair(0, 1, float(times[0]), float(times[1]), 0)
                                   for times in (np.asarray(series.times) for series in self.series)])
        self.traced = any(map(is_traced, self.records.values()))
        if self.traced:
            self.stacks = list(map(stacked, self.series))
        return equations

    def check_covered(self, first: int, last: int) -> None:
        """Raise ValueError unless all series are known in all steps from one to another."""
        for series in self.series if first <= last else ():
            check_covered(series, first, last, self.time_step)

    def portions(self, numbers: tuple, step: Any, n: int) -> Iterator[tuple[tuple, int]]:
        """(numbers, steps) that together are n steps from this one; `numbers` where there are no series."""
        if not self.series:
            yield numbers, n
            return
        now = whole(step)
        if now is None:
            raise ValueError("Model.steps of a model whose forcing is a time series must know the number of the step, which is "
                             "traced here. Use Model.pure_step, which then keeps all records on the device.")
        while n > 0:
            until, own = self._at(now)
            portion = min(n, until - now)
            yield own, portion
            now, n = now + portion, n - portion

    def numbers(self, numbers: tuple, step: Any) -> tuple:
        """The numbers of one step, which may be traced; `numbers` where there are no series."""
        if not self.series:
            return numbers
        now = whole(step)
        return self._traced(step) if now is None or self.traced else self._at(now)[1]

    def _at(self, step: int) -> tuple[int, tuple]:
        """(the first step that needs others, the numbers of a step)."""
        first, until, numbers = self.known
        if not first <= step < until:
            pairs = [pair(series, step, self.time_step) for series in self.series]
            numbers = self.arguments(split(self._with(step, pairs))[1])
            profiles = any(np.ndim(record) == 1 for record in self.records.values())
            until = step + 1 if profiles else min(each.until for each in pairs)
            self.known = step, until, numbers
        return until, numbers

    def _with(self, step: int, pairs: list[Pair]) -> Any:
        """The equations of a step with the records of pairs; raises on all processes where one of them cannot read its own."""
        before, held, problem, equations = self.records, {}, None, None

        def record(place: int, number: int) -> Any:
            key = place, number % len(self.series[place].values)
            if key not in held:
                held[key] = before[key] if key in before else self.series[place].record(number)
            return held[key]

        try:
            equations = self._each(step, lambda place: between(lambda number: record(place, number), pairs[place], self.time_step))
        except Exception as raised:  # whatever a library says that reads records
            problem = raised
        if self.series:
            raise_on_all(self.communication, problem)
        self.records = held
        return equations

    def _each(self, step: Any, value_of: Callable[[int], Between]) -> Any:
        """The equations with what `value_of` gives of every series, by its number; of profiles, which no stencil makes, values."""
        numbers = iter(range(len(self.series)))

        def value(leaf: Any) -> Any:
            if not isinstance(leaf, TimeSeries):
                return leaf
            both = value_of(next(numbers))
            return at_step(None, both, step) if np.ndim(both.before) == 1 else both

        forcing, openings = map_arguments(value, (self.equations.forcing, self.equations.openings))
        return self.equations._replace(forcing=forcing, openings=openings)

    # With a step number that JAX traces --------------------------------------------------------------

    def _traced(self, step: Any) -> tuple:
        """The numbers of a step that is not known yet: all records are held, and one pair of each series is picked."""
        if not self.stacks:
            self.stacks = list(map(stacked, self.series))
        namespace = next(array for array in (*self.stacks, step) if is_traced(array)).__array_namespace__()
        return self.arguments(split(self._each(step, lambda place: picked(
            namespace, self.series[place], self.stacks[place], step, self.time_step)))[1])


def check_belongs(series: TimeSeries, grid: Any, start: Any) -> None:
    """Raise ValueError where records were made for a run that starts on another date, or for another grid of as many cells."""
    own, target = series.start, getattr(series.values, "target", None)
    if None not in (own, start) and (own.calendar, own) != (start.calendar, start):
        raise ValueError(f"{series.name} was made for a run that starts on {words(own)}, and this one starts on {words(start)}. "
                         "Give the same start to both.")
    if target is not None:
        here = grid.geographic(target.place)
        turn = (target.longitude - here.longitude + 180.0) % 360.0 - 180.0
        if max(np.abs(target.latitude - here.latitude).max(), np.abs(turn).max()) > SAME_PLACE:
            raise ValueError(f"{series.name} was brought to another grid, whose first place is {target.latitude[0, 0]:g} degrees "
                             f"north, {target.longitude[0, 0]:g} east; that of this one is {here.latitude[0, 0]:g} north, "
                             f"{here.longitude[0, 0]:g} east. Make the records for this grid (dycore.records).")


def stacked(series: TimeSeries) -> Any:
    """All records of a series in one array."""
    records = [series.record(number) for number in range(len(series.values))]
    if any(map(is_traced, records)):
        return records[0].__array_namespace__().stack(records)
    return np.stack([np.asarray(record) for record in records])


def whole(step: Any) -> int | None:
    """The number of a step, or None where it is traced."""
    try:
        return int(step)
    except TypeError:  # as JAX says of what it traces
        return None


def picked(namespace: Any, series: TimeSeries, records: np.ndarray, step: Any, time_step: float) -> Between:
    """The pair of a series in which a traced step begins; what is not known is no number (NaN), because nothing can be refused."""
    times: np.ndarray = np.asarray(series.times)
    begun = 0.0
    if series.period is not None:
        length = series.period / time_step
        begun = namespace.floor((step - times[0] / time_step) / length) * length  # the step in which the cycle begins
        times = np.concatenate([times + cycle * series.period for cycle in (-1.0, 0.0, 1.0, 2.0)])
    place = namespace.searchsorted(namespace.asarray(times / time_step - WHOLE), step - begun, side="right") - 1
    inside = namespace.clip(place, 0, len(times) - 2)
    since, intervals = np.floor(times[:-1] / time_step), np.diff(times)

    def of(table: np.ndarray) -> Any:
        return namespace.asarray(table)[inside]

    weight, rate = of((since * time_step - times[:-1]) / intervals), of(time_step / intervals)
    if series.period is None:
        outside = (place < 0) | (step * time_step > times[-1] + WHOLE * time_step)
        end = namespace.where(place < 0, 0.0, 1.0) if series.extend else np.nan
        weight, rate = namespace.where(outside, end, weight), namespace.where(outside, 0.0, rate)
    own = namespace.asarray(records)
    numbers = np.arange(len(times)) % len(np.asarray(series.times)) % len(records)
    return Between(own[of(numbers[:-1])], own[of(numbers[1:])], begun + of(since), weight, rate)
