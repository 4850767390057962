#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Flux from a checkout: `python3 flux.py demo|test|dev|...`, on a machine with nothing but Python.

Makes the environment `.venv` beside this file when it is missing or no longer fits `pyproject.toml`,
says what it does, then becomes `.venv/bin/python -m flux.cli`. Invariant: an environment that carries
the stamp was finished; the stamp is taken away before anything changes and written after everything
else, so an interrupted set-up is simply done again. Two at once take turns.

Standard library only, and nothing may import this file: the package `flux/` has its name. The syntax is
one that Pythons below our floor can read, so that they can say what is missing.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

FLOOR = (3, 11)
if sys.version_info < FLOOR:
    sys.exit("Flux needs Python 3.11 or newer; %s is %d.%d." % ((sys.executable,) + tuple(sys.version_info)[:2]))
if os.name != "posix":
    sys.exit("Flux runs on Linux and macOS.")

import fcntl  # noqa: E402 - exists where the lines above let us come
import tomllib  # noqa: E402

ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
MARK = os.path.join(VENV, "flux-setup")  # we made this folder: we may make it again
STAMP = os.path.join(VENV, "flux-stamp.json")  # and it was finished, from this
LOG = os.path.join(VENV, "flux-setup.log")
NEEDS_DEV = frozenset(["test", "bench", "bundle"])  # these use tools that nobody needs for running workflows
LAST_LINES = 15
QUIET = 5.0  # seconds without a word, where the output is no terminal


class SetupFailed(Exception):
    """The environment cannot be made; the message says why and what to do."""


def say(text):
    """A line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def main(arguments):
    """Become the command line, in an environment that fits."""
    extras = ["dev"] if arguments[:1] and arguments[0] in NEEDS_DEV else []
    try:
        if not fits(extras):
            with_lock(lambda lock: fits(extras) or set_up(extras, " ".join(arguments), lock))
    except SetupFailed as failed:
        say("\n%s" % failed)
        return 1
    except OSError as error:
        say("\nThe environment %s cannot be made: %s" % (VENV, error))
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted. The next start begins again.")
        return 130
    return become(arguments)


def become(arguments):
    """Nothing: from here on this process is the command line."""
    environment = {name: text for name, text in os.environ.items() if name not in ("PYTHONHOME", "__PYVENV_LAUNCHER__")}
    os.execve(PYTHON, [PYTHON, "-P", "-m", "flux.cli", *arguments], environment)


def wanted():
    """What an environment is made from: where, for which Python, and from which lines of pyproject.toml."""
    path = os.path.join(ROOT, "pyproject.toml")
    if not os.path.isfile(path):
        raise SetupFailed("%s is not there: flux.py works in a checkout, beside it." % path)
    with open(path, "rb") as file:
        project = tomllib.load(file)
    parts = [project["build-system"], project["project"], project.get("tool", {}).get("hatch")]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return {"root": ROOT, "python": "%s %s" % (sys.version, sys.base_prefix), "digest": digest}


def stamped():
    """What the environment was made from; an empty mapping if it was never finished."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {}


def fits(extras):
    """Whether the environment is whole, was made from what is wanted now, and has the extras."""
    stamp = stamped()
    have = stamp.pop("extras", [])
    return bool(stamp) and set(extras) <= set(have) and os.access(PYTHON, os.X_OK) and stamp == wanted()


def with_lock(work):
    """Do `work(lock)` while nobody else sets up this checkout."""
    with open(os.path.join(ROOT, ".venv.lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up of this checkout is running; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        work(lock)


def set_up(extras, command, lock):
    """Make the environment, or bring it up to date, and stamp it."""
    started = time.monotonic()
    check_modules(command)
    stamp, now = stamped(), wanted()
    keep = bool(stamp) and all(stamp.get(key) == now[key] for key in ("root", "python")) and os.access(PYTHON, os.X_OK)
    extras = sorted(set(extras) | set(stamp.get("extras", [])))
    say("Setting up %s (Python %d.%d, %s)" % ((VENV,) + sys.version_info[:2] + (why(stamp, keep),)))
    if keep:
        os.unlink(STAMP)
    else:
        say("  [1/2] making a virtual environment")
        make_venv(command, lock)
    say("  [2/2] installing Flux and what it needs%s" % (" for tests" if "dev" in extras else ""))
    install(extras, command, lock)
    write_stamp(dict(now, extras=extras))
    say("  ready in %.0f s" % (time.monotonic() - started))


def why(stamp, keep):
    """The reason for a set-up, for people."""
    if keep:
        return "pyproject.toml has changed, or more is needed"
    if stamp:
        return "made for another Python or another folder"
    return "an earlier set-up was not finished" if os.path.exists(MARK) else "the first time"


def check_modules(command):
    """Nothing; SetupFailed if this Python came without what makes environments."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as missing:
        raise SetupFailed(without_venv(missing.name or "ensurepip", command)) from None


def without_venv(module, command):
    """The words for a Python whose distribution put a part of it into another package."""
    version = "%d.%d" % sys.version_info[:2]
    sudo = "" if os.geteuid() == 0 else "sudo "
    return (
        "This Python (%s, %s) came without its module `%s`.\n"
        "On Debian and Ubuntu it is in the package python%s-venv:\n\n"
        "    %sapt-get install python%s-venv\n\n"
        "Elsewhere, install the full Python %s. Then again: python3 flux.py %s"
        % (version, sys.executable, module, version, sudo, version, version, command)
    )


def make_venv(command, lock):
    """A new `.venv` with pip in it, in the place of what we left there before."""
    import venv

    if os.path.islink(VENV) or (os.path.exists(VENV) and not os.path.exists(MARK) and os.listdir(VENV)):
        raise SetupFailed("%s is there, but not made by flux.py. Move it away, then try again." % VENV)
    shutil.rmtree(VENV, ignore_errors=True)
    os.mkdir(VENV)
    with open(MARK, "w", encoding="utf-8") as mark:
        mark.write("Made by flux.py, which may delete this folder and make it again.\n")
    venv.EnvBuilder(symlinks=True).create(VENV)
    code, lines = run(["-m", "ensurepip", "--default-pip"], lock)
    if code != 0:
        raise SetupFailed(quoted(lines) + without_venv("ensurepip", command))


def install(extras, command, lock):
    """Flux itself, editable, and its dependencies, by pip."""
    target = ROOT + ("[%s]" % ",".join(extras) if extras else "")
    code, lines = run(["-m", "pip", "install", "--no-input", "--progress-bar", "off", "--editable", target], lock)
    if code != 0:
        raise SetupFailed(
            "%spip could not install what Flux needs (these were its last lines, all of them are in %s).\n"
            "Usually the network or the package index is out of reach: look at PIP_INDEX_URL and the proxy\n"
            "settings, and at the free space on the disk. Then again: python3 flux.py %s"
            % (quoted(lines), LOG, command)
        )


def quoted(lines):
    """The last lines of a tool, set apart from our own words."""
    return "".join("  | %s\n" % line for line in lines[-LAST_LINES:]) + "\n"


def run(arguments, lock):
    """The exit code and all lines of the environment's Python, whose progress is shown.

    It holds the lock too: if we are killed and it lives on, the next set-up waits for its end.
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    environment.update(
        PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0", PYTHONUNBUFFERED="1", PIP_ROOT_USER_ACTION="ignore"
    )
    with open(LOG, "a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [PYTHON, "-P", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            pass_fds=[lock.fileno()],
        )
        with process:
            lines = follow(process.stdout, log)
    return process.returncode, lines


def follow(output, log):
    """All lines of `output`, after showing those that say how far pip has come."""
    lines, packages, spoken = [], 0, time.monotonic()
    for line in output:
        log.write(line)
        log.flush()
        lines.append(line.rstrip())
        words = line.split()
        if words[:1] == ["Collecting"]:
            packages += 1
            spoken = show("%d packages, now %s" % (packages, re.split("[^A-Za-z0-9._-]", words[1])[0]), spoken)
        elif words[:1] == ["Installing"] and packages:
            spoken = show("unpacking %d packages" % packages, 0)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return lines


def show(text, spoken):
    """The moment of the last word, after showing `text`: in place on a terminal, else now and then a line."""
    if sys.stderr.isatty():
        print("\r\x1b[K        %s" % text[:70], end="", file=sys.stderr, flush=True)
    elif time.monotonic() - spoken > QUIET:
        say("        %s" % text)
    else:
        return spoken
    return time.monotonic()


def write_stamp(stamp):
    """Stamp the environment: from now on it counts as whole."""
    with open(STAMP + ".new", "w", encoding="utf-8") as file:
        json.dump(stamp, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(STAMP + ".new", STAMP)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
