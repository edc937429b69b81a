"""words where a configuration is expected in -> the one that is one, or where they belong, out."""

from collections.abc import Sequence
from typing import Any

import click

MODELS = (".npz", ".npz.part")
DATA = (".csv", ".gz", "-ubyte", ".parquet")


def take_configuration(
    context: click.Context, parameter: click.Parameter, words: Sequence[str]
) -> str | None:
    """Return the name of a configuration among the arguments of a command, None if there is none.

    Raises UsageError if one belongs elsewhere, or there are two.
    """
    command = str(context.info_name)
    for word in words:
        hint = _find_place(word, command, is_resumed="--resume" in _said(context))
        if hint:
            raise click.UsageError(hint, context)
    if len(words) > 1:
        raise click.BadParameter(
            f"found {len(words)} configurations, expected one", context, parameter
        )
    return words[0] if words else None


def _said(context: click.Context) -> Sequence[str]:
    """Return what stands on the command line, as it is kept before it is parsed."""
    said: Any = context.meta.get("arguments", [])
    return [str(word) for word in said]


def _find_place(word: str, command: str, *, is_resumed: bool) -> str:
    """Say where a word belongs that is no configuration, "" of one that may be."""
    from bpcli.files.path import exists, look
    from bpcli.files.settings import explain_code, list_own

    name = word.lower()
    if "=" in word and not exists(word):
        return f"{word}: keys of the configuration are set by -s {word}"
    if explain_code(word):
        return explain_code(word)
    if name.endswith(MODELS) and command == "train":
        model = word[: -len(".part")] if name.endswith(".part") else word
        other = "" if is_resumed else f", and --init {word} begins with its weights"
        return (
            f"{word}: a model is no configuration; bpcli train -o {model} --resume goes on with "
            f"its run{other}"
        )
    if name.endswith(DATA) or (look(word) == "folder" and word not in list_own()):
        return f"{word}: data are no configuration; they are named by -s dataset.source={word}"
    return ""
