"""Where the parts of the product lie, which differs between a checkout and an installation.

In a checkout, `tui/` and `examples/` stand beside `flux/`; the wheel carries them inside it, as
`flux/tui` and `flux/data/examples`, so that no other top-level name lands in anybody's site-packages.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

import flux.cli


def checkout() -> Path | None:
    """The folder of the checkout that this code runs from; None if it was installed."""
    root = Path(flux.cli.__file__).parent.parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "tests").is_dir() else None


def examples() -> Traversable:
    """The folder of example workflows."""
    root = checkout()
    return root / "examples" if root is not None else files("flux") / "data" / "examples"


def unit_file() -> Traversable:
    """The systemd unit `fluxd.service`."""
    root = checkout()
    return root / "fluxd.service" if root is not None else files("flux") / "data" / "fluxd.service"


def tui_module() -> str:
    """The name under which the terminal UI can be imported."""
    return "flux.tui" if find_spec("flux.tui") is not None else "tui"
