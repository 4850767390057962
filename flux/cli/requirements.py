"""Which installed packages a package needs, all the way down, as their metadata say.

Markers about Python and platform are not evaluated: what they exclude is not installed, and what is
installed does no harm. Only `extra == …` decides, since extras name tools that nobody asked for.
"""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")


def closure(top: Distribution) -> list[Distribution]:
    """What `top` needs with its extra `all` (as far as that is installed), without itself, each once.

    Raises:
        PackageNotFoundError: a package that is needed everywhere is not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(top, extra) for extra in ("", "all")]
    while waiting:
        package, extra = waiting.pop()
        for name, extras in needed(package.requires or [], extra):
            needs = top if normal(name) == normal(top.name) else _installed(name, optional=extra != "")
            if needs is None:
                continue
            if needs is not top:
                found[normal(name)] = needs
            fresh = {(normal(name), more) for more in ("", *extras)} - seen
            seen |= fresh
            waiting += [(needs, more) for _, more in sorted(fresh)]
    return [found[name] for name in sorted(found)]


def needed(requirements: list[str], extra: str) -> list[tuple[str, list[str]]]:
    """The names, each with its extras, that `requirements` ask for under `extra` (empty: for no extra).

    A name that a marker may exclude stands there only if it is installed.
    """
    chosen = []
    for requirement in requirements:
        text, _, marker = requirement.partition(";")
        parsed, under = _NAME.match(text), _EXTRA.search(marker)
        if parsed is None or (under[1] if under else "") != extra:
            continue
        if marker and not under and _installed(parsed[1], optional=True) is None:
            continue
        chosen.append((parsed[1], [part.strip() for part in (parsed[2] or "").split(",") if part.strip()]))
    return chosen


def normal(name: str) -> str:
    """The name as packages are compared by it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str, *, optional: bool) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        if optional:
            return None
        raise
