"""INPUT on the command line."""

import io
import sys
from pathlib import Path

import pytest

from flux.cli import inputs
from flux.errors import Invalid


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ([], None),
        (["null"], None),
        (["3"], 3),
        (['"World"'], "World"),
        (['{"a": [1, true]}'], {"a": [1, True]}),
        (["sku=lamp"], {"sku": "lamp"}),
        (["sku=lamp", "count:=2", "tags:=[]"], {"sku": "lamp", "count": 2, "tags": []}),
        (["a=b=c"], {"a": "b=c"}),
        (["a="], {"a": ""}),
        (["ship.to-city=Bern"], {"ship.to-city": "Bern"}),
        (['"a=b"'], "a=b"),
        (['{"a=b": 1}'], {"a=b": 1}),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "→",
)
def test_words_are_a_value(words: list[str], value: object) -> None:
    """JSON, or an object from pairs; nothing is null."""
    assert inputs.parse(words) == value


def test_a_file_and_standard_input_hold_json(tmp_path: Path, monkeypatch) -> None:
    """`@file` and `-` are read as they are, UTF-8."""
    file = tmp_path / "order.json"
    file.write_text('{"city": "Zürich"}', "utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO('["ü"]'.encode())))

    assert inputs.parse([f"@{file}"]) == {"city": "Zürich"}
    assert inputs.parse(["-"]) == ["ü"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["World"], "the input is no JSON: 'World'"),
        (["NaN"], "NaN is not JSON"),
        (["count:=two"], "the value of 'count' is no JSON: 'two'"),
        (["a=1", "a=2"], "the key 'a' is given twice"),
        (["a=1", "stray"], "several words must all be key=text or key:=JSON, got 'stray'"),
        (["@/no/such/file"], "the file /no/such/file cannot be read"),
        (["[" * 100_000], "the input is no JSON"),
        (["1" * 100_000], "the input is no JSON"),
    ],
    ids=lambda part: " ".join(part)[:20] if isinstance(part, list) else "→",
)
def test_what_is_no_input_is_named(words: list[str], told: str) -> None:
    """The word, what was expected, and no more of it than fits a line."""
    with pytest.raises(Invalid) as caught:
        inputs.parse(words)

    assert told in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("given", "labels"), [(["env=prod", "team:a"], {"env": "prod", "team": "a"}), (["a="], {"a": ""}), ([], {})]
)
def test_labels_are_pairs(given: list[str], labels: dict[str, str]) -> None:
    """With `=` or, as the API writes them, with a colon."""
    assert inputs.labels(given) == labels


def test_a_label_without_a_value_is_refused() -> None:
    """It would be found by nothing."""
    with pytest.raises(Invalid, match="a label is name=value, got 'prod'"):
        inputs.labels(["prod"])
