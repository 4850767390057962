"""Facts that go up: what was learned from the daemon, and what the person at the keyboard wants.

Widgets and screens post them and know nothing of who listens; the app does what they ask for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.message import Message

from .dossier import Dossier
from .model import Link
from .query import Query
from .records import Page, Row


@dataclass
class LinkChanged(Message):
    """The daemon can be reached, or no longer."""

    link: Link


@dataclass
class PageRead(Message):
    """A page of the list came. `first`: it is the newest one of `query`."""

    page: Page
    query: Query
    first: bool


@dataclass
class ExecutionsChanged(Message):
    """Something happened. `rows`: executions as they are now; `touched`: the ids of all concerned."""

    rows: Sequence[Row]
    touched: frozenset[str]


@dataclass
class StatesCounted(Message):
    """How many executions are in which state."""

    states: Mapping[str, int]


@dataclass
class DossierRead(Message):
    """All about one execution came."""

    dossier: Dossier


@dataclass
class ReadRefused(Message):
    """Something asked for could not be had. `execution`: which; None: a page of the list."""

    execution: str | None
    reason: str


@dataclass
class DossierWanted(Message):
    """This execution is looked at; None: none is."""

    execution: str | None


@dataclass
class QueryAsked(Message):
    """The list is to be narrowed."""

    query: Query


@dataclass
class MoreAsked(Message):
    """The end of what is loaded is near."""

    query: Query
    cursor: str


@dataclass
class OpenAsked(Message):
    """This execution is to be shown alone."""

    row: Row


@dataclass
class CancelAsked(Message):
    """This execution is to be cancelled; the person was asked and said yes."""

    row: Row


@dataclass
class ResumeAsked(Message):
    """This pause is to be answered with `input`."""

    row: Row
    input: object
    pause: str | None


@dataclass
class RefreshAsked(Message):
    """Everything is to be read again, now."""
