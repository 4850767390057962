"""Values of a pinned version: readable as long as the log has them, whatever happens to the folder."""

import shutil
from pathlib import Path

import pytest

from flux.codec import decode, encode
from flux.worker.loader import forget, load
from flux.worker.sources import gather

_MODELS = """
from dataclasses import dataclass

@dataclass
class Order:
    id: int
"""
_FLOW = """
from .models import Order
from .parts.items import Item

def value():
    return [Order(1), Item(2)]
"""
_ITEMS = """
from ..models import Order

class Item(Order):
    pass
"""


@pytest.mark.parametrize("gone", ["shop", "shop/__init__.py", "shop/parts/__init__.py"])
def test_values_are_read_when_the_folder_or_a_part_of_it_is_gone(tmp_path: Path, gone: str):
    """The name of a class comes from the pinned source, never from what the disk holds."""
    files = {"shop/__init__.py": "", "shop/models.py": _MODELS, "shop/flow.py": _FLOW}
    files |= {"shop/parts/__init__.py": "", "shop/parts/items.py": _ITEMS}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    source = gather(tmp_path, "shop/flow.py")
    loaded = load(source)
    payload = encode(vars(loaded.module)["value"](), loaded.classes)
    forget()
    shutil.rmtree(tmp_path / gone) if gone == "shop" else (tmp_path / gone).unlink()

    again = load(source)
    value = decode(payload, again.classes)

    assert value == vars(again.module)["value"]()
    assert encode(value, again.classes) == payload
    forget()
