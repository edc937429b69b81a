"""a model in -> a file for other programs out: `bpcli export`."""

import click

from bpcli.cli.options import FILE
from bpcli.cli.terminal import complain

FORMS = (".onnx", ".safetensors")


@click.command("export")
@click.argument("model", type=FILE)
@click.option(
    "-o", "--output", type=FILE, required=True, help="The file: an .onnx or a .safetensors."
)
def export_command(model: str, output: str) -> None:
    """Write MODEL for other programs: as ONNX, or its weights as PyTorch's Sequential takes them.

    \b
    bpcli export model.npz -o digits.onnx
    """
    from bpcli.export import preparation, to_onnx, to_safetensors
    from bpcli.files.result import check_result, write_result
    from bpcli.training import load

    form = check_result(output, FORMS)
    saved = load(model)
    write_result(output, to_onnx(saved) if form == ".onnx" else to_safetensors(saved))
    words = preparation(saved, form)
    if words:
        complain(f"{output}: {words}")
