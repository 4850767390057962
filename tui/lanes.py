"""The lanes of a timeline: the lines of its picture, top to bottom.

A lane is the execution itself, a call, one attempt of it, or a group of many calls of the same name in
the same place. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .timeline import Call, Span, Timeline

GROUP: Final = 6  # siblings of one name up to this many have a lane each
_MERGED: Final = 400  # spans of a group that are told apart; more than any screen has cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One line of the picture.

    Attributes:
        key: what makes it the same lane after a change: a call id, with a suffix for groups and attempts.
        kind: "execution", "call", "attempt" or "group".
        call: the call whose details belong to it; empty for the execution and for groups.
        done, size: of a group, how many calls have ended and how many there are.
        folded: None if there is nothing below it, else whether that is hidden.
    """

    key: str
    kind: str
    name: str
    depth: int
    state: str
    spans: tuple[Span, ...]
    call: str = ""
    attempts: int = 0
    done: int = 0
    size: int = 1
    error: str = ""
    folded: bool | None = None
    undo: bool = False


def lanes(timeline: Timeline, toggled: frozenset[str] = frozenset()) -> tuple[Lane, ...]:
    """The lines of the picture, the execution first.

    Groups are folded, and so are the attempts of calls that have not failed; `toggled` holds the keys of
    the lanes for which it is the other way round.
    """
    children: dict[str, list[Call]] = {}
    for call in timeline.calls.values():
        children.setdefault(call.parent if call.parent in timeline.calls else "", []).append(call)
    root = timeline.root
    found = [Lane(key="", kind="execution", name=root.name, depth=0, state=root.state, spans=root.spans)]
    _lay(children, "", 0, toggled, found)
    return tuple(found)


def _lay(children: Mapping[str, list[Call]], parent: str, depth: int, toggled: frozenset[str], out: list[Lane]) -> None:
    """Append the lanes of everything called in `parent`."""
    families: dict[str, list[Call]] = {}
    for call in children.get(parent, ()):
        families.setdefault(call.name, []).append(call)
    told: set[str] = set()
    for call in children.get(parent, ()):
        family = families[call.name]
        if len(family) <= GROUP:
            _lay_call(children, call, _numbered(call, family), depth, toggled, out)
        elif call.name not in told:
            told.add(call.name)
            group = _group(parent, family, depth, toggled)
            out.append(group)
            if not group.folded:
                for member in family:
                    _lay_call(children, member, _numbered(member, family), depth + 1, toggled, out)


def _numbered(call: Call, family: Sequence[Call]) -> str:
    """The name of a call, with its number where there are several of that name."""
    number = call.id.rpartition("#")[2]
    return f"{call.name} #{number}" if len(family) > 1 and number.isdigit() else call.name


def _lay_call(
    children: Mapping[str, list[Call]], call: Call, name: str, depth: int, toggled: frozenset[str], out: list[Lane]
) -> None:
    """Append the lane of one call, of its attempts if there was more than one, and of its own calls."""
    tried = _tries(call)
    called = bool(children.get(call.id))
    unfolded = called or call.state == "FAILED"
    folded = unfolded is (call.id in toggled) if called or tried else None
    out.append(
        Lane(
            key=call.id, kind="call", name=name, depth=depth, state=call.state, spans=call.spans, call=call.id,
            attempts=call.attempts, error=call.error, folded=folded,
        )
    )  # fmt: skip
    if not folded:
        out.extend(_attempt(call, span, depth + 1) for span in tried)
        _lay(children, call.id, depth + 1, toggled, out)


def _tries(call: Call) -> Sequence[Span]:
    """The spans of a call that deserve a lane each: none if there was one attempt and nothing else."""
    tried = [span for span in call.spans if span.kind in ("running", "fallback", "rollback")]
    return tried if len(tried) > 1 else []


_STATES: Final = {"completed": "COMPLETED", "failed": "FAILED", "cancelled": "CANCELLED", "": "RUNNING"}


def _attempt(call: Call, span: Span, depth: int) -> Lane:
    return Lane(
        key=f"{call.id}@{span.kind}{span.attempt}/{span.start}",
        kind="attempt",
        name=f"try {span.attempt}" if span.kind == "running" else span.kind,
        depth=depth,
        state=_STATES.get(span.outcome, "QUEUED"),
        spans=(span,),
        call=call.id,
        error=span.error or ("lost" if span.outcome == "lost" else ""),
        undo=span.kind == "rollback",
    )


def _group(parent: str, family: Sequence[Call], depth: int, toggled: frozenset[str]) -> Lane:
    key = f"{parent}/{family[0].name}×"
    states = {call.state for call in family}
    state = next(
        (s for s in ("FAILED", "RUNNING", "WAITING", "PAUSED", "QUEUED", "CANCELLED") if s in states), "COMPLETED"
    )
    done = sum(call.state in ("COMPLETED", "FAILED", "CANCELLED") for call in family)
    failed = sum(call.state == "FAILED" for call in family)
    return Lane(
        key=key, kind="group", name=family[0].name, depth=depth, state=state, spans=_merged(family), done=done,
        size=len(family), error=f"{failed} failed" if failed else "", folded=key not in toggled,
    )  # fmt: skip


def _merged(family: Sequence[Call]) -> tuple[Span, ...]:
    """The times in which anything of the family ran, gaps too small to see closed."""
    spans = sorted(
        (span for call in family for span in call.spans if span.kind == "running"), key=lambda span: span.start
    )
    if not spans:
        return ()
    ends = [span.end for span in spans if span.end is not None]
    gap = (max(ends, default=spans[-1].start) - spans[0].start) // _MERGED
    merged = [spans[0]]
    for span in spans[1:]:
        last = merged[-1]
        if last.end is None or (last.outcome == span.outcome and span.start <= last.end + gap):
            merged[-1] = replace(last, end=None if last.end is None or span.end is None else max(last.end, span.end))
        else:
            merged.append(span)
    return tuple(merged)
