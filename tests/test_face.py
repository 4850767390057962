"""`import flux`: what authors write at the top of their files, in every order."""

import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

import flux
import flux.tasks

ROOT = Path(__file__).parent.parent
IMPORTS = ("from flux import task, workflow", "from flux.task import task", "from flux.workflow import workflow")


@pytest.mark.parametrize("lines", permutations(IMPORTS), ids=lambda lines: " | ".join(lines))
def test_task_and_workflow_are_decorators_whatever_is_imported_first(lines: tuple[str, ...]) -> None:
    """A module and a decorator share a name; authors only ever mean the decorator."""
    program = "\n".join(
        [
            *lines,
            "import flux, flux.task, flux.workflow, flux.tasks.pause, flux.tasks.parallel",
            "from flux import task as again, workflow as anew",
            "assert task is again is flux.task is flux.task.task, flux.task",
            "assert workflow is anew is flux.workflow is flux.workflow.workflow, flux.workflow",
            "assert callable(flux.tasks.pause) and callable(flux.tasks.parallel)",
        ]
    )

    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@pytest.mark.parametrize("module", [flux, flux.tasks], ids=lambda module: module.__name__)
def test_every_public_name_is_there(module: object) -> None:
    """`__all__` promises nothing that is missing, and is sorted."""
    names = vars(module)["__all__"]

    assert names == sorted(names)
    assert all(hasattr(module, name) for name in names)


def test_importing_the_face_imports_nothing_else_of_ours() -> None:
    """A program that needs only a part of Flux pays only for that: `flux list` must feel immediate."""
    program = "import sys, flux; print([name for name in sys.modules if name.startswith('flux.')])"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_modules_for_authors_are_there_without_an_import_of_their_own() -> None:
    """`import flux` is enough to say `flux.tasks.sleep` and `flux.errors.TaskTimeout`, as if all were imported."""
    program = "import flux; flux.tasks.sleep, flux.errors.TaskTimeout, flux.context.ExecutionContext"

    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """The face answers as any module does: `hasattr` works, and the message names both."""
    with pytest.raises(AttributeError, match="module 'flux' has no attribute 'taks'"):
        _ = getattr(flux, "taks")  # noqa: B009 - mypy knows, too


def test_the_names_are_listed() -> None:
    """Completion in a shell or a notebook shows what can be imported."""
    assert set(flux.__all__) | {"tasks", "errors"} <= set(dir(flux))
