"""Who is sampled together: the competitors of a group with what is held against them, or each apart where memory is short."""

from typing import NamedTuple

from dycore.benchmarks import energy, memory
from dycore.benchmarks.competitor import Competitor, Group, missing_mpi
from dycore.benchmarks.groups import Settings, competitors_of, device_of, ranks_wanted

FORWARD = "jax"  # the run that gradients are held against


class Beside(NamedTuple):
    """What is sampled in the same rounds as a competitor: on several ranks itself without messages and on one, and a triad on one.

    In the same rounds as a gradient, the forward run.
    """

    silent: Competitor | None = None
    alone: Competitor | None = None
    yardstick: Competitor | None = None
    forward: Competitor | None = None


class Lineup(NamedTuple):
    """All that is sampled in turn: `others` are those beside the competitors; yardsticks by device, `beside` by name."""

    yardsticks: dict[str, Competitor]
    competitors: list[Competitor]
    beside: dict[str, Beside]
    others: list[Competitor]

    @property
    def everyone(self) -> list[Competitor]:
        return [*self.yardsticks.values(), *self.competitors, *self.others]


def sittings(group: Group, settings: Settings, problems: dict[str, str | None]) -> list[Lineup]:
    """One of all, or where memory is too small one for each competitor, without those beside it if it must be.

    A competitor that has no room even so has the reason as its error.
    """
    free = memory.free(group)
    whole = lineup(group, settings, problems)
    if memory.needed(whole.everyone) <= free:
        return [whole]
    found = []
    for name in competitors_of(group, settings):
        alone = settings._replace(backends=[name])
        possible = [lineup(group, alone, problems), lineup(group, alone._replace(messages=False), problems)]
        sitting = next((each for each in possible if memory.needed(each.everyone) <= free), possible[-1])
        if (needed := memory.needed(sitting.everyone)) > free:
            for each in sitting.everyone:
                each.error = each.error or (f"needs about {needed / 1e9:.1f} GB of memory, and {max(0.0, free) / 1e9:.1f} GB are "
                                            "free: give fewer cells or steps, or a machine with more")
        found.append(sitting)
    return found


def lineup(group: Group, settings: Settings, problems: dict[str, str | None]) -> Lineup:
    """The competitors of a group, not yet started."""
    names = competitors_of(group, settings)
    by_device = list(dict.fromkeys(device_of(name, settings) for name in names))
    counters = {device: energy.find(device) for device in by_device}

    def competitor(name: str, device: str, silent: bool = False, group: Group = group) -> Competitor:
        problem = problems.get(name) or (missing_mpi(name, group, device) if group.ranks > 1 else None)
        made = Competitor(name, group, settings.threads, device, problem, silent, counters[device])
        made.most_sample_seconds = settings.sample_seconds
        return made

    yardsticks = {device: competitor("triad", device) for device in by_device}
    competitors = [competitor(name, device_of(name, settings)) for name in names]
    beside = dict.fromkeys(names, Beside())
    others: list[Competitor] = []
    if group.gradient_steps:
        forward = {device: competitor(FORWARD, device) for device in by_device}
        beside = {each.name: Beside(forward=forward[each.device]) for each in competitors}
        others = list(forward.values())
    elif group.ranks > 1 and settings.messages:
        bases = {}
        if 1 in ranks_wanted(settings, group.precision):
            bases = {device: competitor("triad", device, group=group.alone) for device in yardsticks}
        for each in competitors:
            beside[each.name] = Beside(competitor(each.name, each.device, silent=True),
                                       competitor(each.name, each.device, group=group.alone) if bases else None,
                                       bases.get(each.device))
        others = [*bases.values(), *(other for each in beside.values() for other in each[:2] if other)]
    return Lineup(yardsticks, competitors, beside, others)
