"""A step compiled for a GPU that is not here, and its kernels: python -m dycore.benchmarks.gpu_target TARGET --case CASE --cells N

XLA compiles for a GPU from a description of it alone, the text form of its GpuTargetConfigProto: its source has files for many
(xla/backends/gpu/target_config/specs). It needs the wheels of JAX for CUDA, of the version of this JAX, unpacked into a folder,

    pip install --no-deps --target FOLDER jax-cuda12-pjrt==VERSION nvidia-cuda-nvcc-cu12

which is named by --wheels; no GPU, no driver. The kernels are those that such a GPU would run, and what they move is counted as in
kernels.py; how long they take, and what a cache saves, it cannot tell. --form is one of forms.py.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from dycore.benchmarks import kernels
from dycore.benchmarks.forms import FORMS, backend_of
from dycore.benchmarks.programs import use_double_precision

LISTED = 12  # kernels that move the most


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dycore.benchmarks.gpu_target",
                                     description="Count the kernels of a step on a GPU.")
    parser.add_argument("target", type=Path, metavar="TARGET", help="a file that describes the GPU")
    parser.add_argument("--wheels", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--case", default="baroclinic_channel")
    parser.add_argument("--cells", type=float, default=1e6, metavar="N", help="(default: 1e6)")
    parser.add_argument("--precision", choices=("float64", "float32"), default="float64")
    parser.add_argument("--form", choices=tuple(FORMS), default="as on GPUs")
    parser.add_argument("--hlo", type=Path, metavar="FILE", help="where the compiled program goes too")
    options = parser.parse_args()
    tools = options.wheels.resolve() / "nvidia" / "cuda_nvcc"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_cuda_data_dir={tools}".strip()
    os.environ["PATH"] = f"{tools / 'bin'}{os.pathsep}{os.environ['PATH']}"
    text, model, state = compiled(options)
    if options.hlo:
        options.hlo.write_text(text)
    show(kernels.of_a_step(text, 3), model, state, options.precision)
    return 0


def compiled(options: argparse.Namespace) -> tuple[str, Any, Any]:
    """The program of many steps as compiled for the target, the model and a state."""
    import jax
    from jax.sharding import SingleDeviceSharding

    from dycore import Model, cases

    if options.precision == "float64":
        use_double_precision()
    grid, parameters, first = getattr(cases, options.case)(cells=cases.cells_for(options.case, options.cells),
                                                           precision=options.precision)
    model = Model(grid, parameters, backend_of("jax", 1, None, options.form))
    state = model.asarrays(first)

    def steps(numbers: Any, state: Any, n: Any) -> Any:
        def several(_: Any, state: Any) -> Any:
            for _ in range(3):
                state = model._step(numbers, state)
            return state

        return jax.lax.fori_loop(0, n // 3, several, state)

    there = SingleDeviceSharding(device(options.wheels, options.target))
    arguments = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jax.numpy.shape(leaf), jax.numpy.result_type(leaf)),
                             (model.numbers, state, 3))
    program = jax.jit(steps, in_shardings=there, out_shardings=there)
    return program.trace(*arguments).lower(lowering_platforms=("cuda",)).compile().as_text(), model, state


def device(wheels: Path, target: Path) -> Any:
    """The first device of a description; programs can be compiled for it, and not run."""
    from jax._src.lib import xla_client  # the public way to a topology loads a driver first

    (library,) = wheels.glob("jax_plugins/xla_cuda*/xla_cuda_plugin.so")
    interface = xla_client.load_pjrt_plugin_dynamically("cuda", str(library))
    xla_client.initialize_pjrt_plugin("cuda")
    topology: Any = xla_client.make_c_api_device_topology(interface, "target", target_config=target.read_text(), topology="1x1x1")
    return topology._make_compile_only_devices()[0]


def show(counted: list[kernels.Kernel], model: Any, state: Any, precision: str) -> None:
    """What a step launches and moves, and the kernels that move the most."""
    cells = model.tile.cells
    for name, value in kernels.summary(counted, cells, len(state.tracers), precision).items():
        print(f"{name:<32} {value:.4g}")
    for each in sorted(counted, key=lambda each: -each.moved)[:LISTED]:
        print(f"  {each.name[:60]:<60} {each.times:6.2f} launches, {each.moved / 1e6:8.2f} MB")


if __name__ == "__main__":
    sys.exit(main())
