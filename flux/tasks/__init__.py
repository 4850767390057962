"""What a workflow body is made of beside tasks: groups of calls, waits, and values that stay the same on replay.

Everything here is awaited. A module and the function in it share a name (`flux.tasks.pause`): all of
them are imported below, before the names are bound, so that no later import of a module can put
itself in the place of its function.
"""

from flux.tasks.chance import choice, randint, randrange, uuid4
from flux.tasks.parallel import map_items as map
from flux.tasks.parallel import parallel
from flux.tasks.pause import pause
from flux.tasks.pipeline import pipeline
from flux.tasks.timers import now, sleep

__all__ = [
    "choice",
    "map",
    "now",
    "parallel",
    "pause",
    "pipeline",
    "randint",
    "randrange",
    "sleep",
    "uuid4",
]
