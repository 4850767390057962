"""`flux principals`: who may act, and by which roles."""

import click

from flux.cli import render
from flux.cli.forms import LISTED, form_option
from flux.cli.render import Column, Form
from flux.client.access import AccessClient, PrincipalView

_COLUMNS = (
    Column(key="id"),
    Column(key="subject"),
    Column(key="type"),
    Column(key="enabled"),
    Column(key="roles"),
    Column(key="last_seen_at", heading="LAST SEEN"),
)


@click.group()
def principals() -> None:
    """Who may act, and by which roles."""


@principals.command("list")
@form_option(*LISTED)
def list_principals(form: Form | None) -> None:
    """List everybody: users of this machine, service accounts, the admin."""
    with AccessClient() as client:
        render.rows(client.principals(), _COLUMNS, form)


@principals.command()
@click.argument("principal")
def show(principal: str) -> None:
    """Show one principal, by id or subject."""
    with AccessClient() as client:
        render.value(client.principal(principal))


@principals.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role it gets; may be given again.")
@click.option("--display-name", default="", help="What people read.")
def create(name: str, roles: tuple[str, ...], display_name: str) -> None:
    """Make the service account NAME."""
    with AccessClient() as client:
        _say(client.make_service_account(name, roles=roles, display_name=display_name))


@principals.command()
@click.argument("principal")
@click.argument("role")
def grant(principal: str, role: str) -> None:
    """Give ROLE to a principal."""
    with AccessClient() as client:
        _say(client.grant(principal, role))


@principals.command()
@click.argument("principal")
@click.argument("role")
def revoke(principal: str, role: str) -> None:
    """Take ROLE from a principal."""
    with AccessClient() as client:
        _say(client.revoke(principal, role))


@principals.command()
@click.argument("principal")
def enable(principal: str) -> None:
    """Let a principal act again."""
    with AccessClient() as client:
        _say(client.enable(principal))


@principals.command()
@click.argument("principal")
def disable(principal: str) -> None:
    """Refuse a principal from its next request on; what it did stays."""
    with AccessClient() as client:
        _say(client.disable(principal))


def _say(found: PrincipalView) -> None:
    """The id on stdout for whoever goes on with it, the rest in words."""
    state = "enabled" if found["enabled"] and not found["banned"] else "disabled"
    render.say(f"{found['subject']} ({found['type']}) is {state}, roles: {', '.join(found['roles']) or 'none'}")
    render.data(found["id"])
