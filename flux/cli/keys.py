"""`flux keys`: the API keys of service accounts."""

import click

from flux.cli import render
from flux.cli.forms import LISTED, form_option
from flux.cli.render import Column, Form
from flux.client.access import AccessClient, IssuedKey

_STATES = {"good": "green", "replaced": "yellow", "expired": "red", "revoked": "red"}
_COLUMNS = (
    Column(key="id"),
    Column(key="account"),
    Column(key="name"),
    Column(key="prefix"),
    Column(key="state", colour=_STATES),
    Column(key="expires_at", heading="EXPIRES"),
    Column(key="last_used_at", heading="LAST USED"),
)


@click.group()
def keys() -> None:
    """API keys of service accounts."""


@keys.command("list")
@click.argument("account", required=False)
@form_option(*LISTED)
def list_keys(account: str | None, form: Form | None) -> None:
    """List keys, or those of one ACCOUNT; never the keys themselves."""
    with AccessClient() as client:
        render.rows(client.keys(account), _COLUMNS, form)


@keys.command()
@click.argument("account")
@click.option("--name", default="", help="What it is for.")
@click.option("--expires-in", metavar="DURATION", help="Such as 30d or 12h; without it, good until revoked.")
@click.option("--permission", "permissions", multiple=True, help="Good for this only; may be given again.")
def create(account: str, name: str, expires_in: str | None, permissions: tuple[str, ...]) -> None:
    """Make a key of the service account ACCOUNT and print it, this once."""
    with AccessClient() as client:
        _show(client.make_key(account, name=name, expires_in=expires_in, permissions=permissions or None))


@keys.command()
@click.argument("key")
@click.option("--overlap", default="0", metavar="DURATION", help="For how long the old key still works.")
def rotate(key: str, overlap: str) -> None:
    """Replace a key (KEY is its id) and print the new one, this once."""
    with AccessClient() as client:
        _show(client.rotate_key(key, overlap=overlap))


@keys.command()
@click.argument("key")
def revoke(key: str) -> None:
    """Refuse a key (KEY is its id) from now on."""
    with AccessClient() as client:
        revoked = client.revoke_key(key)
    render.say(f"{revoked['prefix']}… of {revoked['account']} opens nothing any more")


def _show(issued: IssuedKey) -> None:
    """The key on stdout, alone, so that it can go into a file; the words beside it."""
    until = "until it is revoked" if issued["expires_at"] is None else f"until {issued['expires_at']}"
    render.say(f"key {issued['id']} of {issued['account']}, good {until}; it is shown only now:")
    render.data(issued["key"])
