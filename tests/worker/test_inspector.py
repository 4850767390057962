"""The inspector: what a file holds, and what becomes of files that cannot be imported. Real processes."""

import stat
from pathlib import Path

import pytest

from flux.executor.pool import Pool
from tests.executor.conftest import MakePool, Told

Pooled = tuple[Pool, Told]

FLOW = '''
from flux.task import task
from flux.workflow import workflow

@task
def charge(order): return helper(order)

@task.with_options(name="send_{to}")
async def send(to): await notify(to)

@task
async def notify(to): return charge

def helper(order): return order

@workflow.with_options(namespace="billing")
async def invoice(ctx):
    """Charge, then send."""
    await send("x")
    return await charge(ctx.input)
'''


TWICE = "@workflow\nasync def w(ctx): pass\nv = w\n@workflow\nasync def w(ctx): pass\n"
HIDDEN = "@workflow\nasync def w(ctx): pass\n@workflow.with_options(timeout=0)\nasync def w(ctx): pass\n"


async def look(pool: Pool, folder: Path, text: str, name: str = "a.py"):
    """The inspection of a file with this text."""
    (folder / name).write_text(text)
    return await pool.inspect(folder / name, folder)


async def test_workflows_come_with_what_is_known_of_them(pool: Pooled, tmp_path: Path):
    """Name, namespace, line, doc, and the tasks that they call, through other tasks and functions too."""
    found = await look(pool[0], tmp_path, FLOW)

    (invoice,) = found.workflows
    assert (invoice.name, invoice.namespace, invoice.line) == ("invoice", "billing", 16)
    assert invoice.doc == "Charge, then send."
    assert invoice.tasks == ["charge", "notify", "send_{to}"]
    assert found.error is None


async def test_the_source_comes_along(pool: Pooled, tmp_path: Path):
    """The file and its local imports, byte for byte, under one digest."""
    (tmp_path / "b.py").write_bytes(b"V = 1\n")

    found = await look(pool[0], tmp_path, "import b\n")

    assert (found.entry, found.root) == ("a.py", str(tmp_path))
    assert found.files == {"a.py": b"import b\n", "b.py": b"V = 1\n"}
    assert len(found.digest) == 64


async def test_a_file_without_workflows_is_no_error(pool: Pooled, tmp_path: Path):
    """It may be somebody's helper."""
    found = await look(pool[0], tmp_path, "V = 1\n")

    assert (found.workflows, found.error) == ([], None)


@pytest.mark.parametrize(
    ("text", "kind", "words", "line"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError", "invalid syntax", 2),
        ("import nosuch\n", "ModuleNotFoundError", "nosuch", 1),
        ("\nimport os\nos._exit(3)\n", "Exited", "exit code 3", 0),
        ("import sys\nsys.exit(1)\n", "SystemExit", "sys.exit(1)", 2),
        ("import os, signal\n\nos.kill(os.getpid(), signal.SIGSEGV)\n", "Crashed", "SIGSEGV", 3),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "Killed", "killed", 0),
        ("x = bytearray(3 * 1024**3)\n", "MemoryError", "memory", 1),
        ("from flux.workflow import workflow\n" + TWICE, "InvalidDefinition", "lines 2 and 5", 5),
        ("from flux.workflow import workflow\n" + HIDDEN, "InvalidDefinition", "lines 2 and 4", 4),
        ("from flux.task import task\n@task.with_options(timeout=-1)\ndef t(): 1\n", "InvalidDefinition", "timeout", 2),
    ],
    ids=["syntax", "no module", "os._exit", "sys.exit", "segfault", "kill -9", "memory", "two of a name", "hidden",
         "bad option"],
)  # fmt: skip
async def test_a_file_that_does_not_load_says_why(pool: Pooled, tmp_path: Path, text, kind, words, line):
    """Type, message, file and line, whatever the import does to its process."""
    found = await look(pool[0], tmp_path, text)

    assert found.error is not None
    assert (found.error.type, found.error.file, found.error.line) == (kind, str(tmp_path / "a.py"), line)
    assert words in found.error.message
    assert found.files == {"a.py": text.encode()}


async def test_an_endless_import_ends_with_the_line_it_was_in(make_pool: MakePool, tmp_path: Path):
    """After the limit, with the place, and without a process left."""
    pool, told = await make_pool(inspect_limit=300)

    found = await look(pool, tmp_path, "import time\n\nwhile True:\n    time.sleep(0.01)\n")

    assert found.error is not None
    assert (found.error.type, found.error.line) == ("TimeoutError", 4)
    assert "0.3 s" in found.error.message
    assert not told.living("inspector")


async def test_an_import_that_ignores_its_limit_is_killed(make_pool: MakePool, tmp_path: Path):
    """A file that takes the alarm away still ends."""
    pool, told = await make_pool(inspect_limit=200)

    found = await look(
        pool, tmp_path, "import faulthandler, time\nfaulthandler.cancel_dump_traceback_later()\ntime.sleep(600)\n"
    )

    assert found.error is not None
    assert found.error.type == "TimeoutError"
    assert not told.living("inspector")


async def test_output_at_import_is_captured_and_bounded(pool: Pooled, tmp_path: Path):
    """A file that prints without end does not hang on a full pipe, and does not fill the daemon."""
    found = await look(
        pool[0], tmp_path, "import sys\nprint('hello')\nfor _ in range(3000): sys.stderr.write('x' * 100)\n"
    )

    assert found.output.startswith("hello\nxxx")
    assert len(found.output) == 64 * 1024
    assert found.error is None


async def test_a_file_that_is_gone_is_an_error_not_a_crash(pool: Pooled, tmp_path: Path):
    """It may be deleted between the event and the look."""
    found = await pool[0].inspect(tmp_path / "gone.py", tmp_path)

    assert found.error is not None
    assert found.error.type == "FileNotFoundError"
    assert found.files == {}


async def test_user_code_gets_nothing_that_is_the_daemons(pool: Pooled, tmp_path: Path):
    """No variable of ours, no descriptor, a process group of its own, no core files, a fixed hash seed."""
    text = """
import os, resource, stat
print(sorted(name for name in os.environ if name.startswith('FLUX_')), os.environ['KEPT'])
print(os.environ['PYTHONHASHSEED'], os.getpgid(0) == os.getpid(), resource.getrlimit(resource.RLIMIT_CORE))
def kind(n):
    try: return stat.S_IFMT(os.fstat(n).st_mode)
    except OSError: return 0
print([oct(kind(n)) for n in range(3, 1024) if kind(n)])
"""

    found = await look(pool[0], tmp_path, text)

    assert found.output.splitlines()[:2] == ["[] yes", "0 True (0, 0)"]
    assert sorted(eval(found.output.splitlines()[2])) == [oct(stat.S_IFREG), oct(stat.S_IFSOCK)]  # trace and stream
