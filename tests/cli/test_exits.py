"""Exit codes and the words of errors."""

from collections.abc import Iterator

import pytest

from flux import errors
from flux.cli.exits import EXIT, ExitCode, report
from flux.errors import (
    Conflict,
    Denied,
    FluxError,
    InvalidConfiguration,
    InvalidInput,
    NotFound,
    Unreachable,
    WrongState,
)


def every_error(kind: type[FluxError] = FluxError) -> Iterator[type[FluxError]]:
    """All classes of the tree."""
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("x"), 2),
        (NotFound("x"), 3),
        (Denied("x"), 4),
        (errors.Unauthenticated("x"), 4),
        (Conflict("x"), 5),
        (WrongState("x"), 5),
        (Unreachable("x"), 6),
        (InvalidConfiguration("x"), 78),
        (FluxError("x"), 1),
        (errors.DiskFull("x"), 1),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, FluxError) else "",
)
def test_the_code_of_an_error_is_a_promise(error: FluxError, code: int, capsys) -> None:
    """Scripts depend on the numbers of the manual."""
    assert report(error) == code
    assert "error: x" in capsys.readouterr().err


def test_an_error_that_is_a_kind_of_another_ends_alike() -> None:
    """A special case of a mistake, a conflict, … has the code of the general one, except bad configuration."""
    for kind in every_error():
        if kind.code in EXIT:
            for below in every_error(kind):
                assert EXIT[below.code] in (EXIT[kind.code], ExitCode.CONFIGURATION), below


def test_no_code_is_left_over() -> None:
    """Every line of the table belongs to an error that exists."""
    assert set(EXIT) <= {kind.code for kind in every_error()}


def test_what_can_be_done_is_said(capsys) -> None:
    """Facts become lines below the message: place, pointers, permissions, actions, hints."""
    report(
        InvalidConfiguration(
            "lease must be a number",
            file="flux.toml",
            line=3,
            errors=[{"pointer": "/amount", "detail": "must be > 0"}, "and more"],
            missing_permissions=["workflow:a:b:run"],
            allowed=["resume", "cancel"],
            suggestions=["lease_time"],
            hint="Write 30s.",
        )
    )

    assert capsys.readouterr().err.splitlines() == [
        "error: lease must be a number",
        "  at flux.toml:3",
        "  /amount: must be > 0",
        "  and more",
        "  missing permission: workflow:a:b:run",
        "  possible now: resume, cancel",
        "  did you mean lease_time?",
        "  Write 30s.",
    ]


def test_a_detail_that_the_message_has_is_not_said_again(capsys) -> None:
    """The daemon's message about a malformed request lists its errors; the list comes with it."""
    report(InvalidInput("priority: at most 1000", errors=[{"pointer": "priority", "detail": "at most 1000"}]))

    assert capsys.readouterr().err == "error: priority: at most 1000\n"
