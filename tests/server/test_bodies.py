"""What clients send, read within limits and parsed without forgiveness."""

import asyncio
import io
import json

import aiohttp
import pytest

from flux.codec import MAX_DEPTH
from flux.errors import Invalid
from flux.server.bodies import MAX_BODY, parse

RUN = "/workflows/default/work/run"
HEADERS = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1.5, 10**40, "", "ü\u2028", [], {}, {"a": [1, {"b": None}]}, {"$": 1}, 1e308],
    ids=repr,
)
def test_json_is_read_as_it_is(value):
    """Everything that RFC 8259 can say."""
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "line 1, column 2"),
        (b"{\n  'a': 1}", "line 2, column 3"),
        (b"1 2", "Extra data at line 1, column 3"),
        (b"", "not JSON"),
        (b"\xff", "not UTF-8: byte 0xff at offset 0"),
        (b'"ab\xc3"', "byte 0xc3 at offset 3"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b'{"a":1,"b":2,"a":3}', 'has the key "a" twice'),
        (b'[{"x":{"a":1,"a":1}}]', "twice in one object"),
        (b"NaN", "holds NaN"),
        (b"[Infinity]", "holds Infinity"),
        (b"-Infinity", "holds -Infinity"),
        (b"1e999", "1e999, which is too large"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested deeper"),
        (b"[" * 100_000, "nested deeper|not JSON"),
        (b'{"a":' * 100_000, "nested deeper|not JSON"),
        (b"9" * 5_000, "too many digits"),
        (b'"a\nb"', "not JSON"),
        (b"\x00", "not JSON"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_json_is_refused_with_the_place(raw, words):
    """No guessing: two readers of one body must never see two values."""
    with pytest.raises(Invalid, match=words):
        parse(raw)


def test_the_deepest_value_that_can_be_kept_is_read():
    """The limit is the codec's."""
    raw = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH

    assert parse(raw)


def test_width_is_no_depth():
    """Many brackets beside each other are fine."""
    assert len(parse(b"[" + b"[]," * 10_000 + b"[]]")) == 10_001


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]
)
async def test_a_body_of_another_type_is_415(site, content_type):
    """`curl -d` without a header is the usual case: the hint says what is missing."""
    async with site.session.post(RUN, data=b"{}", headers={"Content-Type": content_type}) as response:
        problem = await response.json(content_type=None)

    assert (response.status, problem["code"]) == (415, "unsupported_media_type")
    assert content_type in problem["detail"]
    assert "Content-Type: application/json" in problem["hint"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/cloudevents+json"]
)
async def test_every_kind_of_json_is_taken(site, content_type):
    """Parameters and structured suffixes do not matter."""
    async with site.session.post(RUN, data=b"{}", headers={"Content-Type": content_type}) as response:
        assert response.status == 202


async def test_wrong_json_is_400_and_nothing_is_stored(site):
    """With line and column."""
    async with site.session.post(RUN, data=b'{"a": }', headers=HEADERS) as response:
        problem = await response.json(content_type=None)

    assert (response.status, problem["code"]) == (400, "invalid")
    assert "line 1, column 7" in problem["detail"]
    assert not site.desk.gate.live.executions


async def test_what_json_can_say_and_we_cannot_keep_is_422(site):
    """A lone surrogate is JSON by its grammar and no text."""
    async with site.session.post(RUN, data=rb'{"name": "\ud800"}', headers=HEADERS) as response:
        problem = await response.json(content_type=None)

    assert (response.status, problem["code"]) == (422, "payload_type")
    assert "name" in problem["detail"]


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "chunked"])
async def test_a_body_above_the_limit_is_413(site, is_chunked):
    """Also when it does not say beforehand how long it is. The daemon lives on."""
    size = MAX_BODY + 1024

    async def pieces():
        for _ in range(0, size, 65_536):
            yield b" " * 65_536

    data = pieces() if is_chunked else io.BytesIO(b" " * size)
    async with site.session.post(RUN, data=data, headers=HEADERS) as response:
        problem = await response.json(content_type=None)

    assert (response.status, problem["code"]) == (413, "payload_too_large")
    assert "reference" in problem["hint"]
    async with site.session.get("/livez") as alive:
        assert alive.status == 200


async def test_a_body_just_below_the_limit_is_taken(site):
    """The limit is of what the codec keeps; the quotes count."""
    async with site.session.post(
        RUN, data=io.BytesIO(b'"' + b"x" * (MAX_BODY - 2) + b'"'), headers=HEADERS
    ) as response:
        assert response.status == 202


async def test_a_body_that_does_not_come_is_408(make_site):
    """A client that sends a byte now and then holds no connection for ever."""
    site = await make_site(slowest_body=0.05)

    async def slowly():
        yield b"["
        await asyncio.Event().wait()

    async with site.session.post(RUN, data=slowly(), headers=HEADERS) as response:
        problem = await response.json(content_type=None)

    assert (response.status, problem["code"]) == (408, "too_slow")
    assert not site.desk.gate.live.executions


def form(**files: bytes) -> aiohttp.FormData:
    """A form with these files; a field without a dot in its name is a field."""
    made = aiohttp.FormData(default_to_multipart=True)
    for name, content in files.items():
        if name.startswith("file"):
            made.add_field(name, content, filename=f"{name}.py")
        else:
            made.add_field(name, content.decode())
    return made


async def test_an_upload_is_one_file_and_fields(site):
    """The file's name and the namespace reach whoever registers it."""
    async with site.session.post("/workflows", data=form(file=b"x = 1", namespace=b"shop")) as response:
        body = await response.json()

    assert response.status == 201
    assert [item["ref"] for item in body["items"]] == ["shop/uploaded"]
    assert (site.uploads[0].name, site.uploads[0].content) == ("file.py", b"x = 1")


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (form(namespace=b"a"), 400, "one file"),
        (form(file=b"1", file2=b"2"), 400, "got 2"),
        (form(file=b"1", namespace=b"No Such"), 400, "must match"),
        (form(file=b"1", color=b"red"), 400, "color"),
        (b"{}", 415, "multipart/form-data"),
    ],
    ids=["no file", "two files", "a wrong namespace", "an unknown field", "no form"],
)
async def test_an_upload_that_is_none_is_refused(site, data, status, words):
    """Nothing is registered."""
    async with site.session.post("/workflows", data=data) as response:
        problem = await response.json(content_type=None)

    assert response.status == status
    assert words in problem["detail"]
    assert not site.uploads


@pytest.mark.parametrize(
    "name", ["notes.txt", "../evil.py", "a/b.py", ".py", ".hidden.py", "a\\b.py", "x" * 200 + ".py"]
)
async def test_a_file_of_another_kind_is_refused(site, name):
    """Only Python files hold workflows, and a name is no path."""
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("file", b"1", filename=name, content_type="text/x-python")
    async with site.session.post("/workflows", data=data) as response:
        problem = await response.json(content_type=None)

    assert response.status == 400
    assert "something.py" in problem["detail"]
    assert not site.uploads


async def test_half_a_form_is_refused(site):
    """A body that ends before its boundary."""
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.py"\r\n\r\nabc'
    async with site.session.post("/workflows", data=body, headers=headers) as response:
        assert response.status == 400
