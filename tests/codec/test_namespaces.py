"""Namespaces: which classes a source can name, and under which label, however it was loaded."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from flux.codec import ClassIndex, decode, encode
from flux.codec.namespaces import VERSION_PREFIX, unversioned
from flux.worker.loader import PREFIX

Write = Callable[[str, str], Path]
Import = Callable[[str], ModuleType]

MODELS = "from dataclasses import dataclass\n@dataclass\nclass {name}:\n    n: int = 1\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a source file below a folder of its own."""

    def write(path: str, text: str) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Imports what was written, and forgets it afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    importlib.invalidate_caches()
    yield importlib.import_module
    for name in set(sys.modules) - before:
        del sys.modules[name]


def _as(name: str, file: Path) -> ModuleType:
    """The file loaded under another name, as a script or a pinned version is."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_classes_of_the_file_nested_ones_and_local_modules_are_found(write: Write, load: Import):
    """Also those that the file only reaches through a function of another module."""
    write("parts.py", MODELS.format(name="Part"))
    write("shop.py", MODELS.format(name="Item") + "import parts\ndef make():\n    return parts.Part()\n")
    write(
        "orders.py",
        "from dataclasses import dataclass\nfrom enum import Enum\nfrom shop import make\n"
        "@dataclass\nclass Order:\n    state: object = None\n    class State(Enum):\n        OPEN = 1\n",
    )
    orders = load("orders")

    index = ClassIndex.of_module(orders)

    assert index.name_of(orders.Order) == "orders:Order"
    assert index.find("orders:Order.State") is orders.Order.State
    assert index.find("shop:Item") is sys.modules["shop"].Item
    assert index.find("parts:Part") is sys.modules["parts"].Part
    assert len(index) == 4


def test_classes_of_the_standard_library_need_an_import_in_the_file(write: Write, load: Import):
    """`from http import HTTPStatus`, or `import http`; nothing is looked for further away."""
    write("a.py", "from http import HTTPStatus\n")
    write("b.py", "import http\n")
    write("c.py", "import http.client\n")

    names = [ClassIndex.of_module(load(name)).find("http:HTTPStatus") is not None for name in ("a", "b", "c")]

    assert names == [True, True, True]
    assert ClassIndex.of_module(load("c")).find("http.client:HTTPException") is None


def test_labels_are_places_below_the_outermost_package(write: Write, load: Import):
    """The same as the names by which the modules import each other."""
    write("billing/__init__.py", "")
    write("billing/models.py", MODELS.format(name="Invoice"))
    write("billing/flows.py", "from billing.models import Invoice\n" + MODELS.format(name="Job"))
    flows = load("billing.flows")

    index = ClassIndex.of_module(flows)

    assert index.name_of(flows.Invoice) == "billing.models:Invoice"
    assert index.name_of(flows.Job) == "billing.flows:Job"


@pytest.mark.parametrize("name", ["__main__", "orders", f"{VERSION_PREFIX}1a2b3c.orders", "odd_name"])
def test_a_file_has_the_same_label_however_it_was_loaded(write: Write, load: Import, name: str):
    """A value that a script recorded is read by a task process, and by the next version."""
    file = write("orders.py", MODELS.format(name="Order"))
    main = sys.modules["__main__"]
    try:
        module = _as(name, file)
        assert ClassIndex.of_module(module).name_of(module.Order) == "orders:Order"
        assert ClassIndex.growing(module).name_of(module.Order) == "orders:Order"
    finally:
        sys.modules["__main__"] = main


def test_modules_of_one_version_belong_together_wherever_their_files_are(write: Write, load: Import):
    """A file may use one beside its folder; two versions of it do not mix."""
    shared = write("shared.py", MODELS.format(name="Line"))
    flow = write("sub/flow.py", MODELS.format(name="Job"))
    modules = {}
    for version in ("aa", "bb"):
        modules[version] = (
            _as(f"{VERSION_PREFIX}{version}.flow", flow),
            _as(f"{VERSION_PREFIX}{version}.shared", shared),
        )

    one, other = (ClassIndex.of_module(*modules[version]) for version in ("aa", "bb"))

    assert one.name_of(modules["aa"][1].Line) == "shared:Line"
    assert one.name_of(modules["bb"][1].Line) is None
    back = decode(encode(modules["aa"][1].Line(7), one), other)
    assert type(back) is modules["bb"][1].Line


def test_the_version_is_no_part_of_a_name():
    """The loader and the codec agree on how versions are named."""
    assert VERSION_PREFIX == PREFIX
    assert unversioned(f"{PREFIX}0123456789abcdef.billing.models") == "billing.models"
    assert unversioned("billing.models") == "billing.models"


def test_two_classes_of_one_name_are_told_apart_by_their_variables(write: Write, load: Import):
    """A function that makes classes makes them all with one qualified name."""
    write(
        "made.py",
        "from dataclasses import dataclass\ndef make():\n    @dataclass\n    class Row:\n"
        "        n: int\n    return Row\nA = make()\nB = make()\n",
    )
    made = load("made")
    index = ClassIndex.of_module(made)

    for cls in (made.A, made.B):
        assert type(decode(encode(cls(1), index), index)) is cls


def test_installed_packages_and_flux_itself_are_not_walked(write: Write, load: Import):
    """Only the top of what a file imports from elsewhere can be named."""
    write("plain.py", "import hypothesis, flux.codec\nfrom flux.codec import encode\n")

    index = ClassIndex.of_module(load("plain"))

    assert index.find("hypothesis:settings") is None
    assert index.find("flux.codec.scalars:Form") is None


def test_a_proxy_in_the_namespace_is_not_touched(write: Write, load: Import):
    """Lazy objects of other packages connect or fail when somebody asks them for an attribute."""
    write(
        "lazy.py", "class Proxy:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\nproxy = Proxy()\n"
    )

    assert len(ClassIndex.of_module(load("lazy"))) == 0
