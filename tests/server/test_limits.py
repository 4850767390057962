"""How much one principal may hold at a time."""

import pytest

from flux.errors import Busy
from flux.server.limits import Slots


def test_slots_are_counted_for_each_principal():
    """One that takes all of its own takes nothing of another's."""
    slots = Slots(2, "waits")

    with slots.one("a"), slots.one("a"), slots.one("b"):
        with pytest.raises(Busy, match="2 waits of one principal") as refused:
            slots.one("a").__enter__()
        assert refused.value.facts["retry_after"] == 5
        with slots.one("b"):
            pass


def test_a_slot_is_free_again_however_its_block_ended():
    """An error gives it back too."""
    slots = Slots(1, "streams")
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), slots.one("a"):
            raise ValueError("x")
