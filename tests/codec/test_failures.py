"""Failures: recording one never fails, and the author's `except` finds it again."""

from pathlib import Path
from typing import Any

import pytest

from flux.codec import ClassIndex, decode, decode_error, encode_error, error_view
from flux.errors import PayloadTypeError, TaskFailed


class PaymentRefused(Exception):
    """What an author raises."""

    def __init__(self, order: int, response: object = None) -> None:
        super().__init__(f"order {order} was refused")
        self.order = order
        self.response = response


class Unspeakable(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no")


INDEX = ClassIndex({"orders:PaymentRefused": PaymentRefused, "orders:Unspeakable": Unspeakable})


def _raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """`error` after it was raised here, so that it has a traceback."""
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_an_authors_exception_comes_back_as_the_type_his_except_names():
    """With its attributes, and without calling its `__init__`."""
    back = decode_error(encode_error(_raised(PaymentRefused(7)), INDEX), INDEX)

    assert isinstance(back, PaymentRefused)
    assert (back.order, str(back)) == (7, "order 7 was refused")


def test_an_unknown_exception_is_told_by_its_name():
    """`TaskFailed` carries what is known of it."""
    back = decode_error(encode_error(PaymentRefused(7)))

    assert type(back) is TaskFailed
    assert str(back) == "PaymentRefused: order 7 was refused"
    assert back.facts == {"type": "PaymentRefused", "module": __name__, "detail": "order 7 was refused"}


def test_the_cause_is_kept_also_of_an_unknown_exception():
    """The original reason is what somebody will look for."""
    error = _raised(PaymentRefused(7), cause=_raised(KeyError("card"), cause=OSError(5, "I/O")))

    for classes in (INDEX, None):
        back = decode_error(encode_error(error, classes), classes)

        assert isinstance(back.__cause__, KeyError)
        assert isinstance(back.__cause__.__cause__, OSError)


def test_an_attribute_that_cannot_be_kept_does_not_change_the_type():
    """An HTTP response in an exception must not make the author's `except` miss it."""
    back = decode_error(encode_error(PaymentRefused(7, response=object()), INDEX), INDEX)

    assert isinstance(back, PaymentRefused)
    assert not hasattr(back, "response")
    assert back.__notes__ == ["not kept in the log: response"]


def test_without_its_arguments_an_exception_is_only_told():
    """It would say something else than it said."""
    back = decode_error(encode_error(ValueError("x", object())))

    assert type(back) is TaskFailed
    assert back.facts["type"] == "ValueError"


def test_a_group_keeps_its_members_as_far_as_they_can_be_kept():
    """`TaskGroup` raises them, and one bad member does not spoil the others."""
    group = ExceptionGroup("two", [ValueError(1), PaymentRefused(7)])

    back = decode_error(encode_error(group))

    assert isinstance(back, ExceptionGroup)
    assert [type(error) for error in back.exceptions] == [ValueError, TaskFailed]


def test_the_view_has_type_message_traceback_and_cause():
    """What API, CLI and TUI show; the daemon has no classes."""
    view = error_view(encode_error(_raised(PaymentRefused(7), cause=KeyError("card"))))

    assert (view["type"], view["message"]) == ("PaymentRefused", "order 7 was refused")
    assert f'File "{__file__}"' in view["traceback"]
    assert "raise error from cause" in view["traceback"]
    assert view["cause"] == {"type": "KeyError", "message": "'card'", "traceback": "", "cause": None}


def test_the_exception_that_was_being_handled_counts_as_the_cause():
    """Readers see one chain."""
    error = ValueError("second")
    error.__context__ = KeyError("first")

    assert error_view(encode_error(error))["cause"]["type"] == "KeyError"


def test_frames_of_flux_are_left_out_of_the_traceback():
    """An author looks for his own lines."""
    with pytest.raises(PayloadTypeError) as caught:
        decode(b"{")

    text = error_view(encode_error(caught.value))["traceback"]
    assert Path(__file__).name in text
    assert "flux/codec/decoding.py" not in text


def test_the_traceback_of_the_first_place_survives_the_next():
    """A workflow that lets a task's error pass fails with both places in its traceback."""
    first = error_view(encode_error(_raised(PaymentRefused(7)), INDEX))["traceback"]

    again = _raised(decode_error(encode_error(_raised(PaymentRefused(7)), INDEX), INDEX))

    second = error_view(encode_error(again, INDEX))["traceback"]
    assert second.startswith(first)
    assert len(second) > len(first)


def _endless(n: int) -> None:
    _endless(n + 1)


def _recursion() -> BaseException:
    with pytest.raises(RecursionError) as caught:
        _endless(0)
    return caught.value


def _chain(links: int) -> BaseException:
    error: BaseException = ValueError(0)
    for n in range(links):
        error = _raised(ValueError(n), cause=error)
    return error


def _circle() -> BaseException:
    one, two = ValueError(1), ValueError(2)
    one.__cause__, two.__cause__ = two, one
    return one


@pytest.mark.parametrize(
    "error",
    [
        Unspeakable("x"),
        ValueError("a\ud800"),
        ValueError("x" * 1_000_000),
        _recursion(),
        _chain(500),
        _circle(),
        KeyboardInterrupt(),
        ValueError(ValueError(object())),
    ],
    ids=["str fails", "surrogate", "huge", "recursion", "long chain", "circle", "interrupt", "nested"],
)
def test_recording_a_failure_never_fails(error: BaseException):
    """Whatever the author's code raised, something readable stands in the log."""
    data = encode_error(error, INDEX, limit=100_000)

    assert len(data) <= 100_000
    assert isinstance(decode_error(data, INDEX), BaseException)
    view = error_view(data)
    assert isinstance(view["message"], str)
    assert view["traceback"].count("\n") < 200


def test_a_huge_message_is_cut_and_the_type_stays_readable():
    """A failure larger than the limit is told in outline."""
    view = error_view(encode_error(ValueError("x" * 1_000_000), limit=100_000))

    assert view["type"] == "ValueError"
    assert view["message"].startswith("xxx")


@pytest.mark.parametrize("data", [b"null", b"{", b"[1]", b'{"$":"data","c":"x","v":{}}'])
def test_a_damaged_record_still_gives_an_error_and_a_view(data: bytes):
    """A reader of failures must not fail itself."""
    assert isinstance(decode_error(data), TaskFailed)
    assert set(error_view(data)) == {"type", "message", "traceback", "cause"}


def test_a_failure_whose_arguments_are_of_a_class_that_is_gone_is_told():
    """The view needs no classes."""
    data = encode_error(PaymentRefused(7), INDEX).replace(b'"args":[', b'"args":[{"$":"data","c":"gone:X","v":{}},')

    back: Any = decode_error(data, INDEX)

    assert type(back) is TaskFailed
    assert "order 7" in str(back)
    assert isinstance(back.__cause__, PayloadTypeError)
