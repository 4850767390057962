"""What the list of executions shows: the rows known, the order shown, what is held back, the cursor.

A `View` is a value: every change gives a new one. Its promises to the person who reads:
  - the cursor belongs to an execution id; no change of rows moves it to another execution
  - a row that is shown stays where it is; its text changes in place, also when it no longer matches
  - executions that come later are held back and counted (`held`) until `settle` shows them
Rows are ordered by id, newest first: ids are made in the order of time.

At most `LIMIT` rows are kept; beyond that the oldest are forgotten and not asked for again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from .query import EVERYTHING, Query, matches
from .records import Page, Row

LIMIT: Final = 20_000  # about 20 MB of rows


class Reach(StrEnum):
    """How the daemon can be reached."""

    CONNECTING = "connecting"
    LIVE = "live"
    OFFLINE = "offline"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The connection to the daemon.

    Attributes:
        since: the instant up to which what is shown is known to be true; 0 while that is now.
        retry_at: the instant of the next try while OFFLINE or REFUSED.
        reason: why it is OFFLINE or REFUSED, in a sentence.
    """

    reach: Reach = Reach.CONNECTING
    since: int = 0
    retry_at: int = 0
    reason: str = ""

    @property
    def is_live(self) -> bool:
        """Whether what is shown is true now."""
        return self.reach is Reach.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The list as it is shown.

    Attributes:
        rows: every execution known, by id.
        order: the ids shown, newest first.
        places: id -> index in `order`.
        held: ids that match and came later than what is shown.
        cursor: the execution that is selected; None only while nothing is shown.
        next: where the next page begins, None if all are loaded.
        floor: the oldest id of the pages loaded; empty if all are loaded. Below it there are unknown ones.
        total: how many executions the daemon counts for this query.
        loading: whether an answer for this query has never come.
        following: whether new executions are shown as they come.
    """

    rows: Mapping[str, Row] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    cursor: str | None = None
    query: Query = EVERYTHING
    next: str | None = None
    floor: str = ""
    total: int = 0
    loading: bool = True
    following: bool = False

    @property
    def selected(self) -> Row | None:
        """The execution under the cursor."""
        return None if self.cursor is None else self.rows.get(self.cursor)

    @property
    def place(self) -> int:
        """The index of the cursor in `order`; 0 while nothing is shown."""
        return 0 if self.cursor is None else self.places.get(self.cursor, 0)

    def at(self, index: int) -> Row:
        """The execution shown at `index`."""
        return self.rows[self.order[index]]

    def fits(self, row: Row) -> bool:
        """Whether `row` still matches the query under which it is shown."""
        return matches(self.query, row)


def begin(view: View, page: Page) -> View:
    """The view after the first page of its query.

    Where the page meets what is shown, rows stay and what is new is held back; where it does not
    (another query, or too much has happened while nobody looked), the page replaces them.
    """
    ids = {row.id for row in page.rows}
    meets = not view.loading and not ids.isdisjoint(view.order)
    told = replace(view, total=page.count, loading=False)
    if not meets:
        shown = [row.id for row in page.rows if matches(view.query, row)]
        fresh = replace(told, rows=_newest(view.rows, page.rows), next=page.cursor, floor=_floor(page))
        return _shown(fresh, shown)
    known = replace(told, rows=_newest(view.rows, page.rows))
    return _hold(known, [row for row in page.rows if row.id not in known.places])


def extend(view: View, page: Page) -> View:
    """The view with the next page below what it shows."""
    rows = _newest(view.rows, page.rows)
    found = {row.id for row in page.rows if row.id not in view.held and matches(view.query, row)}
    shown = found.union(view.order)
    longer = replace(view, rows=rows, next=page.cursor, floor=_floor(page), total=page.count)
    return _shown(longer, shown)


def apply(view: View, changed: Iterable[Row]) -> View:
    """The view after executions changed; records older than what is known are dropped."""
    fresh = [row for row in changed if _is_news(view.rows.get(row.id), row)]
    if not fresh or view.loading:
        return view
    kept = {row.id: row for row in fresh if row.id in view.rows or row.id > view.floor}
    return _hold(replace(view, rows={**view.rows, **kept}), kept.values())


def settle(view: View) -> View:
    """The view with everything that matches shown in its order, the cursor at the top."""
    shown = [key for key, row in view.rows.items() if key >= view.floor and matches(view.query, row)]
    settled = _shown(replace(view, held=frozenset()), shown)
    return move(settled, -len(settled.order))


def narrow(view: View, query: Query) -> View:
    """The view of what is loaded and matches `query`, until the daemon has answered for it."""
    shown = [key for key, row in view.rows.items() if matches(query, row)]
    return _shown(replace(view, query=query, held=frozenset()), shown)


def follow(view: View, on: bool) -> View:
    """The view that shows new executions as they come, or holds them back again."""
    return settle(replace(view, following=True)) if on else replace(view, following=False)


def move(view: View, by: int) -> View:
    """The view with the cursor `by` rows further down, or at the end that it meets."""
    if not view.order:
        return view
    place = min(max(view.place + by, 0), len(view.order) - 1)
    return replace(view, cursor=view.order[place])


def point(view: View, index: int) -> View:
    """The view with the cursor at `index`."""
    return move(view, index - view.place)


def _floor(page: Page) -> str:
    return min(row.id for row in page.rows) if page.cursor is not None and page.rows else ""


def _is_news(known: Row | None, row: Row) -> bool:
    return known is None or row.sequence >= known.sequence


def _newest(known: Mapping[str, Row], found: Iterable[Row]) -> Mapping[str, Row]:
    """All rows, of each execution the record with the greater sequence."""
    return {**known, **{row.id: row for row in found if _is_news(known.get(row.id), row)}}


def _hold(view: View, candidates: Iterable[Row]) -> View:
    """The view with those of `candidates` held back that match and are not shown."""
    found = {row.id for row in candidates if row.id not in view.places and matches(view.query, row)}
    gone = {key for key in view.held if not matches(view.query, view.rows[key])}
    held = (view.held | found) - gone
    if view.following and held:
        return settle(replace(view, held=held))
    if not view.order and held:
        return _shown(replace(view, held=frozenset()), held)  # nothing is being read that could move
    return view if held == view.held else replace(view, held=held)


def _shown(view: View, ids: Iterable[str]) -> View:
    """The view that shows `ids`, newest first, at most LIMIT of them; the cursor stays if it can."""
    wanted = sorted(ids, reverse=True)
    kept = tuple(wanted[:LIMIT])
    places = {key: place for place, key in enumerate(kept)}
    cursor = view.cursor
    if cursor not in places:
        cursor = _nearest(cursor, kept)
    rows = view.rows
    if len(rows) > 2 * LIMIT:
        rows = {key: row for key, row in rows.items() if key in places or key in view.held}
    return replace(
        view,
        rows=rows,
        order=kept,
        places=places,
        cursor=cursor,
        held=view.held - places.keys(),
        next=view.next if len(wanted) <= LIMIT else None,
    )


def _nearest(cursor: str | None, order: tuple[str, ...]) -> str | None:
    """Where the cursor goes when its execution is no longer shown: the next older one, else the last."""
    if not order:
        return None
    if cursor is None:
        return order[0]
    return next((key for key in order if key < cursor), order[-1])
