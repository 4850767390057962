"""What clients send beside inputs: checked whole, refused with the place."""

import pytest

from flux.core.execution import State
from flux.errors import Invalid
from flux.wire.models import EventsQuery, PageQuery, ResumeBody, RunQuery, from_body, from_query, seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90), ("1.5", 1.5), ("1.5s", 1.5), ("500ms", 0.5), ("10m", 600), ("2h", 7200), ("1d", 86400)],
)
def test_durations_are_seconds_or_have_a_unit(text, value):
    """People write 10m, programs write 600."""
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "-1", "1w", "1e3", "٣", "inf", "nan", "1 0"])
def test_what_is_no_duration_is_refused(text):
    """A duration nobody can read is the caller's mistake, not zero."""
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)


def test_a_query_fills_in_its_model():
    """Values are converted, lists gathered, the rest has defaults."""
    query = from_query(RunQuery, [("wait", "2m"), ("version", "3"), ("label", "env:prod"), ("label", "a:b:c")])

    assert (query.wait, query.version, query.priority) == (120, 3, 0)
    assert query.labels() == {"env": "prod", "a": "b:c"}


def test_states_may_be_given_one_by_one_or_with_commas():
    """`state=a,b` and `state=a&state=b` mean the same; case does not matter."""
    expected = [State.FAILED, State.PAUSED, State.RUNNING]

    assert from_query(PageQuery, [("state", "failed,PAUSED"), ("state", "running")]).state == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([("wiat", "5")], "wiat: there is no such parameter; did you mean wait?"),
        ([("q", "x")], "q: there is no such parameter; known are label, priority, version, wait"),
        ([("wait", "5"), ("wait", "6")], "the parameter 'wait' is given twice"),
        ([("wait", "soon")], "wait: 'soon' is no duration"),
        ([("wait", "601")], "wait: must be at most 600"),
        ([("version", "x")], "version: must be a whole number"),
        ([("version", "0")], "version: must be at least 1"),
        ([("label", "prod")], "label/0: 'prod' is no label: give name:value"),
        ([("label", "a:b")] * 51, "label: must be given at most 50 times"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_would_be_right(given, words):
    """A refusal says which parameter, why, and what would do."""
    with pytest.raises(Invalid, match=words.replace("?", r"\?")):
        from_query(RunQuery, given)


def test_all_wrong_parameters_are_told_at_once():
    """Nobody has to mend a request one error at a time."""
    with pytest.raises(Invalid) as refused:
        from_query(EventsQuery, [("after", "-1"), ("until", "done"), ("limit", "0")])

    errors = refused.value.facts["errors"]
    assert isinstance(errors, list)
    assert [error["pointer"] for error in errors] == ["after", "until", "limit"]


def test_an_unknown_state_lists_the_known_ones():
    """A typo in a state shows what states there are."""
    with pytest.raises(Invalid, match=r"state/0: must be one of 'QUEUED', 'RUNNING'"):
        from_query(PageQuery, [("state", "DONE")])


@pytest.mark.parametrize("value", [None, 0, "x", [1], {"a": {"b": None}}])
def test_a_resume_takes_any_value(value):
    """The input of a resume is the author's business."""
    assert from_body(ResumeBody, {"input": value}) == ResumeBody(input=value, pause=None)


@pytest.mark.parametrize("body", [[], "x", 1, {"answer": 1}, {"pause": 3}])
def test_a_resume_that_is_something_else_is_refused(body):
    """A bare value is no body of a resume: it could be mistaken for one later."""
    with pytest.raises(Invalid):
        from_body(ResumeBody, body)
