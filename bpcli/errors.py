"""nothing in -> the exceptions that a user can cause and mend, each with its exit code."""


class BpcliError(Exception):
    """One or more sentences for the user; `exit_code` is what the command line ends with."""

    exit_code = 2


class ConfigError(BpcliError):
    """A configuration that cannot be used; one line `FILE:LINE: key: ...` per mistake in it."""


class DatasetError(BpcliError):
    """Image or label files that are missing, damaged or do not belong together."""


class CheckpointError(BpcliError):
    """A model file that cannot be read, or a place where none can be written."""


class SaveError(CheckpointError):
    """A model that could not be written after all; the file that stood there is intact."""

    exit_code = 1


class ExpressionError(BpcliError):
    """An expression that is none, or has no value or derivative; shows where with a caret."""


class DivergedError(BpcliError):
    """Training whose loss is no longer a finite number."""

    exit_code = 1
