"""the name of a command in -> that command; what each needs is imported when it runs.

So `--help` stays quick, and the number of BLAS threads is settled before numpy is imported.
"""

import click

from bpcli import __version__
from bpcli.cli.compare import compare_command
from bpcli.cli.config import config_command
from bpcli.cli.data import data_command
from bpcli.cli.eval import eval_command
from bpcli.cli.export import export_command
from bpcli.cli.gradcheck import gradcheck_command
from bpcli.cli.graph import graph_command
from bpcli.cli.info import info_command
from bpcli.cli.predict import predict_command
from bpcli.cli.report import report_command
from bpcli.cli.shell import Shell
from bpcli.cli.train import train_command
from bpcli.cli.tune import tune_command


@click.group(cls=Shell, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="bpcli %(version)s")
def main() -> None:
    """Train a neural network on MNIST by backpropagation, and prove its gradients.

    \b
    bpcli train                    train the book's two-layer net
    bpcli eval model.npz           measure it
    bpcli predict model.npz my.jpg read a digit of your own
    bpcli gradcheck                compare its gradients with numerical ones
    bpcli graph 'x * x' x=3        see the chain rule at work
    """


for command in (
    train_command,
    eval_command,
    predict_command,
    compare_command,
    report_command,
    gradcheck_command,
    graph_command,
    data_command,
    tune_command,
    export_command,
    config_command,
    info_command,
):
    main.add_command(command)
