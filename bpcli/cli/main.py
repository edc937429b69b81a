"""the name of a command in -> that command; each is imported when it is asked for.

So `--help` stays quick, and the number of BLAS threads is settled before numpy is imported.
"""

import importlib

import click

from bpcli import __version__
from bpcli.cli.shell import Shell

# What each command does, as its own help begins; it is in the room of its name.
SUMMARIES = {
    "compare": "Show side by side in which keys the runs of MODELs differ, and what they reached.",
    "config": "Print the complete configuration that CONFIG and -s amount to, as commented YAML.",
    "data": "Show what SOURCE holds: classes, rare, equal and empty images, and some pictures.",
    "eval": "Measure MODEL on images that it has not learnt from: accuracy, loss, F1, confusion "
    "matrix.",
    "exercise": "Make a sheet of the chapter's layers, an exam of graphs, or a layer with a "
    "mistake.",
    "export": "Write MODEL for other programs: as ONNX, or its weights as PyTorch's Sequential "
    "takes them.",
    "gradcheck": "Compare every gradient that backpropagation finds with a numerical one, in "
    "float64.",
    "graph": "Draw the computational graph of EXPRESSION with its values and derivatives.",
    "info": "Say which versions run here, and of MODEL what it is, what it reached and what wrote "
    "it.",
    "predict": "Say what PICTURE shows, a photograph or a drawing, and how it was prepared.",
    "report": "Write one page on MODEL: curve, mistakes, hidden units, and a paper to draw a digit "
    "on.",
    "train": "Train the network that CONFIG, a YAML file, describes; without CONFIG, the book's.",
    "tune": "Search for the best values of keys of CONFIG, by how each does on held-out images.",
}


class Menu(Shell):
    """The commands, by name; their summaries are known without them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the same for all
        return [*SUMMARIES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUMMARIES:
            return None
        room = importlib.import_module(f"bpcli.cli.{cmd_name}")
        command: click.Command = getattr(room, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):  # whole, where click would cut them off
            formatter.write_dl([*SUMMARIES.items()])


@click.group(cls=Menu, context_settings={"help_option_names": ["-h", "--help"]})
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
