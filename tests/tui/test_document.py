"""Values as coloured JSON."""

import json

import pytest

from tui import document
from tui.document import COLOURED, MAX
from tui.dossier import MISSING, Section
from tui.format import plain


@pytest.mark.parametrize(
    "value", [None, True, -1.5e10, 'a "quoted" \\ text', [], {}, {"a": [1, {"b": None}], "c:d": "e: f"}, "日本"]
)
def test_colour_changes_no_character(value: object) -> None:
    """What can be copied from the screen is the value."""
    text = "\n".join(plain(line) for line in document.value_lines(value))

    assert json.loads(text) == value


def test_keys_texts_numbers_and_constants_are_told_apart() -> None:
    """Each by its role."""
    assert document.colour('  "a: b": "1",') == (
        ("  ", "dim"),
        ('"a: b"', "json-key"),
        (": ", "dim"),
        ('"1"', "json-text"),
        (",", "dim"),
    )
    assert document.colour("[-1.5, true]")[1] == ("-1.5", "json-number")
    assert document.colour("[-1.5, true]")[3] == ("true", "json-constant")


def test_a_large_value_stays_plain() -> None:
    """Colour is not worth a second of waiting."""
    lines = document.value_lines(["x" * 100] * (COLOURED // 100))

    assert {role for line in lines for _, role in line} == {""}


def test_a_very_large_value_is_cut_and_says_so() -> None:
    """The CLI gives all of it."""
    lines = document.value_lines("x" * (MAX + 100))

    assert plain(lines[-1]).startswith("the first 2,097,152 of ")


def test_sections_stand_below_each_other() -> None:
    """What is not there yet says so; null is a value."""
    lines = document.section_lines([Section(title="INPUT", value=None), Section(title="OUTPUT", value=MISSING)])

    assert [plain(line) for line in lines] == ["INPUT", "null", "", "OUTPUT", "none yet"]
