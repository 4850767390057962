"""Everything known of one execution, and how its parts are written.

Pure. A dossier is made of the execution's view and its events; payloads of single calls come from
their events. `sections` and `failures` say what the panes show for the execution (`call` empty) or
for one of its calls.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from . import format as write
from . import gantt, timeline
from .format import Glyphs, Line
from .gantt import Window
from .records import Fact, Failure, Json, Row, failure, row
from .timeline import Timeline

MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A value with its heading. `value` is MISSING where there is none yet."""

    title: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One execution, whole. `position`: of the last event known. `more`: events too many to be loaded."""

    row: Row
    timeline: Timeline
    input: object = MISSING
    output: object = MISSING
    failure: Failure | None = None
    facts: tuple[Fact, ...] = ()
    position: int = 0
    more: bool = False


def opened(view: Json) -> Dossier:
    """The dossier of an execution of which no event is known."""
    found = row(view)
    return told(Dossier(row=found, timeline=timeline.empty(found.workflow)), view, ())


def told(dossier: Dossier, view: Json, facts: Iterable[Fact], *, more: bool = False) -> Dossier:
    """The dossier after a fresh view and the events that came since."""
    new = tuple(facts)
    return replace(
        dossier,
        row=row(view),
        input=view.get("input", MISSING),
        output=view.get("output", MISSING),
        failure=failure(view.get("error")),
        facts=dossier.facts + new,
        timeline=timeline.fold(dossier.timeline, new),
        position=new[-1].position if new else dossier.position,
        more=more,
    )


def window(dossier: Dossier, now: int) -> Window:
    """The time its picture shows."""
    return gantt.window(dossier.row.created, dossier.row.finished, now)


def sections(dossier: Dossier, call: str) -> tuple[Section, ...]:
    """What went in and what came out: of one call, or of the execution and its open pauses."""
    if call:
        facts = [fact for fact in dossier.facts if fact.call == call]
        found = [_of_fact(title, facts, kinds) for title, kinds in _PAYLOADS]
        return tuple(section for section in found if section is not None)
    pauses = [Section(title=f"PAUSE {pause.name}", value=pause.output) for pause in dossier.row.pauses]
    return (*pauses, Section(title="INPUT", value=dossier.input), Section(title="OUTPUT", value=dossier.output))


_PAYLOADS = (
    ("ARGUMENTS", ("TASK_STARTED",)),
    ("SHOWN", ("PAUSE_OPENED",)),
    ("RESULT", ("TASK_COMPLETED", "TASK_FALLBACK_COMPLETED")),
    ("ANSWER", ("PAUSE_CLOSED",)),
)


def _of_fact(title: str, facts: Iterable[Fact], kinds: tuple[str, ...]) -> Section | None:
    """The payload of the last event of one of these kinds that has one; None if there was no such event."""
    payloads = [fact.payload for fact in facts if fact.type in kinds]
    if not payloads:
        return None
    value = next((payload for payload in reversed(payloads) if payload is not None), None)
    return Section(title=title, value=_call(value) if kinds == ("TASK_STARTED",) else value)


def _call(payload: object) -> object:
    """The arguments of a call: positional ones as a list, keywords as an object, both if there are both."""
    if not (isinstance(payload, list) and len(payload) == 2 and isinstance(payload[1], Mapping)):
        return payload
    positional, keywords = payload
    return {"positional": positional, "keywords": keywords} if positional and keywords else keywords or positional


def failed(dossier: Dossier, call: str) -> Failure | None:
    """The error of one call, or of the execution."""
    if not call:
        return dossier.failure
    for fact in reversed(dossier.facts):
        if fact.call == call and fact.type in ("TASK_ATTEMPT_FAILED", "TASK_FAILED", "TASK_FALLBACK_FAILED"):
            found = failure(fact.payload)
            if found is not None:
                return found
    return dossier.failure if dossier.failure is not None and dossier.failure.call == call else None


def error_lines(found: Failure) -> list[Line]:
    """An error: what it is, where it came from, its traceback, then what caused it."""
    lines: list[Line] = []
    cause: Failure | None = found
    while cause is not None:
        if lines:
            lines += [(), (("caused by", "dim"),)]
        message = write.clean(cause.message, keep="\n").split("\n")
        lines.append(((write.clean(cause.type), "failed"), (": " if cause.message else "", ""), (message[0], "strong")))
        lines += [((text, ""),) for text in message[1:]]
        lines += _origin(cause)
        if cause.traceback:
            lines += [
                (),
                *(_traced(text) for text in write.clean(cause.traceback, keep="\n").rstrip("\n").split("\n")),
            ]
        cause = cause.cause
    return lines


def _origin(found: Failure) -> list[Line]:
    if not found.task:
        return []
    tries = f", {found.attempts} attempts" if found.attempts > 1 else ""
    return [((f"in {write.clean(found.task)} ({write.clean(found.call)}){tries}", "dim"),)]


def _traced(text: str) -> Line:
    """A line of a traceback: where it went through dim, the code as it is."""
    return ((text, "dim" if text.lstrip().startswith(("File ", "Traceback ")) else ""),)


def summary(dossier: Dossier, now: int, glyphs: Glyphs) -> Line:
    """The facts of an execution on one line: state, version, when, how long, where."""
    found = dossier.row
    state = write.role_of(found.state)
    length = found.length(now)
    took = write.duration(length) if found.is_final else write.lasting(length, found.state)
    queued = max((found.started or now) - found.created, 0)
    facts = [
        f"@{found.version[:7]}" if found.version else "",
        f"submitted {write.clock_time(found.created, now=now)}",
        f"took {took}" if found.is_final else f"for {took}",
        f"queued {write.duration(queued)}" if found.started else "",
        f"worker {write.short_id(write.clean(found.worker), glyphs)}" if found.worker else "",
        f"by {write.clean(found.principal)}" if found.principal else "",
    ]
    return (
        (f"{write.glyph(found.state, glyphs)} {found.state}", f"{state}-strong" if state else "strong"),
        (f"  {write.clean(found.workflow)}", "strong"),
        *(piece for fact in facts if fact for piece in (("  ", ""), (fact, "dim"))),
    )


def why_lines(found: Row, width: int, most: int) -> list[Line]:
    """The sentence that says why the execution is where it is, on at most `most` lines."""
    texts = write.wrap(write.clean(found.why), max(width - 6, 10))[:most] if found.why else []
    return [((("WHY   " if at == 0 else "      "), "heading"), (text, "")) for at, text in enumerate(texts)]
