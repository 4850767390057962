"""The manual says what there is, and what it says works."""

import re
import tomllib
from pathlib import Path

import pytest

from flux import config
from flux.cli.exits import EXIT, ExitCode
from flux.cli.main import COMMANDS
from flux.client.blocking import SyncClient
from flux.errors import FluxError
from tests.cli.conftest import ROOT

DOCS = ROOT / "flux" / "docs"
README = (ROOT / "README.md").read_text("utf-8")


def page(name: str) -> str:
    """A topic's text."""
    return (DOCS / f"{name}.md").read_text("utf-8")


def codes() -> list[str]:
    """The codes of all errors of ours."""
    found, waiting = set(), [FluxError]
    for kind in waiting:
        if kind.__module__ == "flux.errors":
            found.add(kind.code)
            waiting.extend(kind.__subclasses__())
    return sorted(found)


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS])
def test_every_command_stands_in_the_readme(name: str) -> None:
    """Somebody who only reads that page knows what there is."""
    assert f"`flux {name}" in README


@pytest.mark.parametrize("code", codes())
def test_every_error_code_is_explained(code: str) -> None:
    """With what it means and what to do."""
    assert f"| `{code}` |" in page("errors")


def test_every_code_with_an_exit_code_is_one_of_an_error() -> None:
    """The table of exit codes names nothing that cannot happen."""
    assert set(EXIT) <= set(codes())


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: code.name)
def test_every_exit_code_is_explained(code: ExitCode) -> None:
    """In the manual's page about running."""
    assert re.search(rf"(^|· |\n){code.value} [a-z]", page("run"))


def test_every_setting_stands_in_the_manual_and_its_example_is_one(tmp_path: Path) -> None:
    """The file that the page shows is loaded as it stands, and no setting is missing in it."""
    block = "\n".join(line[4:] for line in page("settings").splitlines() if line.startswith("    "))
    text = block[block.index("[paths]") :]
    file = tmp_path / "flux.toml"
    file.write_text(text, "utf-8")

    found = config.load(file=file, environment={"HOME": str(tmp_path)}, machine_file=tmp_path / "none")

    shown = {f"{section}.{key}" for section, content in tomllib.loads(text).items() for key in content}
    assert shown == set(config.KEYS)
    assert found.executor.lease == 30_000
    assert all(variable in page("settings") or variable == "FLUX_CONTEXT" for variable in config.OWN_VARIABLES)


def test_every_topic_stands_in_the_readme() -> None:
    """The line about `flux help` names them all."""
    line = next(line for line in README.splitlines() if "flux help [TOPIC]" in line)

    assert {path.stem for path in DOCS.glob("*.md")} <= set(re.findall(r"[a-z]+", line))


def test_the_first_workflow_of_the_readme_runs(client: SyncClient) -> None:
    """Copied as it stands: a small order is paid, a large one waits for a yes."""
    source = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert source is not None
    client.register("readme.py", source[1].encode(), namespace="readme")

    assert client.run("readme/order", {"amount": 20})["output"] == "paid 20"

    large = client.run("readme/order", {"amount": 500})
    assert large["state"] == "PAUSED"
    client.resume(large["execution_id"], True)
    assert client.wait(large["execution_id"])["output"] == "paid 500"


def test_the_first_workflow_of_the_manual_runs(client: SyncClient) -> None:
    """The one in `flux help dev`."""
    lines = page("dev").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("    from flux import"))
    block = []
    for line in lines[start:]:
        if line and not line.startswith("    "):
            break
        block.append(line[4:])
    client.register("manual.py", "\n".join(block).encode(), namespace="manual")

    assert client.run("manual/hello", "World")["output"] == "Hello, World!"
