"""Which daemon, and which execution."""

import pytest

from flux.cli import connect
from flux.cli.exits import ExitCode
from flux.cli.main import run
from flux.client.blocking import SyncClient
from flux.errors import NotFound


def test_without_a_daemon_the_error_says_where_and_what_to_do(around, tmp_path, capsys) -> None:
    """Code 6, the address, and the command that would help."""
    around.setenv("FLUX_URL", f"unix:{tmp_path}/none")

    assert run("flux", ["list"]) == ExitCode.UNREACHABLE

    words = capsys.readouterr().err
    assert f"unix:{tmp_path}/none" in words
    assert "flux dev" in words


def test_the_option_wins_over_the_environment(daemon, around, capsys) -> None:
    """`--url` is what was said last."""
    around.setenv("FLUX_URL", "unix:/no/such/socket")

    assert run("flux", ["status", "--url", daemon, "--json"]) == ExitCode.OK
    assert daemon in capsys.readouterr().out


def test_the_newest_and_the_newest_failed_have_names(client: SyncClient) -> None:
    """`@last` and `@failed` save copying ids."""
    failed = client.run("refused", "no")["execution_id"]
    done = client.run("echo", 1)["execution_id"]

    assert connect.execution_id(client, "@last") == done
    assert connect.execution_id(client, "@failed") == failed
    assert connect.execution_id(client, "01ABC") == "01ABC"


def test_another_word_with_an_at_sign_is_answered_with_those_that_are(client: SyncClient) -> None:
    """A typing mistake is not asked for at the daemon."""
    with pytest.raises(NotFound) as caught:
        connect.execution_id(client, "@lats")

    assert caught.value.facts["suggestions"] == ["@failed", "@last"]
