"""The table of rooms: what stands on which floor and what it may import.

An arrow may only go to a lower floor; `ours` says which of the rooms down there. `inside` may be
imported in functions only. In `others`, the third-party packages:

    click           anywhere in the room
    pydantic?       inside a function only, on first use
    jwt@tokens,oidc in these files of the room only (names may hold `*`)

`never` are modules of the standard library that would break what the room promises.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

_IO = "socket select selectors asyncio subprocess http urllib ssl multiprocessing"


@dataclass(frozen=True, kw_only=True)
class Room:
    """One row of the table. `modules` are the dotted names at its doors."""

    name: str
    floor: int
    modules: str
    ours: str = ""
    inside: str = ""
    others: str = ""
    never: str = ""

    def may_import(self, package: str, module: str, *, in_function: bool) -> bool:
        """Whether `module`, of this room, may import the third-party `package` there."""
        for rule in self.others.split():
            name, _, files = rule.partition("@")
            if name.rstrip("?") == package and (in_function or not name.endswith("?")):
                return not files or any(fnmatchcase(module.rpartition(".")[2], pattern) for pattern in files.split(","))
        return False


ROOMS = (
    Room(floor=7, name="cli", modules="flux.cli",
         ours="client config core codec clock errors", inside="daemon local tui mcp testing",
         others="click sqlite_utils@db"),
    Room(floor=7, name="testing", modules="flux.testing",
         ours="local daemon store authoring agents client wire core codec clock ids errors",
         others="pytest@*plugin* aiohttp@*loopback*,*server* apsw@*fault*"),
    Room(floor=6, name="daemon", modules="flux.daemon", ours="*", others="uvloop"),
    Room(floor=6, name="local", modules="flux.local", ours="*", others="uvloop"),
    Room(floor=5, name="server", modules="flux.server",
         ours="engine wire core schema codec clock ids errors telemetry", others="aiohttp"),
    Room(floor=5, name="executor", modules="flux.executor",
         ours="engine wire core clock ids errors telemetry", others="watchfiles distributed@*dask*"),
    Room(floor=5, name="worker", modules="flux.worker",
         ours="wire authoring core codec clock ids errors telemetry", others="uvloop"),
    Room(floor=5, name="mcp", modules="flux.mcp", ours="client wire errors", others="mcp"),
    Room(floor=5, name="tui", modules="tui",
         ours="client wire core config clock errors", others="textual rich"),  # rich: the segments of textual's lines
    Room(floor=4, name="engine", modules="flux.engine",
         ours="store core codec schema clock ids errors", others="jwt@tokens,oidc cryptography@vault"),
    Room(floor=4, name="client", modules="flux.client", ours="wire config clock errors", others="aiohttp"),
    Room(floor=4, name="agents", modules="flux.agents flux.tasks.ai flux.tasks.mcp",
         ours="authoring codec errors", others="anthropic? google? mcp? ollama? openai? pydantic?"),
    Room(floor=3, name="store", modules="flux.store",
         ours="core codec errors", others="apsw", never="asyncio threading concurrent"),
    Room(floor=3, name="wire", modules="flux.wire", ours="core errors", others="pydantic msgspec", never=_IO),
    Room(floor=3, name="authoring",
         modules="flux flux.task flux.workflow flux.context flux.runtime flux.declaration flux.tasks "
                 "flux.secret_managers flux.output_storage",
         ours="core codec ids errors", never="socket select selectors subprocess http urllib ssl multiprocessing"),
    Room(floor=2, name="core", modules="flux.core",
         ours="errors ids", others="cronsim", never="asyncio time random os logging threading"),
    Room(floor=2, name="codec", modules="flux.codec",
         ours="errors", others="pydantic? numpy? pandas? polars? pyarrow?"),
    Room(floor=2, name="schema", modules="flux.schema", ours="errors", others="jsonschema?"),
    Room(floor=2, name="config", modules="flux.config", ours="errors"),
    Room(floor=1, name="errors", modules="flux.errors"),
    Room(floor=1, name="ids", modules="flux.ids"),
    Room(floor=1, name="clock", modules="flux.clock"),
    Room(floor=1, name="telemetry", modules="flux.telemetry"),
)  # fmt: skip

BY_NAME: Mapping[str, Room] = {room.name: room for room in ROOMS}
_BY_MODULE: Mapping[str, Room] = {module: room for room in ROOMS for module in room.modules.split()}

# The imports that climb, by the module and the class whose methods make them: authors call `.run()` without a daemon.
CLIMBS = {("flux.workflow", "Workflow"): "flux.local"}


def room_of(module: str) -> Room | None:
    """The room that `module` stands in; None if it stands in none."""
    name = module
    while name:
        if name in _BY_MODULE and (name != "flux" or module == "flux"):
            return _BY_MODULE[name]
        name = name.rpartition(".")[0]
    return None


def allowed(room: Room, *, in_function: bool) -> Iterator[Room]:
    """The rooms that `room` may import, beside itself."""
    if room.ours == "*":
        yield from (other for other in ROOMS if other.floor < room.floor)
        return
    yield from (BY_NAME[name] for name in room.ours.split())
    if in_function:
        yield from (BY_NAME[name] for name in room.inside.split())
