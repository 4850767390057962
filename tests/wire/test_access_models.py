"""What clients send about principals, roles and keys."""

import pytest

from flux.errors import Invalid
from flux.wire.access_models import NewKeyBody, NewPrincipalBody, RotateBody
from flux.wire.models import from_body


@pytest.mark.parametrize(
    ("given", "seconds"), [(90, 90.0), (1.5, 1.5), ("90s", 90.0), ("30d", 2_592_000.0), (None, None)]
)
def test_a_duration_is_a_number_of_seconds_or_a_text(given, seconds):
    """As everywhere in the API."""
    assert from_body(NewKeyBody, {"account": "bot", "expires_in": given}).expires_in == seconds


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"account": 5},
        {"account": "bot", "expires_in": "soon"},
        {"account": "bot", "expires_in": 10**12},
        {"account": "bot", "permissions": "workflow:*"},
        {"account": "bot", "permission": ["workflow:*"]},
        [],
        None,
    ],
    ids=["empty", "number for a name", "no duration", "too long", "text for a list", "misspelt", "a list", "nothing"],
)
def test_a_key_that_nobody_can_mean_is_refused(body):
    """With the place and what is wrong there."""
    with pytest.raises(Invalid):
        from_body(NewKeyBody, body)


def test_what_is_left_out_has_a_default():
    """An account without roles, a rotation without overlap."""
    assert from_body(NewPrincipalBody, {"name": "bot"}).roles == ()
    assert from_body(RotateBody, {}).overlap == 0.0
