"""Where and for whom things are shown: what all screens are given and none of them changes."""

from dataclasses import dataclass

from flux.clock import SYSTEM, Clock

from .format import UNICODE, Glyphs


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The surroundings of every screen.

    Attributes:
        place: the address of the daemon, as a person writes it.
        read_only: nothing that changes anything is offered.
        colour: False draws with bold, dim and reverse alone.
    """

    place: str = ""
    clock: Clock = SYSTEM
    glyphs: Glyphs = UNICODE
    read_only: bool = False
    colour: bool = True
