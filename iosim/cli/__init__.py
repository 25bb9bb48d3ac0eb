"""The command line. Verbs are imported when they are called, and what they need only when they work."""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from iosim.cli.talk import talk
from iosim.compiled import MODE
from iosim.errors import IosimError
from iosim.version import VERSION

VERBS = {
    "run": "iosim.cli.run",
    "sweep": "iosim.cli.sweep",
    "compare": "iosim.cli.compare",
    "check": "iosim.cli.check",
    "explain": "iosim.cli.explain",
    "list": "iosim.cli.bundled",
    "new": "iosim.cli.new",
    "schema": "iosim.cli.schema",
    "devices": "iosim.cli.devices",
    "verify": "iosim.cli.verify",
    "report": "iosim.cli.report",
    "doctor": "iosim.cli.doctor",
}
INTERRUPTED = 130


class Verbs(click.Group):
    """Finds each verb in its own file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name]).command
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(VERSION, message=f"iosim {VERSION}, {MODE}")
def iosim() -> None:
    """Simulate the Windows NT I/O manager and its completion ports.

    A SCENARIO is a bundled name ('iosim list') or a file, written './mine.yaml'.

    Exit status: 0 good, 1 unexpected failure, 2 wrong input, 3 an expectation or a tolerance missed or undecided, 4
    cells of a study failed, 5 a conservation law broken, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    _never_choke_on_letters()
    try:
        status = iosim.main(arguments, prog_name="iosim", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        talk("interrupted")
        return INTERRUPTED
    except IosimError as error:
        talk(str(error))
        return error.exit_status
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    """A failure of ours; the way to see more is an environment variable, so that the usual output stays short."""
    if os.environ.get("IOSIM_DEBUG"):
        raise error
    talk(f"iosim failed: {type(error).__name__}: {error}")
    talk("This is a fault of iosim, not of your input; IOSIM_DEBUG=1 shows where it happened.")
    return 1


def _never_choke_on_letters() -> None:
    """Text that the terminal's encoding lacks is escaped instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
