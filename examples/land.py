"""Land: a network makes parameters of carbon and water of maps, from what is seen here and there, and says what is known.

`python examples/land.py PICTURE` takes some three minutes of a core; `dycore.learning.twin_land` says what is seen.
"""

import sys

import numpy as np

from dycore import learning
from dycore.learning.land_experiment import experiment, table_of
from dycore.learning.land_modules import PROCESS
from dycore.learning.twin_land import twin_land

MONTH = 30  # days


def by_month(values):
    """Means over months [month, ...] of daily values [time, ...]."""
    return np.reshape(values[:len(values) // MONTH * MONTH], (-1, MONTH, *np.shape(values)[1:])).mean(axis=1)


def draw(twin, results, path):
    """Picture of GPP in a column that was not seen, of GPP of all of these, and of the net exchange of the region."""
    from matplotlib.figure import Figure

    figure, unseen = Figure(figsize=(15.0, 4.5), layout="constrained"), np.flatnonzero(~twin.known.ravel())
    days, places, region = figure.subplots(1, 3)
    true = twin.true.gpp.reshape(len(twin.true.gpp), -1)
    days.plot(true[:, unseen[0]], "k", lw=1)
    for who, result in results.items():
        days.plot(result.runs.gpp[..., unseen[0]].mean(axis=1), lw=1, label=who)
        places.plot(true[:, unseen].mean(axis=0), result.runs.gpp[..., unseen].mean(axis=(0, 1)), "o")
    days.set(title="a column that was not seen", xlabel="day", ylabel="GPP (g C/(m2 day))")
    places.set(title="columns that were not seen", xlabel="true mean GPP (g C/(m2 day))", ylabel="estimated")
    exchange = by_month(results["network"].regional)
    region.plot(exchange, "C0", lw=0.7, alpha=0.5, label=["members", *[None] * (exchange.shape[1] - 1)])
    region.plot(by_month(twin.true.net_exchange.mean(axis=(1, 2))), "k", label="truth")
    region.set(title="net exchange of the region", xlabel="month", ylabel="g C/(m2 day)")
    figure.legend(loc="outside upper center", ncols=4)
    figure.savefig(path)


def main(cells=(10, 12), days=730, members=8, passes=150, picture=None):
    """Returns results with maps and without them, and the posterior of the region's net exchange: (mean, spread, truth)."""
    twin = twin_land(1, cells, days)
    results = {who: experiment(twin, PROCESS, members=members, passes=passes, blind=blind)
               for who, blind in (("network", False), ("same everywhere", True))}
    exchange, true = results["network"].regional.mean(axis=0), float(twin.true.net_exchange.mean())
    months, truth = by_month(results["network"].regional), by_month(twin.true.net_exchange.mean(axis=(1, 2)))
    print(table_of(results))
    print(f"net exchange of the region: {exchange.mean():.3f} with a spread of {exchange.std(ddof=1):.3f}, truth {true:.3f} "
          f"g C/(m2 day); ranks of {len(truth)} months {learning.rank_histogram(months.T, truth)}")
    if picture:
        draw(twin, results, picture)
    return results, (exchange.mean(), exchange.std(ddof=1), true)


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
