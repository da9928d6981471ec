"""Draw a file."""

import argparse
from pathlib import Path
from typing import Any

from dycore.commands.option_values import file_name, no_such, number
from dycore.commands.problems import BadInput, FailedRun
from dycore.commands.writable import why_not_this_file

KINDS = ("map", "section", "series", "animation")
OF_CARTOPY = {"robinson": "Robinson", "equal-earth": "EqualEarth", "mercator": "Mercator"}  # names in cartopy.crs
PROJECTIONS = ("mollweide", "orthographic", *OF_CARTOPY)


def add(command: Any) -> None:
    """Register the command with its options."""
    plot = command("plot", draw, "Draw a file: a map, a section, a time series or an animation.",
                   "  dycore plot ocean.nc\n"
                   "  dycore plot ocean.nc temperature --level 500 --time 30 --projection mollweide --at longitude=200\n"
                   "  dycore plot wave.zarr eastward_velocity --kind section\n"
                   "  dycore plot wave.zarr potential_temperature --kind section --at longitude=120\n"
                   "  dycore plot wave.zarr --kind series\n"
                   "  dycore plot wave.zarr surface_pressure --projection orthographic --at latitude=50 --output wave.gif\n"
                   "  dycore plot ocean.nc --projection robinson --at longitude=200 --coastlines")
    plot.add_argument("file", type=file_name, metavar="FILE", help="NetCDF or Zarr, as dycore writes it")
    plot.add_argument("field", nargs="?", metavar="FIELD",
                      help="one that the file holds, or speed, or relative_vorticity (default: surface pressure, or temperature, "
                           "or sea surface height; in a series all that the file holds)")
    plot.add_argument("--kind", choices=KINDS, help="(default: an animation for .gif and .mp4, else a map)")
    plot.add_argument("--level", type=number, metavar="L",
                      help="pressure in hPa, or depth in m; the nearest there is (default: next to the surface)")
    plot.add_argument("--time", type=number, metavar="DAY", help="the nearest there is (default: the last)")
    plot.add_argument("--at", type=place, nargs="+", default=[], metavar="NAME=VALUE",
                      help="longitude or latitude in degrees (grid_longitude, grid_latitude of a rotated grid), x or y in km: "
                           "where a section is (default: the zonal mean), or the middle of a projection")
    plot.add_argument("--projection", choices=PROJECTIONS,
                      help=f"of a sphere; {', '.join(OF_CARTOPY)} need cartopy (default: longitude by latitude)")
    plot.add_argument("--coastlines", action="store_true",
                      help="of the Earth: of Natural Earth where cartopy has its data here, else of global-land-mask")
    plot.add_argument("--output", type=file_name, metavar="PICTURE",
                      help=".png, .pdf, .svg or .jpg; .gif or .mp4 (default: FILE-FIELD-KIND.png or .gif, here)")


def place(text: str) -> tuple[str, float]:
    """One place on one axis: 'longitude=120'."""
    from dycore.pictures import PLACES

    name, _, value = text.partition("=")
    if name not in PLACES:
        raise argparse.ArgumentTypeError(f"'{text}' is not one of {', '.join(PLACES)} and a number, as in longitude=120")
    try:
        return name, number(value)
    except argparse.ArgumentTypeError as problem:
        raise argparse.ArgumentTypeError(f"{problem}, as in {name}=120") from None


def draw(options: argparse.Namespace) -> int:
    try:
        import matplotlib  # noqa: F401
        import xarray  # noqa: F401
    except ImportError as problem:
        raise BadInput(f"{problem.name} is not installed: pip install 'dycore[plot]'.") from problem
    from dycore import pictures

    kind = options.kind or ("animation" if options.output and options.output.suffix in pictures.MOVIES else "map")
    refuse_what_has_no_use(options, kind)
    try:
        dataset = pictures.opened(options.file)
        known = pictures.fields(dataset)
        if options.field is not None and options.field not in known:
            raise BadInput(no_such("field", options.field, known))
        names = [options.field or pictures.first_wanted(dataset, kind == "section" or options.level is not None)]
        if kind == "series" and options.field is None:
            names = [name for name in known if name in dataset]
        ending = "gif" if kind == "animation" else "png"
        output = options.output or Path(f"{options.file.stem}-{names[0] if len(names) == 1 else 'all'}-{kind}.{ending}")
        unwritable = why_unwritable(output, kind)
        if unwritable is not None:
            raise BadInput(unwritable)
        fields = read_fields(dataset, names, kind, options)
        write_picture(fields, kind, output, options)
    except ValueError as problem:
        raise BadInput(str(problem)) from problem
    print(f"wrote {output}")
    return 0


def read_fields(dataset: Any, names: list[str], kind: str, options: argparse.Namespace) -> list[Any]:
    """Fields that are to be drawn, in memory; what is not drawn is not read."""
    from dycore import pictures

    if kind in ("map", "animation") and not pictures.extends(pictures.source_of(dataset, names[0]), "XY"):
        raise BadInput(f"{names[0]} is on one horizontal axis alone: draw it with --kind section.")
    if options.time is None and kind in ("map", "section"):
        dataset = pictures.at_last(dataset)
    if options.level is None and kind in ("map", "animation"):
        dataset = pictures.one_level(dataset, pictures.source_of(dataset, names[0]))
    try:
        return [pictures.field(dataset, name, options.level, options.time).load() for name in names]
    except (OSError, RuntimeError) as problem:  # RuntimeError: of netCDF4
        raise FailedRun(f"'{options.file}' is damaged or cannot be read ({problem}).") from problem


def projection_of(name: str | None, at: dict[str, float]) -> Any:
    """A projection by its name, with a place in its middle."""
    from dycore import pictures

    if name == "orthographic":
        return pictures.orthographic(at.get("latitude", 40.0))
    if name not in OF_CARTOPY:
        return {"mollweide": pictures.mollweide, None: None}[name]
    try:
        from cartopy import crs
    except ImportError as problem:
        raise BadInput(f"the projection {name} is of cartopy, which is not installed: pip install 'dycore[maps]'.") from problem
    return getattr(crs, OF_CARTOPY[name])(central_longitude=at.get("longitude", 0.0))


def write_picture(fields: list[Any], kind: str, output: Path, options: argparse.Namespace) -> None:
    """Draw and write."""
    from dycore import pictures

    at = dict(options.at)
    projection, longitude = projection_of(options.projection, at), at.get("longitude", 0.0)
    try:
        if kind == "animation":
            pictures.animation(fields[0], output, projection, longitude, coastlines=options.coastlines)
            return
        figure = (pictures.series(fields) if kind == "series" else pictures.section(fields[0], **at) if kind == "section"
                  else pictures.map_of(fields[0], projection, longitude, options.coastlines))
        figure.savefig(output)
    except OSError as problem:
        raise FailedRun(f"the picture could not be written to '{output}': {problem.strerror or problem}.") from problem


def refuse_what_has_no_use(options: argparse.Namespace, kind: str) -> None:
    """An option that would change nothing is a mistake."""
    for given, name, use, useful in (
            (options.level is not None, "--level", "one level of a map, a series or an animation", kind != "section"),
            (options.time is not None, "--time", "a map or a section", kind in ("map", "section")),
            (options.projection, "--projection", "a map or an animation", kind in ("map", "animation")),
            (options.coastlines, "--coastlines", "a map or an animation", kind in ("map", "animation")),
            (options.at, "--at", "a section, or a map with a --projection", kind == "section" or options.projection)):
        if given and not useful:
            raise BadInput(f"{name} is for {use}, and this is {'an' if kind == 'animation' else 'a'} {kind}: leave it out.")
    places = [name for name, _ in options.at]
    middle = ["longitude", "latitude"] if options.projection == "orthographic" else ["longitude"] if options.projection else places
    for n, name in enumerate(places):
        if name in places[:n]:
            raise BadInput(f"--at gives {name} twice.")
        if name not in middle:
            raise BadInput(f"--at {name} changes nothing of this projection, whose middle is a {' and a '.join(middle)}.")
    latitude = dict(options.at).get("latitude", 0.0)
    if options.projection and abs(latitude) > 90.0:
        raise BadInput(f"--at latitude={latitude:g} is not from -90 to 90 degrees.")


def why_unwritable(path: Path, kind: str) -> str | None:
    """Found out before anything is drawn."""
    from dycore.pictures import MOVIES, STILLS

    endings = MOVIES if kind == "animation" else STILLS
    if path.suffix not in endings:
        return f"'{path}' ends in none of {', '.join(endings)}, and this is {'an' if kind == 'animation' else 'a'} {kind}."
    return why_not_this_file(path)
