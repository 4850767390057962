"""Answered errors as the errors they were."""

import json

import pytest

from flux import errors
from flux.client.problems import error_of
from flux.errors import FluxError
from flux.server import problems


def document(**members: object) -> bytes:
    """A problem document."""
    return json.dumps({"type": "/problems/x", "title": "T", "detail": "why", "request_id": "r", **members}).encode()


@pytest.mark.parametrize("code", sorted(problems.KINDS))
def test_every_code_of_the_server_becomes_a_class(code):
    """And the class's own code is the one that was sent, where a class has it."""
    error = error_of(problems.KINDS[code].status, document(code=code, status=problems.KINDS[code].status))

    assert isinstance(error, FluxError)
    known = {cls.code for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, FluxError)}
    assert error.code == code or code not in known


@pytest.mark.parametrize(("status", "cls"), [(418, errors.Invalid), (599, FluxError)])
def test_a_code_of_a_newer_daemon_is_told_by_its_status(status, cls):
    """Whose fault it is can be seen without knowing the code."""
    assert type(error_of(status, document(code="brand_new", status=status))) is cls


def test_the_facts_come_along():
    """Everything but what is about the document itself."""
    error = error_of(409, document(code="wrong_state", status=409, execution_id="E", allowed=["cancel"]))

    assert str(error) == "why"
    assert error.facts == {"execution": "E", "allowed": ["cancel"], "request_id": "r", "status": 409}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":"x"}', b"\xff"])
def test_what_is_no_problem_is_no_daemon(body):
    """A proxy or another server is named as such."""
    with pytest.raises(errors.Unreachable, match="no Flux daemon"):
        raise error_of(502, body)
