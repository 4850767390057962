"""Views of values that somebody holds in his hands, without a payload and without a source.

What is shown has no need to be found again, so here every class has a name, be it local to a function.
"""

import sys
from typing import Any, Final

from flux.codec.classes import ClassIndex
from flux.codec.decoding import plain
from flux.codec.encoding import encode
from flux.codec.refusals import type_name


class _EveryClass(ClassIndex):
    """Knows every class, to write it down."""

    def name_of(self, cls: type) -> str:
        return type_name(cls)


_EVERY: Final = _EveryClass()


def view(value: object) -> Any:
    """What readers would see of the payload of `value`, of whatever size.

    Raises:
        PayloadTypeError: no payload could keep it.
    """
    return plain(encode(value, _EVERY, limit=sys.maxsize))
