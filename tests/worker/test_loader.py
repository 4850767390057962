"""The loader: versions side by side, imports as usual, errors in the author's terms."""

import inspect
import sys
import traceback

import pytest

from flux.codec import decode, encode
from flux.errors import InvalidDefinition
from flux.worker.loader import find_function, forget, load
from flux.worker.sources import gather
from tests.worker.test_sources import write

WORKFLOW = "from flux.workflow import workflow\n@workflow\nasync def flow(ctx): return 1\n"


@pytest.fixture(autouse=True)
def _clean():
    yield
    forget()


@pytest.fixture
def loaded(tmp_path):
    """Loads `entry` of a folder with these files as it is now."""

    def make(entry: str, **files: str):
        write(tmp_path, {name.replace("__slash__", "/") + ".py": text for name, text in files.items()})
        return load(gather(tmp_path, entry))

    return make


def test_workflows_are_found_by_name(loaded):
    """Aliases are the same workflow; imported ones belong to the file that defines them."""
    found = loaded(
        "a.py",
        a=WORKFLOW + "again = flow\nfrom b import other\n",
        b="from flux.workflow import workflow\n@workflow\nasync def other(ctx): return 2\n",
    )

    assert list(found.workflows) == ["flow"]


def test_a_workflow_made_by_a_function_elsewhere_is_found(loaded):
    """A factory in a shared module makes workflows of the file that calls it."""
    factory = (
        "from flux.workflow import workflow\ndef make(n):\n"
        "    @workflow.with_options(name=n)\n    async def w(ctx): pass\n    return w\n"
    )

    assert list(loaded("a.py", a="from b import make\nx = make('x')\n", b=factory).workflows) == ["x"]


def test_two_workflows_of_one_name_are_refused(loaded):
    """The message names both lines."""
    with pytest.raises(InvalidDefinition, match="lines 2 and 4"):
        loaded(
            "a.py", a=WORKFLOW.removesuffix("\n") + "\n@workflow.with_options(name='flow')\nasync def g(ctx): pass\n"
        )


def test_the_same_digest_is_loaded_once(loaded, tmp_path):
    """A second load gives the same modules."""
    first = loaded("a.py", a=WORKFLOW)

    assert load(gather(tmp_path, "a.py")).module is first.module


def test_two_versions_of_a_helper_live_side_by_side(loaded):
    """Each version of a file sees the `helpers` it was pinned with."""
    first = loaded("a.py", a="import helpers\ndef f(): return helpers.V", helpers="V = 1")
    second = loaded("a.py", helpers="V = 2")

    assert (first.module.f(), second.module.f()) == (1, 2)
    assert "helpers" not in sys.modules


def test_an_import_inside_a_function_finds_the_pinned_file(loaded, tmp_path):
    """Also when the folder holds another by then, or none."""
    first = loaded("a.py", a="def f():\n    import b\n    from b import V\n    return b.V, V", b="V = 1")
    (tmp_path / "b.py").unlink()

    assert first.module.f() == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "import p.q as x\nv = x.v",
        "import p.q\nv = p.q.v",
        "import p\nfrom p.q import v",
        "from p import q\nv = q.v",
        "from p.q import *",
        "from p.r import v",
        "from n import m\nv = m.v",
        "import n.m\nv = n.m.v",
        "import importlib\nimport p\nv = importlib.import_module('.q', p.__name__).v\nimport p.q",
        "exec('from p.q import v')\nimport p.q",
    ],
    ids=[
        "as", "dotted", "from submodule", "from package", "star", "relative", "folder", "dotted folder", "importlib",
        "exec",
    ],
)  # fmt: skip
def test_every_form_of_import_works(loaded, text):
    """Local names lead to the pinned files, whatever form they are imported in."""
    files = {
        "p__slash____init__": "",
        "p__slash__q": "v = 1",
        "p__slash__r": "from .q import v\nfrom . import q",
        "n__slash__m": "v = 1",
    }

    assert loaded("a.py", a=text, **files).module.v == 1


def test_modules_from_elsewhere_are_the_ones_that_everybody_has(loaded):
    """The standard library, installed packages, and `flux`."""
    found = loaded("a.py", a="import json, msgspec, os.path\nimport flux.errors as e\nfrom os import sep", json="x = 1")

    assert found.module.json is sys.modules["json"]
    assert found.module.msgspec is sys.modules["msgspec"]
    assert found.module.e is sys.modules["flux.errors"]


def test_a_file_may_have_a_name_of_the_standard_library(loaded):
    """Files are named after what they do; inside, the name still means the library."""
    found = loaded("email.py", email="import email\nimport email.message\n" + WORKFLOW)

    assert found.module.email is sys.modules["email"]
    assert list(found.workflows) == ["flow"]


def test_modules_that_import_each_other_load(loaded):
    """As they do everywhere else."""
    found = loaded("a.py", a="import b\nx = 1\ndef f(): return b.g()", b="import a\ndef g(): return a.x")

    assert found.module.f() == 1


def test_a_traceback_shows_the_pinned_lines_under_the_original_path(loaded, tmp_path):
    """Whatever the file holds by then."""
    found = loaded("a.py", a="def f():\n    raise ValueError('pinned')\n")
    (tmp_path / "a.py").write_text("# something else\n" * 5)

    with pytest.raises(ValueError, match="pinned") as caught:
        found.module.f()
    text = "".join(traceback.format_exception(caught.value))

    assert f'File "{tmp_path}/a.py", line 2, in f' in text
    assert "raise ValueError('pinned')" in text


def test_each_of_two_versions_shows_its_own_lines(loaded):
    """A path stands for one text only, so the later version says which it is."""
    first = loaded("a.py", a="def f():\n    return 1\n")
    second = loaded("a.py", a="# more\ndef f():\n    return 2\n")

    assert inspect.getsource(first.module.f) == "def f():\n    return 1\n"
    assert inspect.getsource(second.module.f) == "def f():\n    return 2\n"
    assert f"(version {second.digest[:8]})" in second.module.f.__code__.co_filename


def test_file_says_where_the_file_was(loaded, tmp_path):
    """So that data beside it can be found."""
    assert loaded("a.py", a="").module.__file__ == str(tmp_path / "a.py")


@pytest.mark.parametrize(
    ("text", "kind", "detail", "line"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError", "invalid syntax", 2),
        ("\n\nimport nosuch\n", "ModuleNotFoundError", "No module named 'nosuch'", 3),
        ("import b\nb.f()\n", "ZeroDivisionError", "division by zero", 1),
        ("import sys\nsys.exit(3)\n", "SystemExit", "sys.exit(3)", 2),
        ("from b import nosuch\n", "ImportError", "from 'b'", 1),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt", "", 1),
        ("\ndef f(): f()\nf()\n", "RecursionError", "recursion", 2),
        ("\x00", "SyntaxError", "null byte", 0),
    ],
    ids=["syntax", "no module", "in a helper", "exit", "no name", "interrupt", "recursion", "null byte"],
)
def test_a_load_error_says_type_file_and_line(loaded, tmp_path, text, kind, detail, line):
    """The innermost place in the author's own files."""
    with pytest.raises(InvalidDefinition) as caught:
        loaded("a.py", a=text, b="def f(): 1 / 0\n")
    facts = caught.value.facts

    assert facts["type"] == kind
    assert detail in str(facts["detail"])
    assert facts["file"] == str(tmp_path / ("b.py" if kind == "ZeroDivisionError" else "a.py"))
    assert facts["line"] == line or kind == "SyntaxError"


def test_a_failed_load_leaves_nothing(loaded):
    """A later try begins afresh, and other versions are not touched."""
    with pytest.raises(InvalidDefinition):
        loaded("a.py", a="import b\n1 / 0", b="")

    assert not [name for name in sys.modules if name.startswith("flux_source_")]


def test_values_of_local_classes_can_be_kept(loaded):
    """Under names that hold no digest."""
    found = loaded(
        "a.py", a="from b import Order\n", b="from dataclasses import dataclass\n@dataclass\nclass Order:\n    n: int\n"
    )
    order = found.module.Order(3)

    data = encode(order, found.classes)

    assert decode(data, found.classes) == order
    assert found.digest[:8].encode() not in data


@pytest.mark.parametrize(
    ("text", "qualname"),
    [
        ("@task\ndef f(): pass", "f"),
        ("def f(): pass\ng = task(f)\ndel f", "f"),
        ("class C:\n    @staticmethod\n    def f(): pass", "C.f"),
        ("@task\ndef f(): pass\nold = f\ndef f(): pass\nf.__qualname__ = 'x'", "f"),
    ],
    ids=["task", "other name", "in a class", "shadowed"],
)
def test_a_function_is_found_by_its_qualified_name(loaded, text, qualname):
    """As another process must find it."""
    found = loaded("a.py", a="from flux.task import task\n" + text)

    assert find_function(found, found.module.__name__, qualname).__qualname__ == qualname


def test_a_function_of_a_local_module_is_found_there(loaded):
    """Also if nobody has imported that module yet."""
    found = loaded("a.py", a="def later():\n    import b", b="def f(): return 5")
    home = found.module.__name__.replace(".a", ".b")

    assert find_function(found, home, "f")() == 5
