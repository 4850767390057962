"""`flux help`."""

from pathlib import Path

import pytest

import flux.cli
from flux.cli.help import topics
from flux.cli.main import run

DOCS = Path(flux.cli.__file__).parent.parent / "docs"


def test_every_page_is_a_topic_with_a_title(capsys) -> None:
    """The list has one line a page: its name and its heading."""
    assert run("flux", ["help"]) == 0

    shown = dict(line.split("\t") for line in capsys.readouterr().out.splitlines()[1:])
    assert set(shown) == {page.stem for page in DOCS.glob("*.md")}
    assert all(shown.values())


@pytest.mark.parametrize("topic", topics())
def test_a_topic_is_shown_whole(topic: str, capsys) -> None:
    """What is printed is the page."""
    assert run("flux", ["help", topic]) == 0

    assert capsys.readouterr().out == (DOCS / f"{topic}.md").read_text("utf-8")


def test_a_command_is_a_topic_too(capsys) -> None:
    """`flux help test` is `flux test --help`."""
    assert run("flux", ["help", "test"]) == 0
    assert "Usage: flux test" in capsys.readouterr().out


def test_an_unknown_topic_names_the_nearest(capsys) -> None:
    """Topics and commands alike are suggested."""
    assert run("flux", ["help", "instal"]) == 2
    assert "'install'" in capsys.readouterr().err
