"""Settings, and the one place that reads the environment.

Where a value comes from, later ones win: the default, `/etc/flux/flux.toml`, `~/.config/flux/flux.toml`,
the file of `--config`, `FLUX_SECTION__KEY`, a flag. An unknown key or a wrong type in a file is an error
that names file and line; an unknown `FLUX_…` variable is a warning. `KEYS` is the table of all settings.

Durations in files and variables are seconds, memory is bytes with K, M or G if wanted; in the records
they are int milliseconds and int bytes. Secrets are no settings: the master key is found by its own rules.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flux.config import values as reading
from flux.errors import InvalidConfiguration

_PREFIX: Final = "FLUX_"
OWN_VARIABLES: Final = frozenset(
    {"FLUX_URL", "FLUX_TOKEN", "FLUX_TOKEN_FILE", "FLUX_HOME", "FLUX_MASTER_KEY_FILE", "FLUX_CONTEXT"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where things lie. `socket` empty: in the folder for sockets, else in the state folder."""

    state: Path
    workflows: Path
    socket: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How clients reach the daemon. `tcp` empty: by the Unix socket only."""

    tcp: str = ""
    behind_proxy: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """How work is done. Durations in milliseconds, memory in bytes."""

    workers: int
    slots: int = 64
    processes: int
    lease: int = 30_000  # three missed heartbeats; a pause of the machine is shorter
    heartbeat: int = 10_000
    unload_after: int = 60_000
    drain_timeout: int = 60_000
    worker_memory: int = 2 * 1024**3
    process_memory: int = 4 * 1024**3
    output: int = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may do what when nobody has said so."""

    default_user_roles: tuple[str, ...] = ("viewer",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one daemon.

    Attributes:
        origins: key -> where its value came from.
        warnings: what the operator should know about the settings.
        credentials: the folder with systemd's credentials, or None.
        master_key_file: the file that holds the master key, if somebody named one.
        environment: what the daemon was started with, for its children to take from.
    """

    paths: Paths
    server: Server
    executor: Executor
    access: Access
    origins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    credentials: Path | None = None
    master_key_file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What the environment tells a client about the daemon that is meant. Empty text: nothing."""

    folder: Path
    runtime: Path | None
    url: str
    token: str = field(repr=False)
    token_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting: how its text or TOML value becomes what the record holds, and how that is shown."""

    name: str
    read: Callable[[object], object]
    about: str
    show: Callable[..., str] = str


KEYS: Final = {
    key.name: key
    for key in (
        Key(name="paths.state", read=reading.path, about="folder of the database, the master key and the lock"),
        Key(name="paths.workflows", read=reading.path, about="the watched folder"),
        Key(name="paths.socket", read=reading.path, about="the Unix socket of the API"),
        Key(name="server.tcp", read=reading.text, about="host:port to listen on as well; empty: nowhere"),
        Key(name="server.behind_proxy", read=reading.flag, about="another program ends TLS in front of the daemon"),
        Key(name="server.hosts", read=reading.texts, about="further names that a Host header may hold", show=", ".join),
        Key(name="server.origins", read=reading.texts, about="web pages that may call the API", show=", ".join),
        Key(name="executor.workers", read=reading.count, about="worker processes; default: the cores"),
        Key(name="executor.slots", read=reading.count, about="executions that run at once in one worker"),
        Key(name="executor.processes", read=reading.count, about="task processes for `def` tasks; default: the cores"),
        Key(
            name="executor.lease",
            read=reading.lasting,
            about="how long a silent worker keeps its executions",
            show=reading.as_duration,
        ),
        Key(
            name="executor.heartbeat",
            read=reading.lasting,
            about="how often a worker gives a sign of life",
            show=reading.as_duration,
        ),
        Key(
            name="executor.unload_after",
            read=reading.duration,
            about="how long a resting execution stays loaded",
            show=reading.as_duration,
        ),
        Key(
            name="executor.drain_timeout",
            read=reading.duration,
            about="how long running tasks may end at a stop",
            show=reading.as_duration,
        ),
        Key(
            name="executor.worker_memory", read=reading.size, about="address space of one worker", show=reading.as_size
        ),
        Key(
            name="executor.process_memory",
            read=reading.size,
            about="address space of one task process",
            show=reading.as_size,
        ),
        Key(
            name="executor.output", read=reading.size, about="captured output of one task attempt", show=reading.as_size
        ),
        Key(
            name="access.default_user_roles",
            read=reading.texts,
            about="roles of a local user who comes for the first time",
            show=", ".join,
        ),
    )
}


def load(
    *,
    flags: Mapping[str, object] | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    machine_file: Path = Path("/etc/flux/flux.toml"),
) -> Config:
    """The settings of a daemon.

    Args:
        flags: key -> value as given on the command line; they win.
        file: the file of `--config`; it must exist.
        environment: instead of that of this process.

    Raises:
        InvalidConfiguration: a key is unknown or a value wrong; `facts` name file, line and key.
    """
    env = os.environ if environment is None else environment
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for path in (machine_file, user_folder(env) / "flux.toml"):
        if _exists(path):
            _take_file(path, values, origins)
    if file is not None:
        _take_file(file, values, origins)
    warnings = _take_environment(env, values, origins)
    for name, value in (flags or {}).items():
        _take(name, value, "flag", values, origins)
    return _build(values, origins, warnings, env)


def client(environment: Mapping[str, str] | None = None) -> Client:
    """What the environment says about the daemon that is meant."""
    env = os.environ if environment is None else environment
    runtime = env.get("XDG_RUNTIME_DIR", "")
    token_file = env.get("FLUX_TOKEN_FILE", "")
    return Client(
        folder=Path.cwd(),
        runtime=Path(runtime) if runtime else None,
        url=env.get("FLUX_URL", ""),
        token=env.get("FLUX_TOKEN", ""),
        token_file=Path(token_file) if token_file else None,
    )


def inherited() -> dict[str, str]:
    """The environment of this process, to hand on to a child."""
    return dict(os.environ)


def home(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of what `workflow.run()` keeps: FLUX_HOME, else the user's state folder."""
    env = os.environ if environment is None else environment
    chosen = env.get("FLUX_HOME", "")
    return Path(chosen) if chosen else user_state(env)


def user_state(env: Mapping[str, str]) -> Path:
    """The folder where programs of this user keep their state."""
    base = env.get("XDG_STATE_HOME", "")
    return (Path(base) if base else _home(env) / ".local" / "state") / "flux"


def user_folder(env: Mapping[str, str]) -> Path:
    """The folder of this user's settings."""
    base = env.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else _home(env) / ".config") / "flux"


def _home(env: Mapping[str, str]) -> Path:
    try:
        return Path(env.get("HOME") or Path("~").expanduser())
    except RuntimeError:  # a user id without a name, as containers have them: there is nothing below /
        return Path("/")


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError as exc:
        raise InvalidConfiguration(f"{path} cannot be looked at: {exc.strerror}", file=str(path)) from exc


def _take(name: str, value: object, origin: str, values: dict[str, object], origins: dict[str, str]) -> None:
    try:
        values[name] = KEYS[name].read(value)
    except ValueError as exc:
        raise InvalidConfiguration(f"{origin}: {name}: {exc}", key=name, origin=origin) from exc
    origins[name] = origin


def _take_file(path: Path, values: dict[str, object], origins: dict[str, str]) -> None:
    try:
        text = path.read_text("utf-8")
        parsed = tomllib.loads(text)
    except OSError as exc:
        raise InvalidConfiguration(f"{path} cannot be read: {exc.strerror}", file=str(path)) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InvalidConfiguration(f"{path} is no TOML: {exc}", file=str(path)) from exc
    for section, content in parsed.items():
        if not isinstance(content, dict):
            raise _unknown(path, text, section)
        for key, value in content.items():
            name = f"{section}.{key}"
            if name not in KEYS:
                raise _unknown(path, text, name)
            _take(name, value, f"{path}:{_line(text, section, key)}", values, origins)


def _unknown(path: Path, text: str, name: str) -> InvalidConfiguration:
    section, _, key = name.rpartition(".")
    line = _line(text, section, key)
    known = ", ".join(one for one in KEYS if not section or one.startswith(section + ".")) or ", ".join(KEYS)
    return InvalidConfiguration(
        f"{path}:{line}: there is no setting {name}; there are: {known}", file=str(path), line=line, key=name
    )


def _line(text: str, section: str, key: str) -> int:
    """The line on which a key of a section stands, 1 if it cannot be told."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            current = stripped.strip("[] ")
        if re.match(rf"{re.escape(key)}\s*=", stripped) and current == section:
            return number
        if re.match(rf"{re.escape(section)}\.{re.escape(key)}\s*=", stripped):
            return number
    return 1


def _take_environment(env: Mapping[str, str], values: dict[str, object], origins: dict[str, str]) -> tuple[str, ...]:
    warnings = []
    for variable, text in env.items():
        if not variable.startswith(_PREFIX) or variable in OWN_VARIABLES:
            continue
        name = variable.removeprefix(_PREFIX).lower().replace("__", ".")
        if name in KEYS:
            _take(name, text, variable, values, origins)
        else:
            warnings.append(f"the variable {variable} means nothing to Flux")
    return tuple(warnings)


def _build(
    values: dict[str, object], origins: dict[str, str], warnings: tuple[str, ...], env: Mapping[str, str]
) -> Config:
    cores = os.cpu_count() or 1
    state = Path(env.get("STATE_DIRECTORY", "").partition(":")[0] or user_state(env))
    runtime = env.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if not runtime and env.get("XDG_RUNTIME_DIR"):
        runtime = str(Path(env["XDG_RUNTIME_DIR"]) / "flux")
    state = Path(str(values.get("paths.state", state)))
    defaults: dict[str, object] = {
        "paths.state": state,
        "paths.workflows": state / "workflows",
        "paths.socket": Path(runtime or state) / "flux.sock",
        "executor.workers": cores,
        "executor.processes": cores,
    }
    merged = defaults | values
    executor = Executor(**_section("executor", merged))  # type: ignore[arg-type]  # KEYS reads each as what it is
    _check_heartbeat(executor, origins)
    credentials = env.get("CREDENTIALS_DIRECTORY", "")
    key_file = env.get("FLUX_MASTER_KEY_FILE", "")
    return Config(
        paths=Paths(**_section("paths", merged)),  # type: ignore[arg-type]  # as above
        server=Server(**_section("server", merged)),  # type: ignore[arg-type]  # as above
        executor=executor,
        access=Access(**_section("access", merged)),  # type: ignore[arg-type]  # as above
        origins={name: origins.get(name, "default") for name in KEYS},
        warnings=warnings,
        credentials=Path(credentials) if credentials else None,
        master_key_file=Path(key_file) if key_file else None,
        environment=dict(env),
    )


def _check_heartbeat(executor: Executor, origins: Mapping[str, str]) -> None:
    """A worker must be able to give a sign of life before its lease ends."""
    if executor.heartbeat < executor.lease:
        return
    name = "executor.heartbeat" if "executor.heartbeat" in origins else "executor.lease"
    lease, heartbeat = reading.as_duration(executor.lease), reading.as_duration(executor.heartbeat)
    raise InvalidConfiguration(
        f"{origins[name]}: {name}: a lease of {lease} ends before a heartbeat every {heartbeat} can renew it",
        key=name,
        origin=origins[name],
    )


def _section(section: str, values: Mapping[str, object]) -> dict[str, object]:
    prefix = section + "."
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def as_table(config: Config) -> list[tuple[str, str, str]]:
    """(key, value, where it came from) of every setting."""
    rows = []
    for name, key in KEYS.items():
        section, _, field_name = name.partition(".")
        rows.append((name, key.show(getattr(getattr(config, section), field_name)), config.origins[name]))
    return rows
