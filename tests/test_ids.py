"""Keys depend on content alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.ids import canonical, content_key, seed_from, trace_key

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_keys_repeat_and_have_sixteen_hex_digits(value: object) -> None:
    key = content_key(value)
    assert key == content_key(value)
    assert len(key) == 16
    assert int(key, 16) >= 0


@given(st.lists(plain, min_size=1, max_size=3))
def test_parts_do_not_run_into_each_other(parts: list[object]) -> None:
    assert content_key(*parts) != content_key(parts, None)


def test_known_keys_do_not_change_between_versions() -> None:
    assert trace_key("q", "m", "p", {"temperature": 1.0}, 0) == "7f652db9b6c32132"
    assert seed_from("a", 1) == 408133536


def test_objects_without_canonical_text_are_refused() -> None:
    assert canonical({"p": Path("a/b")}) == '{"p":"a/b"}'
    with pytest.raises(TypeError, match="no canonical text"):
        content_key(object())
