"""The command line as tests call it, and a short run."""

import numpy

from dycore import cli

RUN = ["run", "baroclinic_channel", "--cells", "4,8,6", "--time-step", 600]


def dycore(capsys, *arguments):
    """Exit code, output and errors of a command line."""
    try:
        code = cli.main(list(map(str, arguments)))
    except SystemExit as end:  # argparse ends --help and --version so
        code = end.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def fields_of(capsys, tmp_path, *arguments):
    """What a run of these arguments writes with --state-out."""
    file = tmp_path / "fields.npz"
    code, _, err = dycore(capsys, *arguments, "--state-out", file)
    assert code == 0, err
    with numpy.load(file) as fields:
        return dict(fields)


def same(one, other):
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)
