"""Pictures of the gallery and of the catalogue, small enough to be kept with the source: `python -m docs.pictures [NAME ...]`.

Names are those of examples and cases; without any, all are drawn anew (most of an hour). What a simulated day of a case takes is
measured meanwhile, and kept in run_times.json.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dycore import Model, cases, pictures
from dycore.check.machine import processor

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
LARGEST, WIDTH, COLOURS = 60_000, 720, 128  # bytes, pixels, and colours of a picture
# what is drawn of a case, and after how many days
SHOWN = {"baroclinic_channel": ("temperature", 60.0), "baroclinic_wave": ("surface_pressure", 9.0),
         "barotropic_gyre": ("sea_surface_height", 60.0), "barotropic_jet": ("relative_vorticity", 6.0),
         "flow_over_mountain": ("sea_surface_height", 15.0), "global_ocean": ("temperature", 15.0),
         "held_suarez": ("potential_temperature", 60.0), "rossby_haurwitz_wave": ("sea_surface_height", 7.0),
         "southern_channel": ("temperature", 20.0), "steady_zonal_flow": ("sea_surface_height", 1.0)}


def small(drawn: Path, path: Path) -> None:
    """A picture with few pixels and colours. Raises ValueError where it is too large even so."""
    from PIL import Image

    with Image.open(drawn) as picture:
        least = picture.convert("RGB")
        least.thumbnail((WIDTH, WIDTH))
        least.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1).save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, more than {LARGEST}: draw less in it.")


def draw_example(name: str, drawn: Path) -> None:
    """The picture that an example draws, in a process of its own."""
    subprocess.run([sys.executable, ROOT / "examples" / f"{name}.py", drawn], check=True, cwd=drawn.parent)


def draw_case(name: str, drawn: Path) -> float:
    """The picture of a case at its own size, and the processor time (s) that a simulated day took."""
    from dycore.backends import on_numba  # here, because tests read what is above without it

    field, days = SHOWN[name]
    grid, parameters, state = cases.CASES[name]()
    model = Model(grid, parameters, on_numba)
    state = model.run(state, steps=1, progress=False)  # compiles
    begun = time.process_time()
    state = model.run(state, days=days, progress=False)
    seconds = (time.process_time() - begun) / days
    pictures.map_of(pictures.field(model.dataset(state), field)).savefig(drawn)
    return seconds


def keep_time(name: str, seconds: float) -> None:
    """Keep what a simulated day of a case took (s) beside those of others."""
    path = FOLDER / "run_times.json"
    times: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    times |= {name: float(f"{seconds:.3g}"), "on": f"processor time of Numba on one core of {processor()}"}
    path.write_text(json.dumps(dict(sorted(times.items())), indent=1) + "\n")


def main(names: list[str]) -> None:
    """Draw these, or all."""
    examples = [path.stem for path in sorted((ROOT / "examples").glob("*.py"))]
    FOLDER.mkdir(exist_ok=True)
    for name in names or [*examples, *SHOWN]:
        with TemporaryDirectory() as folder:
            drawn = Path(folder) / "drawn.png"
            if name in SHOWN:
                keep_time(name, draw_case(name, drawn))
                small(drawn, FOLDER / f"case_{name}.png")
            else:
                draw_example(name, drawn)
                small(drawn, FOLDER / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
