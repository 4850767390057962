"""Refusals: how a path and a type are said."""

from flux.codec.refusals import Refusal, key_step, too_large, type_name


def test_a_path_is_built_from_the_inside_out():
    """Containers add their steps while the refusal leaves them."""
    refusal = Refusal(int, "it is odd", "add one")
    for step in ("[1]", ".items", '["a"]'):
        refusal.leaves(step)

    error = refusal.as_error("result")

    assert str(error) == 'result["a"].items[1]: it is odd; add one'
    assert error.facts == {"path": 'result["a"].items[1]', "type": "int"}


def test_a_long_path_is_cut():
    """Two hundred levels help nobody."""
    refusal = Refusal(int, "no", "do")
    for _ in range(100):
        refusal.leaves("[0]")

    assert refusal.as_error("x").facts["path"] == "x" + "[0]" * 12 + "…"


def test_keys_and_types_are_said_as_in_python():
    """Builtins without their module."""
    assert key_step('a"b') == '["a\\"b"]'
    assert (type_name(dict), type_name(Refusal)) == ("dict", "flux.codec.refusals.Refusal")


def test_a_size_is_told_where_it_is_known():
    """A value that was given up on has none."""
    assert too_large("x", 10).facts == {"limit": 10}
    assert too_large("x", 10, 12).facts == {"limit": 10, "size": 12}
