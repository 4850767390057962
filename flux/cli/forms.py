"""`-o FORM` and `--json`: how a listing is asked for in another form."""

from collections.abc import Callable
from typing import TypeVar

import click

from flux.cli.render import Form

_C = TypeVar("_C", bound=Callable[..., object])

LISTED = (Form.TABLE, Form.JSON, Form.JSONL, Form.CSV, Form.ID)
"""What a list can be shown as; without `-o` it is a table on a terminal, tab-separated lines in a pipe."""


def form_option(*forms: Form) -> Callable[[_C], _C]:
    """The options `-o FORM` and `--json`, which arrive as `form: Form | None`."""
    choice = click.Choice(forms, case_sensitive=False)

    def add(command: _C) -> _C:
        long = click.option("-o", "--output", "form", type=choice, help="Another form of output.")
        short = click.option("--json", "form", type=choice, flag_value=Form.JSON, help="The same as -o json.")
        return long(short(command))

    return add
