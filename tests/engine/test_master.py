"""The file that holds the master key."""

import base64

import pytest

from flux.engine.master import Sources, find
from flux.errors import InvalidConfiguration

KEY = bytes(range(200, 232))
OTHER = b"o" * 32


@pytest.fixture
def sources(tmp_path):
    """Three places, none of which exists yet."""
    return Sources(credential=tmp_path / "credential", file=tmp_path / "named", state=tmp_path / "master.key")


def test_the_credential_comes_first_then_the_named_file_then_the_state_folder(sources):
    """The safest place counts."""
    sources.state.write_bytes(b"3" * 32)
    sources.state.chmod(0o600)
    assert find(Sources(state=sources.state), create=False).key == b"3" * 32
    sources.file.write_bytes(b"2" * 32)
    assert find(sources, create=False).key == b"2" * 32
    sources.credential.write_bytes(b"1" * 32)
    assert find(sources, create=False).key == b"1" * 32


@pytest.mark.parametrize(
    "content",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b"\n",
        base64.b64encode(KEY),
        base64.b64encode(KEY).rstrip(b"=") + b"\n",
        base64.urlsafe_b64encode(KEY),
    ],
    ids=["raw", "hexadecimal", "upper case and newline", "base64", "base64 without padding", "base64url"],
)
def test_a_key_is_read_in_every_form_that_people_write(sources, content):
    """32 bytes, or a text that says them."""
    sources.file.write_bytes(content)

    assert find(sources, create=False).key == KEY


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"x" * 31, b"x" * 33, b"zz" * 32, base64.b64encode(b"x" * 31), b"!" * 44],
    ids=["empty", "short", "31", "33", "64 that are not hexadecimal", "base64 of 31", "44 of nothing"],
)
def test_a_malformed_key_is_refused_without_being_shown(sources, content):
    """The message says what is expected, not what was found."""
    sources.file.write_bytes(content)

    with pytest.raises(InvalidConfiguration, match="a master key is 32 bytes") as refused:
        find(sources, create=True)

    assert refused.value.facts["file"] == str(sources.file)
    assert not content or content.decode() not in str(refused.value)


def test_a_named_file_must_be_there(sources):
    """A typing error in its name must not make a new key."""
    with pytest.raises(InvalidConfiguration, match="cannot be read"):
        find(sources, create=True)

    assert not sources.state.exists()


def test_a_missing_credential_is_no_error(sources):
    """systemd may hand over a folder with other credentials in it."""
    sources.file.write_bytes(KEY)

    assert find(sources, create=False).path == sources.file


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_in_the_state_folder_that_others_may_read_is_refused(sources, mode):
    """Its protection is the mode of the file and nothing else."""
    sources.state.write_bytes(KEY)
    sources.state.chmod(mode)

    with pytest.raises(InvalidConfiguration, match="chmod 600"):
        find(Sources(state=sources.state), create=False)


def test_a_new_key_is_random_whole_and_only_for_its_owner(tmp_path):
    """Beside it nothing is left over."""
    one = find(Sources(state=tmp_path / "one.key"), create=True)
    other = find(Sources(state=tmp_path / "other.key"), create=True)

    assert one.key != other.key
    assert one.path.stat().st_mode & 0o777 == 0o600
    assert find(Sources(state=one.path), create=False).key == one.key
    assert sorted(found.name for found in tmp_path.iterdir()) == ["one.key", "other.key"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """The reason is the system's."""
    with pytest.raises(InvalidConfiguration, match="cannot be made"):
        find(Sources(state=tmp_path / "missing" / "master.key"), create=True)


def test_a_key_is_not_shown(tmp_path):
    """Representations end up in logs."""
    found = find(Sources(state=tmp_path / "master.key"), create=True)

    assert repr(found.key) not in repr(found)
