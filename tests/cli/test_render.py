"""The only printer: what goes to a terminal, what goes into a pipe, and that no value can harm either."""

import csv
import io
import json
import subprocess
import sys
from typing import cast

import click
import pytest

from flux.cli import render
from flux.cli.render import STATES, Column, Form
from tests.cli.terminal import on_a_terminal

COLUMNS = [Column(key="id"), Column(key="state", colour=STATES), Column(key="why")]
ROWS: list[dict[str, object]] = [
    {"id": "01A", "state": "COMPLETED", "why": None, "took": 1.5},
    {"id": "01BCD", "state": "FAILED", "why": "tab\there\nand a line", "took": None},
]


def test_a_pipe_gets_one_row_a_line(capsys) -> None:
    """Tabs and line ends inside a value are spelled out, so that `cut` and `while read` are right."""
    render.rows(ROWS, COLUMNS)

    assert capsys.readouterr().out == "id\tstate\twhy\n01A\tCOMPLETED\t\n01BCD\tFAILED\ttab\\there\\nand a line\n"


def test_a_terminal_gets_aligned_columns_and_colours() -> None:
    """Headings in bold, states in their colours, columns as wide as their widest value."""
    shown = on_a_terminal(lambda: render.rows(ROWS, COLUMNS))

    assert shown.splitlines()[:2] == [
        "\x1b[1mID\x1b[0m     \x1b[1mSTATE\x1b[0m      \x1b[1mWHY\x1b[0m",
        "01A    \x1b[32mCOMPLETED\x1b[0m",
    ]


def test_the_last_column_ends_at_the_edge() -> None:
    """A long last value is cut with an ellipsis instead of breaking the table."""
    rows = [{"id": "1", "state": "FAILED", "why": "x" * 200}]

    shown = on_a_terminal(lambda: render.rows(rows, COLUMNS), columns=40)

    assert shown.splitlines()[1].endswith("x…")
    assert shown.splitlines()[1].count("x") == 40 - len("ID  FAILED  …")


def test_wide_characters_keep_the_columns_straight() -> None:
    """An ideograph takes two cells, a combining accent none."""
    rows = [{"id": "注文", "state": "a"}, {"id": "e\u0301", "state": "b"}]

    lines = on_a_terminal(lambda: render.rows(rows, COLUMNS[:2])).splitlines()

    assert lines[1:] == ["注文  a", "e\u0301     b"]


def test_no_color_means_none() -> None:
    """With colours off in the click context, a terminal gets plain text."""
    with click.Context(click.Command("x")) as context:
        context.color = False
        shown = on_a_terminal(lambda: render.rows(ROWS, COLUMNS))

    assert "\x1b" not in shown


def test_a_value_cannot_steer_the_terminal() -> None:
    """Escape sequences, carriage returns and characters that reorder text are shown, not obeyed."""
    hostile = "\x1b]0;title\x07\r\u202egnp.exe"

    in_table = on_a_terminal(lambda: render.rows([{"id": hostile}], [COLUMNS[0]]))
    as_data = on_a_terminal(lambda: render.data(hostile))

    for shown in (in_table.partition("\n")[2], as_data):
        assert shown == "\\x1b]0;title\\x07\\r\\u202egnp.exe\n"


def test_data_in_a_pipe_is_left_as_it_is(capsys) -> None:
    """What somebody saves to a file is what the workflow wrote."""
    render.data("\x1b[1mbold\x1b[0m", end="")

    assert capsys.readouterr().out == "\x1b[1mbold\x1b[0m"


def test_json_has_whole_rows(capsys) -> None:
    """JSON and JSONL carry every key, also those that no column shows."""
    render.rows(ROWS, COLUMNS, Form.JSON)
    render.rows(ROWS, COLUMNS, Form.JSONL)

    whole, *lines = capsys.readouterr().out.splitlines()
    assert json.loads(whole) == ROWS
    assert [json.loads(line) for line in lines] == ROWS


def test_csv_is_read_back_by_a_csv_reader(capsys) -> None:
    """Values with commas and quotes are quoted."""
    render.rows([{"id": 'a "b", c', "state": {"x": 1}}], COLUMNS, Form.CSV)

    header, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["id", "state", "why"]
    assert row == ['a "b", c', '{"x": 1}', ""]


def test_ids_alone(capsys) -> None:
    """`-o id` feeds `xargs`; what has no id is known by its first column."""
    render.rows(ROWS, COLUMNS, Form.ID)
    render.rows([{"name": "hello"}], [Column(key="name")], Form.ID)

    assert capsys.readouterr().out == "01A\n01BCD\nhello\n"


def test_words_go_to_stderr(capsys) -> None:
    """stdout stays clean for the next program."""
    render.say("working")
    render.problem("no such file")

    assert capsys.readouterr() == ("", "working\nerror: no such file\n")


def test_a_reader_that_leaves_early_ends_the_program_quietly() -> None:
    """`flux events | head -1` is no failure and prints no traceback."""
    endless = "from flux.cli import render\nwhile True: render.data('line')"
    with subprocess.Popen([sys.executable, "-c", endless], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        stdout, stderr = cast("io.BytesIO", program.stdout), cast("io.BytesIO", program.stderr)
        first = stdout.readline()
        stdout.close()
        said = stderr.read()

    assert (first, said, program.returncode) == (b"line\n", b"", 0)


@pytest.mark.parametrize("state", STATES)
def test_every_colour_of_a_state_exists(state: str) -> None:
    """No state is shown in a colour that nobody defined."""
    assert on_a_terminal(lambda: render.say(state, colour=STATES[state])).startswith("\x1b[")


def test_a_hint_is_for_people_only(capsys) -> None:
    """Advice on a terminal; a program that reads our stderr is spared it."""
    render.hint("try this")

    assert capsys.readouterr().err == ""
    assert "try this" in on_a_terminal(lambda: render.hint("try this"))


def test_fields_stand_under_each_other(capsys) -> None:
    """Names and values, the values in one column, with nothing in them that a terminal would obey."""
    render.fields([("id", "01A"), ("state", "FAILED"), ("why", "a\x1b[2J")])

    assert capsys.readouterr().out == "id     01A\nstate  FAILED\nwhy    a\\x1b[2J\n"


def test_a_growing_table_shows_each_row_at_once() -> None:
    """A row is on the screen before the next one is there; columns widen as they must."""
    seen: list[str] = []

    def rows():
        yield {"id": "1", "state": "FAILED"}
        seen.append("asked for the second")
        yield {"id": "a longer one", "state": "FAILED"}

    shown = on_a_terminal(lambda: render.growing(rows(), COLUMNS[:2]))

    assert [line.split() for line in shown.splitlines()[1:]] == [
        ["1", "\x1b[31mFAILED\x1b[0m"],
        ["a", "longer", "one", "\x1b[31mFAILED\x1b[0m"],
    ]
    assert seen == ["asked for the second"]


def test_clearing_is_for_terminals(capsys) -> None:
    """A pipe gets no escape sequences from us."""
    render.clear()

    assert capsys.readouterr().out == ""
    assert on_a_terminal(render.clear) == "\x1b[H\x1b[2J"


@pytest.mark.parametrize("write", [render.rows, render.growing], ids=["rows", "growing"])
def test_rows_that_cannot_be_read_leave_no_heading(write, capsys) -> None:
    """An error is all that is shown; no program takes a heading for an empty list."""

    def unreachable():
        raise ConnectionError
        yield {}

    with pytest.raises(ConnectionError):
        write(unreachable(), COLUMNS)
    assert capsys.readouterr().out == ""
