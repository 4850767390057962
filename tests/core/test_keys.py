"""How an API key is written."""

from dataclasses import replace

import pytest

from flux.core.keys import PREFIX_LENGTH, ApiKey, compose, is_well_formed, prefix_of

KEY = compose(bytes(range(32)))
RECORD = ApiKey(
    id="k", principal="p", name="", prefix="", hash=b"", permissions=None, created_at=0, created_by="p", expires_at=None
)


def test_a_key_is_the_word_flux_then_43_characters_then_a_checksum():
    """Scanners for leaked secrets know our keys by this shape."""
    assert KEY.startswith("flux_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
    assert len(KEY) == 5 + 43 + 6
    assert is_well_formed(KEY)


@pytest.mark.parametrize("at", range(len(KEY)))
def test_one_wrong_character_is_noticed_before_any_look_up(at):
    """A mistyped key is refused by its checksum."""
    wrong = KEY[:at] + ("A" if KEY[at] != "A" else "B") + KEY[at + 1 :]

    assert not is_well_formed(wrong)


@pytest.mark.parametrize(
    "text",
    ["", "flux_", KEY[:-1], KEY + "A", " " + KEY, KEY + "\n", KEY.replace("flux_", "FLUX_"), "flux_" + "é" * 49],
    ids=["empty", "only the word", "short", "long", "space", "newline", "upper case", "not ascii"],
)
def test_what_is_no_key_is_not_taken_for_one(text):
    """Anything may stand behind `Bearer`."""
    assert not is_well_formed(text)


def test_the_prefix_leaves_more_than_enough_unknown():
    """What is shown of a key are 48 of its 256 random bits."""
    assert prefix_of(KEY) == KEY[:PREFIX_LENGTH] == "flux_AAECAwQF"


def test_a_key_of_another_size_is_never_made():
    """Fewer random bytes would be a weaker key of the same looks."""
    with pytest.raises(ValueError, match="32 bytes"):
        compose(b"short")


@pytest.mark.parametrize(
    ("changes", "now", "good"),
    [
        ({}, 10**15, True),
        ({"expires_at": 100}, 99, True),
        ({"expires_at": 100}, 100, False),
        ({"revoked_at": 50}, 60, False),
        ({"revoked_at": 50}, 40, False),
    ],
    ids=["without expiry", "before", "at its expiry", "revoked", "revoked, and the clock was set back"],
)
def test_a_key_is_good_until_it_expires_or_is_revoked(changes, now, good):
    """The instant of the expiry is the first at which it is refused; a revocation has no instant before it."""
    assert replace(RECORD, **changes).is_good(now) is good
