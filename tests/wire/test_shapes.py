"""The shapes of answers agree with what they are made from."""

import json

from flux.core import execution
from flux.wire import documents, shapes


def test_resting_states_are_the_cores():
    """Clients and the engine mean the same by rest."""
    assert {str(state) for state in execution.RESTING} == shapes.RESTING


def test_a_document_is_one_line_of_json():
    """Also with line ends and separators inside, so that lines and streams stay whole."""
    document = {"text": "a\nb\r\u2028", "state": execution.State.PAUSED, "large": 10**30, "none": None}

    line = documents.encode_line(document)

    assert line.count(b"\n") == 1
    assert json.loads(line) == document
