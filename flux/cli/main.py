"""The program `flux`, under its other name `fluxd` too: the table of commands, and how it ends.

`fluxd` without a command serves; `fluxd --config FILE` is `fluxd serve --config FILE`. In everything
else the two names are one program. A command returns its exit code (None is 0) or raises a FluxError;
`exits.py` turns that into words and a code. Nothing but click is imported before a command is known.
"""

import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final, NoReturn

import click

from flux.cli import exits, render
from flux.cli.lazy import Entry, LazyGroup
from flux.errors import FluxError

COMMANDS: Final = (
    Entry(name="demo", target="flux.cli.demo:demo", help="Show an execution that survives kill -9."),
    Entry(name="dev", target="flux.cli.dev:dev", help="Start a daemon here: ./workflows watched, state in ./.flux."),
    Entry(name="run", target="flux.cli.run:run", help="Run a workflow."),
    Entry(name="list", target="flux.cli.executions:list_executions", help="List executions."),
    Entry(name="show", target="flux.cli.executions:show", help="Show one execution: state, why, tasks, output."),
    Entry(name="logs", target="flux.cli.history:logs", help="Show what an execution printed and logged."),
    Entry(name="events", target="flux.cli.history:events", help="Show the event log, or follow it."),
    Entry(name="resume", target="flux.cli.executions:resume", help="Answer a pause."),
    Entry(name="cancel", target="flux.cli.executions:cancel", help="Cancel an execution."),
    Entry(name="workflows", target="flux.cli.workflows:workflows", help="List the workflows, or show one."),
    Entry(name="status", target="flux.cli.status:status", help="Say how the daemon is."),
    Entry(name="principals", target="flux.cli.principals:principals", help="Say who may act, and by which roles."),
    Entry(name="keys", target="flux.cli.keys:keys", help="Make, replace and revoke API keys."),
    Entry(name="tui", target="flux.cli.tui:tui", help="Open the terminal UI."),
    Entry(name="serve", target="flux.cli.serve:serve", help="Run the daemon (what `fluxd` does without a command)."),
    Entry(name="test", target="flux.cli.checks:test", help="Run every check of this checkout."),
    Entry(name="bench", target="flux.cli.bench:bench", help="Measure, beside the limit of this machine."),
    Entry(name="bundle", target="flux.cli.bundle:bundle", help="Build one executable file with everything in it."),
    Entry(name="help", target="flux.cli.help:help_topic", help="Show a command's help or a topic of the manual."),
)


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the version and end, where `--version` was given."""
    if wanted:
        from flux.cli.version import show

        show()
        ctx.exit()


@click.group(cls=LazyGroup, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
@click.option("--no-color", is_flag=True, help="No colours; so does NO_COLOR, if it is not empty.")
# A hidden option, since any text in the variable means yes and no flag can say that.
@click.option("--no-color-variable", envvar="NO_COLOR", default="", hidden=True)
@click.pass_context
def cli(ctx: click.Context, no_color: bool, no_color_variable: str) -> None:
    """Durable workflows: drop a Python file into a folder, run it, kill it, it goes on."""
    if no_color or no_color_variable:
        ctx.color = False


def program(path: str) -> str:
    """`fluxd` if the program was started under a name that begins so, else `flux`."""
    return "fluxd" if PurePath(path).name.startswith("fluxd") else "flux"


def spelled_out(name: str, arguments: Sequence[str]) -> list[str]:
    """The arguments, with the `serve` that `fluxd` leaves out.

    An option in the first place belongs to `serve`, except the two that every program has.
    """
    given = list(arguments)
    if name != "fluxd" or given[:1] in (["--help"], ["-h"], ["--version"]):
        return given
    if not given or given[0].startswith("-"):
        return ["serve", *given]
    return given


def run(name: str, arguments: Sequence[str]) -> int:
    """The exit code, after doing what the arguments say."""
    try:
        answer = cli.main(spelled_out(name, arguments), prog_name=name, standalone_mode=False)
    except FluxError as error:
        return exits.report(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return exits.ExitCode.INTERRUPTED
    return answer if isinstance(answer, int) else exits.ExitCode.OK


def main() -> NoReturn:
    """Run as a program."""
    render.open_closed()
    sys.exit(run(program(sys.argv[0]), sys.argv[1:]))
