"""Which packages a package needs."""

from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest

from flux.cli.requirements import closure, needed, normal


def a_package(folder: Path, requires: Sequence[str]) -> Distribution:
    """A package `ours` with these requirements, as its metadata on disk say."""
    metadata = folder / "ours-1.dist-info"
    metadata.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: ours", "Version: 1", *(f"Requires-Dist: {line}" for line in requires)]
    (metadata / "METADATA").write_text("\n".join(lines) + "\n")
    return Distribution.at(metadata)


def names(found: Sequence[Distribution]) -> set[str]:
    """The names, as packages are compared by them."""
    return {normal(package.name) for package in found}


def test_what_is_needed_comes_with_what_it_needs(tmp_path: Path) -> None:
    """All the way down: aiohttp brings yarl, which brings multidict."""
    found = names(closure(a_package(tmp_path, ["aiohttp>=3"])))

    assert {"aiohttp", "yarl", "multidict"} <= found


def test_tools_of_an_extra_stay_out(tmp_path: Path) -> None:
    """What only an extra asks for is not packed, however much of it is installed."""
    found = names(closure(a_package(tmp_path, ["click", "pytest; extra == 'dev'"])))

    assert found == {"click"}


def test_the_extra_all_is_packed_as_far_as_it_is_installed(tmp_path: Path) -> None:
    """`all` may name extras of the package itself."""
    requires = ["ours[more]; extra == 'all'", "click; extra == 'more'", "no-such-package-of-ours; extra == 'more'"]

    assert names(closure(a_package(tmp_path, requires))) == {"click"}


def test_a_package_for_another_platform_is_passed_over(tmp_path: Path) -> None:
    """What a marker excludes is not installed, and need not be."""
    assert closure(a_package(tmp_path, ["no-such-package-of-ours; sys_platform == 'win32'"])) == []


def test_a_missing_package_is_an_error(tmp_path: Path) -> None:
    """A bundle that cannot work is not built."""
    with pytest.raises(PackageNotFoundError, match="no-such-package-of-ours"):
        closure(a_package(tmp_path, ["no-such-package-of-ours>=1"]))


@pytest.mark.parametrize(
    ("requirement", "extra", "found"),
    [
        ("click>=8.1,<9", "", [("click", [])]),
        ("pydantic[email, timezone]>=2", "", [("pydantic", ["email", "timezone"])]),
        ("click ; python_version >= '3.8'", "", [("click", [])]),
        ("click; extra == 'a'", "a", [("click", [])]),
        ("click; extra == 'a'", "b", []),
        ("click", "a", []),
    ],
)
def test_a_requirement_is_read(requirement: str, extra: str, found: list[tuple[str, list[str]]]) -> None:
    """Name, extras, and under which extra it counts."""
    assert needed([requirement], extra) == found
