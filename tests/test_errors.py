"""Errors cross process borders and keep their cause."""

import pickle

import pytest

from mgrd import errors


@pytest.mark.parametrize(
    "kind", [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
)
def test_errors_pickle_with_their_message(kind: type[Exception]) -> None:
    copy = pickle.loads(pickle.dumps(kind("row 3: wrong; do this")))
    assert type(copy) is kind
    assert str(copy) == "row 3: wrong; do this"


def test_a_boundary_wraps_foreign_errors_and_passes_ours() -> None:
    with (
        pytest.raises(errors.StoreError, match="reading x: KeyError") as caught,
        errors.boundary(errors.StoreError, "reading x"),
    ):
        raise KeyError("k")
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(errors.AudioError), errors.boundary(errors.StoreError, "reading x"):
        raise errors.AudioError("bad clip")
