"""`import flux`: what authors write at the top of their files, in every order."""

import subprocess
import sys
from itertools import permutations

import pytest

import flux
import flux.tasks

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

    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("module", [flux, flux.tasks], ids=lambda module: module.__name__)
def test_every_public_name_is_there(module: object) -> None:
    """`__all__` promises nothing that is missing, and is sorted."""
    names = vars(module)["__all__"]

    assert names == sorted(names)
    assert all(hasattr(module, name) for name in names)
