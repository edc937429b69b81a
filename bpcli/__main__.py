"""nothing in -> the command line, as `bpcli` and as `python -m bpcli`."""

import signal


def run() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, whatever is being imported."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bpcli.cli.main import main

    main(prog_name="bpcli")


if __name__ == "__main__":
    run()
