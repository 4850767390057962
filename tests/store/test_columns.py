"""Columns as the types that their tables promise."""

import pytest

from flux.errors import StorageError
from flux.store import columns


def test_values_of_the_right_type_pass():
    """What a STRICT table holds is handed on as it is."""
    assert columns.text("a") == "a"
    assert columns.number(7) == 7
    assert columns.blob(b"x") == b"x"
    assert columns.maybe_text(None) is None
    assert columns.maybe_number(None) is None


@pytest.mark.parametrize(
    ("read", "value"),
    [(columns.text, 1), (columns.text, None), (columns.number, "1"), (columns.blob, "x"), (columns.maybe_number, "1")],
)
def test_a_value_of_another_type_is_an_edited_file(read, value):
    """It is named as such at once, and not turned into something that looks right."""
    with pytest.raises(StorageError, match="it was edited"):
        read(value)
