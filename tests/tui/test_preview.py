"""The preview under the list."""

from tui.format import UNICODE, plain, width_of
from tui.lanes import lanes
from tui.preview import calls_line, preview
from tui.records import row

from .recorded import NOON
from .stories import completed, failed_order, running_etl
from .test_dossier import dossier_of


def test_the_sentence_is_there_before_anything_is_read() -> None:
    """The list brings it along."""
    found = row(failed_order().list_view())

    lines = preview(found, None, 100, 8, NOON, UNICODE, compact=False)

    assert plain(lines[0]).startswith("WHY   charge_card failed")


def test_the_preview_keeps_to_its_room() -> None:
    """At any size; the last line says what is missing."""
    story = failed_order()
    for height in (1, 2, 3, 5, 8, 20):
        for width in (40, 80, 116):
            lines = preview(row(story.list_view()), dossier_of(story), width, height, NOON, UNICODE, compact=False)
            assert len(lines) <= height
            assert all(width_of(line) <= width for line in lines)
    assert (
        plain(preview(row(story.list_view()), dossier_of(story), 80, 6, NOON, UNICODE, compact=False)[-1]) == "… 3 more"
    )


def test_input_and_error_stand_side_by_side() -> None:
    """The error of what failed, the output of what did not."""
    story = failed_order()
    text = plain(preview(row(story.list_view()), dossier_of(story), 116, 8, NOON, UNICODE, compact=False)[1])
    assert text.startswith('IN    {"id": "A-1009"')
    assert "ERROR CardDeclined: 402" in text

    story = completed(1, 0)
    text = plain(preview(row(story.list_view()), dossier_of(story), 116, 8, NOON, UNICODE, compact=False)[1])
    assert 'OUT   {"shipped": true' in text


def test_little_room_shows_calls_in_a_line() -> None:
    """The newest at the right, and the older ones cut."""
    found = lanes(dossier_of(running_etl()).timeline)

    assert plain(calls_line(found, 80, UNICODE)) == "✓ extract · ✓ plan · ► load_partition 17/18"
    assert plain(calls_line(found, 40, UNICODE)) == "… ✓ plan · ► load_partition 17/18"
