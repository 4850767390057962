"""Settings: where a value comes from, what is refused and where it stands, how it is shown."""

from pathlib import Path

import pytest

from flux import config
from flux.config import values
from flux.errors import InvalidConfiguration


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user without any settings."""
    return {"HOME": str(tmp_path / "home")}


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """A machine without a file of settings."""
    return tmp_path / "etc" / "flux.toml"


def write(path: Path, text: str) -> Path:
    """A file of settings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# ---------------------------------------------------------------------- where a value comes from


def test_later_sources_win(tmp_path: Path, home: dict[str, str]):
    """Default, machine, user, file, variable, flag; each setting knows where it came from."""
    machine = write(
        tmp_path / "etc" / "flux.toml",
        "[executor]\nslots = 1\nworkers = 1\nlease = 61\nheartbeat = 11\nprocesses = 1\n",
    )
    user = write(
        tmp_path / "home" / ".config" / "flux" / "flux.toml",
        "[executor]\nslots = 2\nworkers = 2\nlease = 62\nprocesses = 2\n",
    )
    file = write(tmp_path / "given.toml", "[executor]\nslots = 3\nworkers = 3\nprocesses = 3\n")
    environment = {**home, "FLUX_EXECUTOR__SLOTS": "4", "FLUX_EXECUTOR__WORKERS": "4"}

    found = config.load(flags={"executor.slots": 5}, file=file, environment=environment, machine_file=machine)

    executor = found.executor
    assert (executor.slots, executor.workers, executor.processes) == (5, 4, 3)
    assert (executor.lease, executor.heartbeat, executor.drain_timeout) == (62_000, 11_000, 60_000)
    names = ("slots", "workers", "processes", "lease", "heartbeat", "drain_timeout")
    assert [found.origins[f"executor.{name}"] for name in names] == [
        "flag", "FLUX_EXECUTOR__WORKERS", f"{file}:4", f"{user}:4", f"{machine}:5", "default",
    ]  # fmt: skip


def test_without_anything_said_everything_lies_in_the_users_state_folder(home: dict[str, str], nowhere: Path):
    """And the daemon is reached by its socket only."""
    found = config.load(environment=home, machine_file=nowhere)

    state = Path(home["HOME"]) / ".local" / "state" / "flux"
    assert (found.paths.state, found.paths.workflows, found.paths.socket) == (
        state, state / "workflows", state / "flux.sock",
    )  # fmt: skip
    assert found.server.tcp == ""
    assert found.access.default_user_roles == ("viewer",)
    assert found.warnings == ()
    assert (found.credentials, found.master_key_file) == (None, None)


def test_under_systemd_its_folders_count(home: dict[str, str], nowhere: Path):
    """The first of each list; credentials are named, not read."""
    environment = {
        **home,
        "STATE_DIRECTORY": "/var/lib/flux:/var/lib/other",
        "RUNTIME_DIRECTORY": "/run/flux",
        "CREDENTIALS_DIRECTORY": "/run/credentials/flux",
    }
    found = config.load(environment=environment, machine_file=nowhere)

    assert found.paths.state == Path("/var/lib/flux")
    assert found.paths.socket == Path("/run/flux/flux.sock")
    assert found.credentials == Path("/run/credentials/flux")


def test_a_users_runtime_folder_holds_the_socket(home: dict[str, str], nowhere: Path):
    """Where others of this user look for it."""
    found = config.load(environment={**home, "XDG_RUNTIME_DIR": "/run/user/7"}, machine_file=nowhere)

    assert found.paths.socket == Path("/run/user/7/flux/flux.sock")


def test_folders_of_the_xdg_specification_are_used(home: dict[str, str], nowhere: Path, tmp_path: Path):
    """State and settings."""
    write(tmp_path / "conf" / "flux" / "flux.toml", "[executor]\nslots = 9\n")
    environment = {**home, "XDG_STATE_HOME": str(tmp_path / "st"), "XDG_CONFIG_HOME": str(tmp_path / "conf")}
    found = config.load(environment=environment, machine_file=nowhere)

    assert (found.paths.state, found.executor.slots) == (tmp_path / "st" / "flux", 9)


def test_what_follows_from_the_state_folder_follows_it(home: dict[str, str], nowhere: Path):
    """Unless it is said apart."""
    found = config.load(flags={"paths.state": "/srv/flux"}, environment=home, machine_file=nowhere)

    assert (found.paths.workflows, found.paths.socket) == (Path("/srv/flux/workflows"), Path("/srv/flux/flux.sock"))


def test_a_path_does_not_depend_on_where_it_is_looked_at_later(
    home: dict[str, str], nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is taken from the folder in which the daemon was started."""
    monkeypatch.chdir(tmp_path)
    found = config.load(environment={**home, "FLUX_PATHS__STATE": "state"}, machine_file=nowhere)

    assert found.paths.state == tmp_path / "state"


def test_a_user_without_a_home_is_no_error(nowhere: Path):
    """As in a container; what he says counts."""
    found = config.load(environment={"HOME": "", "FLUX_PATHS__STATE": "/data"}, machine_file=nowhere)

    assert found.paths.state == Path("/data")


def test_a_variable_that_means_nothing_is_a_warning(home: dict[str, str], nowhere: Path):
    """It may belong to a newer Flux; our own others are none, and what does not begin like ours is not ours."""
    environment = {**home, "FLUX_EXECUTOR__SLOT": "1", "FLUX_URL": "x", "FLUX_HOME": "y", "FLUXX": "1"}
    found = config.load(environment=environment, machine_file=nowhere)

    assert found.warnings == ("the variable FLUX_EXECUTOR__SLOT means nothing to Flux",)


def test_the_environment_is_kept_for_children_and_shown_to_nobody(home: dict[str, str], nowhere: Path):
    """It may hold secrets: not in a representation either."""
    found = config.load(environment={**home, "SECRET": "s3cr3t"}, machine_file=nowhere)

    assert found.environment["SECRET"] == "s3cr3t"
    assert "s3cr3t" not in repr(found)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[executor]\nslots = 1\nslot = 2\n", 3, "executor.slot"),
        ("[nobody]\nx = 1\n", 2, "nobody.x"),
        ("workers = 3\n", 1, "workers"),
        ("# a comment\nexecutor.slot = 1\n", 2, "executor.slot"),
    ],
    ids=["a key", "a section", "a key without a section", "a dotted key"],
)
def test_an_unknown_setting_is_an_error_with_its_line(
    tmp_path: Path, home: dict[str, str], nowhere: Path, text: str, line: int, key: str
):
    """And with those that there are."""
    file = write(tmp_path / "x.toml", text)

    with pytest.raises(InvalidConfiguration, match=f"{file}:{line}: there is no setting {key}") as caught:
        config.load(file=file, environment=home, machine_file=nowhere)

    assert caught.value.facts == {"file": str(file), "line": line, "key": key}


@pytest.mark.parametrize(
    "setting",
    [
        "executor.slots = 0", "executor.slots = -1", "executor.slots = 1.5", "executor.slots = true",
        'executor.slots = "many"', "executor.slots = []",
        "executor.lease = -1", "executor.lease = 0", 'executor.lease = "soon"', "executor.lease = true",
        "executor.lease = nan", 'executor.lease = "5 years"',
        'executor.output = "1.5M"', "executor.output = -1", 'executor.output = "big"', "executor.output = true",
        "server.behind_proxy = 2", 'server.behind_proxy = "maybe"',
        "server.tcp = 8377", "server.hosts = [1]", "server.hosts = 1",
        'paths.state = ""', "paths.state = 1", 'paths.state = "~nobody-of-that-name/x"',
    ],
)  # fmt: skip
def test_a_wrong_value_is_an_error_with_its_line(tmp_path: Path, home: dict[str, str], nowhere: Path, setting: str):
    """And with what is needed instead."""
    section, _, rest = setting.partition(".")
    file = write(tmp_path / "x.toml", f"[{section}]\n# here\n{rest}\n")
    key = setting.partition(" ")[0]

    with pytest.raises(InvalidConfiguration) as caught:
        config.load(file=file, environment=home, machine_file=nowhere)

    assert str(caught.value).startswith(f"{file}:3: {key}: ")
    assert caught.value.facts["key"] == key


@pytest.mark.parametrize("content", [b"[executor", b"\xff\xfe", b"a = 1\na = 2\n"], ids=["half", "no UTF-8", "twice"])
def test_a_file_that_is_no_toml_is_an_error_that_names_it(
    tmp_path: Path, home: dict[str, str], nowhere: Path, content: bytes
):
    """With what the reader of TOML says."""
    file = tmp_path / "x.toml"
    file.write_bytes(content)

    with pytest.raises(InvalidConfiguration, match=r"x\.toml is no TOML"):
        config.load(file=file, environment=home, machine_file=nowhere)


def test_a_file_that_was_named_must_be_there(tmp_path: Path, home: dict[str, str], nowhere: Path):
    """Those that are only looked for need not."""
    with pytest.raises(InvalidConfiguration, match="cannot be read"):
        config.load(file=tmp_path / "missing.toml", environment=home, machine_file=nowhere)


def test_a_wrong_variable_and_a_wrong_flag_are_named(home: dict[str, str], nowhere: Path):
    """By the variable, or as a flag."""
    with pytest.raises(InvalidConfiguration, match=r"FLUX_EXECUTOR__SLOTS: executor\.slots: "):
        config.load(environment={**home, "FLUX_EXECUTOR__SLOTS": "x"}, machine_file=nowhere)
    with pytest.raises(InvalidConfiguration, match=r"flag: executor\.slots: "):
        config.load(flags={"executor.slots": "x"}, environment=home, machine_file=nowhere)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"executor.lease": 5}, r"flag: executor\.lease: a lease of 5s .* every 10s"),
        ({"executor.heartbeat": "1m"}, r"flag: executor\.heartbeat: a lease of 30s .* every 60s"),
        ({"executor.lease": 5, "executor.heartbeat": 5}, r"executor\.heartbeat"),
    ],
)
def test_a_lease_must_outlast_a_heartbeat(home: dict[str, str], nowhere: Path, given: dict[str, object], told: str):
    """Else every worker would be lost for ever."""
    with pytest.raises(InvalidConfiguration, match=told):
        config.load(flags=given, environment=home, machine_file=nowhere)


# ---------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        (30, 30_000), (0, 0), (0.5, 500), ("30", 30_000), ("250ms", 250), ("30s", 30_000), ("10m", 600_000),
        ("2h", 7_200_000), ("1d", 86_400_000), (" 1.5 h ", 5_400_000),
    ],
)  # fmt: skip
def test_durations_are_seconds_or_have_a_unit(written: object, milliseconds: int):
    """Held as milliseconds."""
    assert values.duration(written) == milliseconds


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (0, 0),
        (512, 512),
        ("512", 512),
        ("1K", 1_024),
        ("512M", 512 * 1024**2),
        ("2G", 2 * 1024**3),
        ("2 GiB", 2 * 1024**3),
    ],
)
def test_sizes_are_bytes_or_have_a_unit(written: object, size: int):
    """Of 1024."""
    assert values.size(written) == size


@pytest.mark.parametrize(
    ("written", "flag"),
    [(True, True), (False, False), ("true", True), ("YES", True), ("1", True), ("0", False), ("no", False)],
)
def test_flags_are_true_or_false(written: object, flag: bool):
    """In TOML, and as people write them into variables."""
    assert values.flag(written) is flag


@pytest.mark.parametrize(
    ("written", "texts"), [(["a", "b"], ("a", "b")), ("a, b,,", ("a", "b")), ("", ()), ([], ()), ([" a "], ("a",))]
)
def test_lists_are_lists_or_have_commas(written: object, texts: tuple[str, ...]):
    """Without blanks around."""
    assert values.texts(written) == texts


def test_every_setting_is_shown_as_it_could_be_written(home: dict[str, str], nowhere: Path):
    """With where it came from; what is shown, read again, is the same settings."""
    flags: dict[str, object] = {
        "executor.lease": 90.5, "executor.output": "1536K", "server.hosts": ["a", "b"], "executor.process_memory": 0,
    }  # fmt: skip
    found = config.load(flags=flags, environment=home, machine_file=nowhere)

    table = config.as_table(found)
    shown = {key: value for key, value, _ in table}
    again = config.load(flags=shown, environment=home, machine_file=nowhere)
    assert [key for key, _, _ in table] == list(config.KEYS)
    assert shown["executor.lease"] == "90500ms"
    assert (shown["executor.output"], shown["executor.process_memory"]) == ("1536K", "0")
    assert (shown["executor.heartbeat"], shown["executor.worker_memory"], shown["server.hosts"]) == (
        "10s",
        "2G",
        "a, b",
    )
    assert (again.paths, again.server, again.executor, again.access) == (
        found.paths, found.server, found.executor, found.access,
    )  # fmt: skip
    assert {key: origin for key, _, origin in table}["executor.lease"] == "flag"


# ---------------------------------------------------------------------- clients and children


def test_a_client_reads_what_names_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """URL, token, runtime folder; and where it stands."""
    monkeypatch.chdir(tmp_path)
    environment = {
        "FLUX_URL": "http://x", "FLUX_TOKEN": "t0ken", "FLUX_TOKEN_FILE": "/t", "XDG_RUNTIME_DIR": "/run/user/7",
    }  # fmt: skip
    found = config.client(environment)

    assert (found.url, found.token, found.token_file) == ("http://x", "t0ken", Path("/t"))
    assert (found.folder, found.runtime) == (tmp_path, Path("/run/user/7"))
    assert "t0ken" not in repr(found)


def test_a_client_that_is_told_nothing_knows_nothing():
    """It looks for a daemon by itself."""
    found = config.client({})

    assert (found.url, found.token, found.token_file, found.runtime) == ("", "", None, None)


def test_the_folder_of_workflow_run_is_flux_home_or_the_users_state(home: dict[str, str]):
    """Nothing else is looked at."""
    assert config.home({**home, "FLUX_HOME": "/x"}) == Path("/x")
    assert config.home(home) == Path(home["HOME"]) / ".local" / "state" / "flux"


def test_children_get_a_copy_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    """What they change is theirs."""
    monkeypatch.setenv("FLUX_TEST_ONLY", "1")
    copy = config.inherited()
    copy["FLUX_TEST_ONLY"] = "2"

    assert config.inherited()["FLUX_TEST_ONLY"] == "1"
