"""nothing in -> the command line, as `bpcli` and as `python -m bpcli`."""

import signal
import sys


def run() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, whatever is being imported.

    Commands that save when they are stopped hear of signals as soon as they are there.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.argv[1:2] in (["train"], ["tune"]):
        from bpcli.cli.stopping import hold

        hold()
    from bpcli.cli.main import main

    main(prog_name="bpcli")


if __name__ == "__main__":
    run()
