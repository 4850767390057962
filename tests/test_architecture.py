"""The walls of the house stand: floors, doors, and every rule of the form "only here".

Each rule is run over the real source, and over small trees made to break it, so that a rule which has
gone blind is noticed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import rules, words
from tests.architecture.rooms import BY_NAME, ROOMS
from tests.architecture.rules import Violation
from tests.architecture.tree import Source, load

Rule = Callable[[Source], Iterator[Violation]]

ROOT = Path(__file__).parent.parent
RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        rules.rooms, rules.floors, rules.third_party, rules.standard_library, rules.face, rules.deferred, rules.circles,
        words.sql, words.environment, words.clock, words.printing, words.broad_excepts, words.docstrings, words.names,
        words.sizes,
    )
}  # fmt: skip
TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
DOC = '"""A module."""\n'

# What breaks a rule: the rule, then the files of a small tree. Exactly that rule must speak.
BROKEN: list[tuple[str, dict[str, str]]] = [
    ("rooms", {"flux/attic.py": ""}),
    ("floors", {"flux/errors.py": "import flux.ids\n", "flux/ids.py": ""}),
    ("floors", {"flux/core/a.py": "from flux.store import rows\n", "flux/store/rows.py": ""}),
    ("floors", {"flux/core/a.py": "from flux import clock\n", "flux/clock.py": ""}),
    ("floors", {"flux/server/a.py": "from flux.store.rows import take\n", "flux/store/rows.py": "take = 1\n"}),
    ("floors", {"flux/worker/a.py": "from ..engine import b\n", "flux/engine/b.py": ""}),
    ("floors", {"flux/engine/b.py": TYPES + "    import flux.wire.frames\n", "flux/wire/frames.py": ""}),
    ("floors", {"flux/cli/a.py": "import flux.daemon\n", "flux/daemon.py": ""}),
    ("floors", {"flux/daemon.py": "import flux.local\n", "flux/local.py": ""}),
    ("floors", {"flux/workflow.py": "import flux.local\n", "flux/local.py": ""}),
    ("floors", {"tui/app.py": "from flux.engine import b\n", "flux/engine/b.py": ""}),
    ("floors", {"flux/tasks/one.py": "from flux.tasks.ai import agent\n", "flux/tasks/ai.py": "agent = 1\n"}),
    ("third_party", {"flux/engine/a.py": "import apsw\n"}),
    ("third_party", {"flux/engine/a.py": "import pydantic\n"}),
    ("third_party", {"flux/engine/vault.py": "import jwt\n"}),
    ("third_party", {"flux/codec/a.py": "import pydantic\n"}),
    ("third_party", {"flux/client/a.py": "import pydantic\n"}),
    ("third_party", {"flux/core/a.py": "from numpy.random import default_rng\n"}),
    ("third_party", {"flux/testing/a.py": "import apsw\n"}),
    ("third_party", {"tui/app.py": "import aiohttp\n"}),
    ("standard_library", {"flux/core/a.py": "import os.path\n"}),
    ("standard_library", {"flux/core/a.py": "from asyncio import sleep\n"}),
    ("standard_library", {"flux/store/a.py": "import threading\n"}),
    ("standard_library", {"flux/worker/a.py": "import pickle\n"}),
    ("standard_library", {"flux/cli/db.py": "from sqlite3 import connect\n"}),
    ("face", {"flux/worker/a.py": "from flux import task\n", "flux/__init__.py": "task = 1\n"}),
    ("deferred", {"flux/engine/a.py": "def f():\n    import json\n"}),
    ("deferred", {"flux/engine/a.py": "class A:\n    async def f(self):\n        from flux.core import x\n",
                  "flux/core/x.py": ""}),
    ("circles", {"flux/core/a.py": "import flux.core.b\n", "flux/core/b.py": "from . import a\n"}),
    ("circles", {"flux/core/a.py": "from flux.core.b import x\n", "flux/core/b.py": "from flux.core import c\nx = 1\n",
                 "flux/core/c.py": TYPES + "    from flux.core.a import y\n"}),
    ("sql", {"flux/engine/a.py": "X = 'SELECT id FROM executions WHERE x = :x'\n"}),
    ("sql", {"flux/engine/a.py": "X = f'UPDATE {table} SET a = 1'\n"}),
    ("sql", {"flux/daemon.py": "X = '''\n    INSERT INTO events (a) VALUES (1)'''\n"}),
    ("sql", {"flux/daemon.py": "X = 'select * from events where a = 1'\n"}),
    ("sql", {"flux/local.py": "X = 'PRAGMA user_version'\n"}),
    ("environment", {"flux/daemon.py": "import os\nx = os.environ['HOME']\n"}),
    ("environment", {"flux/daemon.py": "from os import getenv\n"}),
    ("clock", {"flux/engine/a.py": "from time import monotonic\n"}),
    ("clock", {"flux/engine/a.py": "import time as t\n"}),
    ("clock", {"flux/engine/a.py": "import datetime\nx = datetime.datetime.now()\n"}),
    ("clock", {"tui/a.py": "from datetime import date\nx = date.today()\n"}),
    ("printing", {"flux/engine/a.py": "print('x')\n"}),
    ("printing", {"flux/cli/a.py": "import click\nclick.echo('x')\n"}),
    ("broad_excepts", {"flux/engine/a.py": "try:\n    x = 1\nexcept Exception:\n    x = 2\n"}),
    ("broad_excepts", {"flux/engine/a.py": "try:\n    x = 1\nexcept (OSError, BaseException):\n    x = 2  # why\n"}),
    ("names", {"flux/engine/utils.py": ""}),
    ("names", {"tests/helpers/a.py": ""}),
    ("sizes", {"flux/engine/a.py": "x = 1\n" * 401}),
    ("sizes", {"tests/test_a.py": "def f():\n" + "    x = 1\n" * 50}),
]  # fmt: skip

# What looks like a breach and is none.
SOUND: list[dict[str, str]] = [
    {"flux/cli/a.py": "def f():\n    import flux.daemon\n", "flux/daemon.py": ""},
    {"flux/workflow.py": "class Workflow:\n    def run(self):\n        import flux.local\n",
     "flux/local.py": "import flux.workflow\n"},
    {"flux/codec/a.py": "def f():\n    import pydantic\n"},
    {"flux/agents/a.py": "def f():\n    from google import genai\n"},
    {"flux/engine/tokens.py": "import jwt\n", "flux/store/a.py": "import apsw\nX = 'SELECT 1'\n"},
    {"flux/testing/fault_vfs.py": "import apsw\nX = 'DELETE FROM a'\n", "flux/testing/plugin.py": "import pytest\n"},
    {"flux/engine/a.py": "X = 'Select one of the list'\nY = 'update the unit, set it up'\n"},
    {"flux/engine/a.py": "class L:\n    def time(self):\n        return self.loop.time()\n"},
    {"flux/engine/a.py": "try:\n    x = 1\nexcept Exception:  # the loop goes on: it is logged whole\n    x = 2\n"},
    {"flux/engine/a.py": "try:\n    x = 1\nexcept Exception:\n    # The loop goes on.\n    x = 2\n"},
    {"flux/engine/a.py": "try:\n    x = 1\nexcept BaseException:\n    x = 2\n    raise\n"},
    {"flux/core/__init__.py": "from flux.core.a import x\n", "flux/core/a.py": "from flux.core import b\nx = 1\n",
     "flux/core/b.py": ""},
    {"tests/bench/limit/common.py": "x = 1\n" * 500},
    {"tui/app.py": "from . import feed\nfrom flux.client import api\n", "tui/feed.py": "", "flux/client/api.py": ""},
]  # fmt: skip


@pytest.fixture(scope="module")
def source() -> Source:
    """The real source."""
    return load(ROOT)


def a_tree(root: Path, files: dict[str, str]) -> Source:
    """A small source tree; each file of ours gets a docstring in front."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DOC + text, "utf-8")
    return load(root)


def speaking(source: Source) -> list[str]:
    """The names of the rules that the source breaks."""
    return [name for name, rule in RULES.items() if any(rule(source))]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_house_keeps_the_rule(rule: Rule, source: Source) -> None:
    """Each rule holds everywhere in the source, with no exception but those that its table names."""
    broken = [str(violation) for violation in rule(source)]

    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("rule", "files"), BROKEN, ids=lambda part: part if isinstance(part, str) else next(iter(part))
)
def test_a_breach_is_noticed(rule: str, files: dict[str, str], tmp_path: Path) -> None:
    """Every rule sees what it is there for, and no other rule speaks up in its place."""
    assert speaking(a_tree(tmp_path, files)) == [rule]


@pytest.mark.parametrize("files", SOUND, ids=lambda files: next(iter(files)))
def test_what_is_allowed_is_not_complained_about(files: dict[str, str], tmp_path: Path) -> None:
    """The exceptions of the tables are exceptions, and prose is not SQL."""
    assert speaking(a_tree(tmp_path, files)) == []


def test_a_module_without_a_docstring_is_noticed(tmp_path: Path) -> None:
    """A module says what it owns in its first lines."""
    (tmp_path / "flux").mkdir()
    (tmp_path / "flux" / "errors.py").write_text("x = 1\n", "utf-8")

    assert speaking(load(tmp_path)) == ["docstrings"]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_arrow_of_the_table_goes_down(room) -> None:
    """The table itself obeys the floors, so that no two rows together allow a circle."""
    assert all(BY_NAME[name].floor < room.floor for name in room.ours.split() if name != "*")


def test_every_rule_is_shown_to_work() -> None:
    """No rule without a small tree that breaks it."""
    assert {rule for rule, _ in BROKEN} | {"docstrings"} == set(RULES)
