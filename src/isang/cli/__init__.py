"""The command line: one sub-command per stage; parse, call one function, print, leave with an exit code."""

import os
import sys
from typing import Annotated

import typer
from typer.core import TyperCommand

import isang
from isang.cli.finding import WithSeveral, compare, detect, feedback, reproduce
from isang.cli.judging import evaluate, report
from isang.cli.learning import demo, prepare, run, train
from isang.cli.serving import export, mcp, serve
from isang.errors import IsangError
from isang.formatting import guarded_output, printable_line

app = typer.Typer(
    name="isang",
    help="Learns what normal logs look like, finds what is not normal, and judges the training run it rests on.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"isang {isang.__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Entry of the command group."""


for command in (demo, run, prepare, train, report, evaluate, detect, feedback, reproduce, compare, serve, export, mcp):
    app.command(cls=WithSeveral if command is compare else TyperCommand)(command)


def main() -> None:
    """Run the command line; a user's mistake becomes one line and an exit code, never a traceback."""
    try:
        with guarded_output():
            app()
    except IsangError as error:
        _leave(printable_line(f"isang: {error}"), error.exit_code)
    except KeyboardInterrupt:
        _leave("isang: interrupted", 130)
    except BrokenPipeError:  # the reader of our output has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except MemoryError:
        _leave("isang: out of memory; use fewer logs at a time or a smaller --preset", 1)
    except Exception as error:
        if os.environ.get("ISANG_TRACEBACK"):
            raise
        _leave(
            printable_line(f"isang: internal error in isang: {type(error).__name__}: {error}") + "\n"
            "Run again with ISANG_TRACEBACK=1 to see where, and please report it.",
            1,
        )


def _leave(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)
