"""Rows of captured output."""

from flux.store import logs
from flux.store.logs import Line


def test_lines_come_back_in_the_order_in_which_they_arrived(tx):
    """Whatever their instants say; those of other executions are not among them."""
    logs.append(tx, [(1, None, 0, "stdout", 20, "b\n"), (2, "x#1", 1, "stderr", 5, "other\n")])
    logs.append(tx, [(1, "a#1", 2, "INFO", 10, "ä\n")])

    assert logs.of(tx, 1) == [
        Line(1, None, 0, "stdout", 20, "b\n"),
        Line(3, "a#1", 2, "INFO", 10, "ä\n"),
    ]


def test_output_is_read_in_pieces(tx):
    """After a line, at most so many."""
    logs.append(tx, [(1, None, 0, "stdout", 0, str(number)) for number in range(5)])

    assert [line.text for line in logs.of(tx, 1, after=2, limit=2)] == ["2", "3"]
    assert logs.of(tx, 1, after=5) == []
