"""How things are written."""

import pytest
from rich.cells import cell_len

from tui import format as write
from tui.format import ASCII, DAY, HOUR, MINUTE, SECOND, UNICODE

from .recorded import NOON


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (0, "0ms"),
        (80, "80ms"),
        (999, "999ms"),
        (4_100, "4.1s"),
        (9_999, "9.9s"),
        (31_400, "31s"),
        (124_000, "2m04s"),
        (3 * HOUR + 12 * MINUTE, "3h12m"),
        (6 * DAY + 4 * HOUR, "6d04h"),
        (400 * DAY, "400d"),
        (-5, "0ms"),
    ],
)
def test_a_duration_shows_two_figures(length: int, shown: str) -> None:
    """Enough to compare, never wider than six cells."""
    assert write.duration(length) == shown
    assert len(shown) <= 6


@pytest.mark.parametrize(("length", "shown"), [(900, "0s"), (9_999, "9s"), (61_000, "1m01s")])
def test_what_goes_on_is_told_in_whole_seconds(length: int, shown: str) -> None:
    """Tenths of something that runs would change with every look."""
    assert write.running_for(length) == shown


@pytest.mark.parametrize(
    ("length", "shown"), [(0, "<1m"), (59_999, "<1m"), (MINUTE, "1m"), (61 * MINUTE, "1h"), (50 * HOUR, "2d")]
)
def test_an_age_is_coarse(length: int, shown: str) -> None:
    """It changes once a minute at most, so that an idle screen stays still."""
    assert write.age(length) == shown


def test_a_time_of_another_day_has_its_date() -> None:
    """A time alone would be read as today's."""
    assert write.clock_time(NOON, now=NOON) == "12:00:00Z"
    assert write.clock_time(NOON - DAY, now=NOON) == "2026-11-21 12:00:00Z"
    assert write.precise_time(NOON + 2) == "12:00:00.002"


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_state_has_a_sign_of_its_own(glyphs: write.Glyphs) -> None:
    """Colour is never the only sign."""
    signs = list(glyphs.states.values())

    assert len(set(signs)) == len(signs)
    assert all(cell_len(sign) == 1 for sign in signs)


def test_the_ascii_signs_are_ascii() -> None:
    """For terminals that know nothing else."""
    values = [getattr(ASCII, name) for name in ASCII.__slots__ if name != "states"]

    assert all(value.isascii() for value in [*values, *ASCII.states.values()])


def test_an_unknown_state_is_shown_as_one() -> None:
    """A newer daemon may have states that this program does not know."""
    assert write.glyph("DREAMING", UNICODE) == "?"
    assert write.role_of("DREAMING") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb", "a\\rb"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("naïve – 名", "naïve – 名"),
    ],
)
def test_text_from_outside_cannot_move_the_cursor(text: str, shown: str) -> None:
    """What a terminal would obey, or what reorders the reading, is spelled out."""
    assert write.clean(text) == shown


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 20])
def test_a_cut_text_fits(width: int) -> None:
    """Also where a character takes two cells."""
    for text in ("abcdefgh", "日本語のテキスト", ""):
        assert cell_len(write.cut(text, width, UNICODE)) <= width
        assert cell_len(write.left(text, width, UNICODE)) == width
        assert cell_len(write.right(text, width, UNICODE)) == width


def test_a_cut_text_says_that_there_is_more() -> None:
    """Half a sentence that looks whole would be a lie."""
    assert write.cut("charge_card failed", 8, UNICODE) == "charge_…"
    assert write.cut("short", 8, UNICODE) == "short"


def test_a_line_is_cut_in_the_piece_that_does_not_fit() -> None:
    """The pieces before it keep their roles."""
    line = (("abc", "one"), ("defgh", "two"), ("ij", "three"))

    assert write.fit(line, 6, UNICODE) == (("abc", "one"), ("de…", "two"))
    assert write.fit(line, 10, UNICODE) == line


def test_the_right_end_stays_when_there_is_little_room() -> None:
    """How the daemon is reached matters more than where it is."""
    line = write.spread((("a long address", ""),), (("live", "ok"),), 10, UNICODE)

    assert write.plain(line) == "a lon…live"


@pytest.mark.parametrize("width", [4, 7, 12, 30])
def test_a_broken_line_loses_nothing(width: int) -> None:
    """Every character is on one of the lines, in order, and no line is too long."""
    line = (("one two ", "a"), ("threefourfive 日本語", "b"), (" end", "c"))

    lines = write.break_line(line, width, "  ")

    assert all(write.width_of(part) <= width for part in lines)
    joined = "".join(write.plain(part) for part in lines).replace(" ", "")
    assert joined == write.plain(line).replace(" ", "")


def test_lines_are_broken_at_spaces() -> None:
    """Words stay whole where they can."""
    assert write.wrap("waits for an answer to approve since 3h", 20) == ["waits for an answer", "to approve since 3h"]
    assert write.wrap("a\nb", 20) == ["a", "b"]


def test_the_end_of_an_id_stands_for_it() -> None:
    """Its beginning is the same for all that were made in one second."""
    assert write.short_id("01JDX9KQ2ABCDEFGHJKMNPQRST", UNICODE) == "…NPQRST"
    assert write.short_id("SHORT", UNICODE) == "SHORT"


def test_a_value_on_one_line_is_json() -> None:
    """Without the characters that a terminal would obey."""
    assert write.one_line({"a": "b\u009b"}) == '{"a": "b\\x9b"}'
    assert write.many_lines({"a": [1]}).split("\n") == ["{", '  "a": [', "    1", "  ]", "}"]
    assert SECOND == 1000
