"""`flux help`: the manual's topics (`flux/docs/*.md`), and a command's own help by the same word."""

from importlib.resources import files

import click

from flux.cli import render
from flux.cli.exits import ExitCode


def topics() -> dict[str, str]:
    """Every topic with the first line of its page, sorted by name."""
    pages = sorted(files("flux").joinpath("docs").iterdir(), key=lambda page: page.name)
    return {
        page.name.removesuffix(".md"): _title(page.read_text("utf-8")) for page in pages if page.name.endswith(".md")
    }


def _title(page: str) -> str:
    return page.partition("\n")[0].lstrip("# ").strip()


@click.command("help")
@click.argument("topic", required=False)
@click.pass_context
def help_topic(ctx: click.Context, topic: str | None) -> ExitCode:
    """Show a topic of the manual, or a command's help. Without TOPIC, list the topics."""
    known = topics()
    if topic is None:
        render.rows(
            ({"topic": name, "about": title} for name, title in known.items()),
            [render.Column(key="topic"), render.Column(key="about")],
        )
        return ExitCode.OK
    if topic in known:
        render.data(files("flux").joinpath("docs", f"{topic}.md").read_text("utf-8"), end="")
        return ExitCode.OK
    return _of_command(ctx, topic, known)


def _of_command(ctx: click.Context, name: str, known: dict[str, str]) -> ExitCode:
    """The help of the command `name`; if there is none, the error names the words nearest to it."""
    parent = ctx.parent
    if parent is None or not isinstance(parent.command, click.Group):
        raise click.NoSuchCommand(name, possibilities=known, ctx=ctx)
    names = parent.command.list_commands(parent)
    command = parent.command.get_command(parent, name) if name in names else None
    if command is None:
        raise click.NoSuchCommand(name, f"No topic and no command {name!r}.", [*known, *names], ctx)
    with click.Context(command, info_name=name, parent=parent) as its_own:
        render.data(command.get_help(its_own))
    return ExitCode.OK
