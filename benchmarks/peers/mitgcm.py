"""MITgcm, built from the folder that MITGCM_ROOT names, with our own settings and input; its own timers say what a step took.

Time: user and system time of its section FORWARD_STEP, all that a step does, without monitor and output, which are off.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

from dycore.benchmarks.peers.peer import Case, Peer, ran
from dycore.benchmarks.problems import Failed

VARIABLE = "MITGCM_ROOT"
OPTIONS = "linux_amd64_gfortran"
OPTIMISATION = "-O3 -march=native -funroll-loops"
FORCING = "verification/hs94.128x64x5/code"  # of MITgcm: forcing of Held and Suarez, which is compiled in
CELLS = (20, 64, 128)
COMMON = "Adams-Bashforth 2, staggered; implicit free surface by conjugate gradients; vector-invariant momentum, upwind-3 tracers"
HELD_SUAREZ = Case("held_suarez", CELLS, f"{COMMON}; potential temperature; zonal filter by FFT and Shapiro filter on all fields, "
                   "no explicit friction", 60)
CHANNEL = Case("baroclinic_channel", CELLS, f"{COMMON}; temperature and salinity; harmonic friction and diffusion; flat z levels, "
               "linear free surface", 60)

SIZE = """      INTEGER sNx, sNy, OLx, OLy, nSx, nSy, nPx, nPy, Nx, Ny, Nr
      PARAMETER (sNx={nx}, sNy={ny}, OLx=3, OLy=3, nSx=1, nSy=1,
     &           nPx=1, nPy=1, Nx=sNx*nSx*nPx, Ny=sNy*nSy*nPy, Nr={nz})
      INTEGER MAX_OLX, MAX_OLY
      PARAMETER (MAX_OLX=OLx, MAX_OLY=OLy)
"""
SECTION = re.compile(r'section "FORWARD_STEP +\[.*?User time:\s+(\S+).*?System time:\s+(\S+).*?No\. starts:\s+(\d+)', re.DOTALL)


def missing() -> str | None:
    named = os.environ.get(VARIABLE)
    if not named:
        return f"MITgcm is not named: {VARIABLE}=FOLDER, with a clone of github.com/MITgcm/MITgcm in it"
    if not (Path(named) / "tools" / "genmake2").exists():
        return f"{VARIABLE} names '{named}', in which there is no tools/genmake2: name the root directory of MITgcm"
    absent = [program for program in ("gfortran", "gcc", "make") if shutil.which(program) is None]
    return f"MITgcm needs {' and '.join(absent)}: apt-get install gfortran gcc make" if absent else None


def start(case: Case, folder: Path) -> Callable[[], float]:
    """Build it for a case, write the input, and return what runs it."""
    root = Path(os.environ[VARIABLE]).resolve()
    mods, build, run = (folder / name for name in ("mods", "build", "run"))
    for place in (mods, build, run):
        place.mkdir()
    nz, ny, nx = case.cells
    (mods / "SIZE.h").write_text(SIZE.format(nz=nz, ny=ny, nx=nx))
    filters = ["shap_filt", "zonal_filt"] if case is HELD_SUAREZ else []
    (mods / "packages.conf").write_text("\n".join(["gfd", *filters, ""]))
    (folder / "options").write_text(f". {root}/tools/build_options/{OPTIONS}\nFOPTIM='{OPTIMISATION}'\nF90OPTIM=$FOPTIM\n")
    forcing = f" {root / FORCING}" if case is HELD_SUAREZ else ""
    ran([str(root / "tools" / "genmake2"), "-rootdir", str(root), "-mods", f"{mods}{forcing}", "-optfile", str(folder / "options")],
        build, "genmake2 of MITgcm")
    ran(["make", "depend"], build, "make depend of MITgcm")
    ran(["make"], build, "make of MITgcm")
    (held_suarez if case is HELD_SUAREZ else channel)(case, run)
    return lambda: seconds_per_step(ran([str(build / "mitgcmuv")], run, "MITgcm"), run / "STDERR.0000")


def seconds_per_step(output: str, complaints: Path) -> float:
    """User and system time of a step, from the timers at the end of what MITgcm prints. Raises Failed with what it complains of."""
    found = SECTION.search(output)
    if found is None or not int(found[3]):
        lines = complaints.read_text(errors="replace").splitlines() if complaints.exists() else []
        reason = next((line.partition("ERROR ***")[2].strip() for line in lines if "ERROR ***" in line), "it did not say why")
        raise Failed(f"MITgcm ended before its last step: {reason[:300]}")
    return (float(found[1]) + float(found[2])) / int(found[3])


def held_suarez(case: Case, folder: Path) -> None:
    """Our own case as near as MITgcm has it: the same grid and levels, 280 K and noise, filters for friction."""
    nz, ny, nx = case.cells
    pressure = 1e5 * (1.0 - (numpy.arange(nz) + 0.5) / nz)  # k = 1 is the lowest
    theta = 280.0 * (pressure / 1e5) ** (-2.0 / 7.0)
    noise = 0.1 * numpy.sin((numpy.arange(nx) + 2.0**0.5 * numpy.arange(ny)[:, None]) ** 2)
    write(folder / "theta", theta[:, None, None] + noise)
    write_input(folder, case, {"tRef": theta.tolist(), "buoyancyRelation": "ATMOSPHERIC", "eosType": "IDEALG", "gravity": 9.81,
                               "rhoConst": 1.0, "hFacMin": 1.0, "saltStepping": False, "sRef": [0.0] * nz},
                {"deltaT": 300.0},
                {"usingSphericalPolarGrid": True, "delX": [360.0 / nx] * nx, "delY": [180.0 / ny] * ny, "delR": [1e5 / nz] * nz,
                 "ygOrigin": -90.0, "rSphere": 6.371e6}, {"hydrogThetaFile": "theta"}, ["SHAP_FILT", "ZONAL_FILT"])
    (folder / "data.shap").write_text(namelist("SHAP_PARM01", {
        "Shap_funct": 2, "nShapT": 4, "nShapUV": 4, "shap_filt_uvStar": False, "shap_filt_TrStagg": True, "Shap_Trtau": 3600.0,
        "Shap_uvtau": 3600.0}))
    (folder / "data.zonfilt").write_text(namelist("ZONFILT_PARM01", {
        "zonal_filt_lat": 60.0, "zonal_filt_sinpow": 1, "zonal_filt_cospow": 1, "zonal_filt_uvStar": False,
        "zonal_filt_TrStagg": True}))


def channel(case: Case, folder: Path) -> None:
    """Our own channel: lengths, Coriolis parameter, ridge, wind, front, friction and diffusion; the southern row is land."""
    from dycore import cases
    from dycore.grid import interior

    nz, ny, nx = case.cells
    grid, parameters, state = cases.baroclinic_channel(cells=case.cells)
    spacing = 4.0e6 / nx
    bottom = -4000.0 + 1500.0 * numpy.exp(-(((numpy.arange(nx) + 0.5) * spacing - 2.0e6) / 3.0e5) ** 2) + numpy.zeros((ny, 1))
    bottom[0] = 0.0
    write(folder / "bottom", bottom)
    stress = 0.15 * numpy.sin(numpy.pi * (numpy.arange(ny) + 0.5) / ny) ** 2
    write(folder / "wind", stress[:, None] + numpy.zeros(nx))
    for name, tracer in zip(("theta", "salt"), state.tracers, strict=True):
        write(folder / name, numpy.asarray(interior(tracer))[::-1])  # k = 1 is the highest
    thickness = numpy.diff(grid.interfaces)[::-1].tolist()
    write_input(folder, case, {
        "tRef": [5.0] * nz, "sRef": [35.0] * nz, "eosType": "LINEAR", "tAlpha": 2e-4, "sBeta": 8e-4, "rhoConst": 1025.0,
        "f0": -1.1e-4, "beta": 1.4e-11, "selectCoriScheme": 0, "viscAh": 0.01 * spacing, "diffKhT": 0.001 * spacing,
        "diffKhS": 0.001 * spacing, "no_slip_sides": False, "no_slip_bottom": False, "hFacMin": 0.1},
        {"deltaT": float(parameters.time_step)},
        {"usingCartesianGrid": True, "delX": [spacing] * nx, "delY": [2.0e6 / ny] * ny, "delR": thickness},
        {"bathyFile": "bottom", "zonalWindFile": "wind", "hydrogThetaFile": "theta", "hydrogSaltFile": "salt"}, [])


def write_input(folder: Path, case: Case, physics: dict[str, Any], time: dict[str, Any], grid: dict[str, Any],
                files: dict[str, str], packages: list[str]) -> None:
    """`data`, `data.pkg` and `eedata`: what is special to a case, and what both cases share."""
    physics = {"implicitFreeSurface": True, "exactConserv": True, "vectorInvariantMomentum": True, "staggerTimeStep": True,
               "tempAdvScheme": 3, "saltAdvScheme": 3, "momTidalForcing": False, "readBinaryPrec": 64, **physics}
    time = {"nIter0": 0, "nTimeSteps": case.steps, "abEps": 0.1, "dumpFreq": 0.0, "monitorFreq": 0.0, "chkptFreq": 0.0,
            "pChkptFreq": 0.0, **time}
    solver = {"cg2dMaxIters": 500, "cg2dTargetResidual": 1e-7}
    (folder / "data").write_text("".join(namelist(f"PARM0{number + 1}", values)
                                         for number, values in enumerate((physics, solver, time, grid, files))))
    (folder / "data.pkg").write_text(namelist("PACKAGES", {f"use{name}": True for name in packages}))
    (folder / "eedata").write_text(namelist("EEPARMS", {"nTx": 1, "nTy": 1}))


def namelist(name: str, values: dict[str, Any]) -> str:
    return "\n".join([f" &{name}", *(f" {key}={word(value)}," for key, value in values.items()), " &", ""])


def word(value: Any) -> str:
    """A value as Fortran reads it."""
    if isinstance(value, list):  # lines may have 200 characters
        return ",\n   ".join(", ".join(map(word, value[first:first + 6])) for first in range(0, len(value), 6))
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    return f"'{value}'" if isinstance(value, str) else repr(float(value)) if isinstance(value, float) else str(value)


def write(path: Path, values: numpy.ndarray) -> None:
    """As MITgcm reads it: 64 bits, the most significant byte first."""
    values.astype(">f8").tofile(path)


MITGCM = Peer("mitgcm", "MITgcm", missing, (CHANNEL, HELD_SUAREZ), start)
