"""The store: a schema that is enforced, partitions that change in one commit, a past that can be read."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgrd.errors import ContractError, DataError
from mgrd.store import Store, digest, empty_frame, frame_of, to_arrow
from schemas import CURRICULUM, EVIDENCE, METRICS, TABLES


def metrics(*rows: tuple[int, str, float]) -> pl.DataFrame:
    return frame_of(METRICS, [{"round": r, "split": "dev", "name": n, "value": v, "n": 1} for r, n, v in rows])


def test_row_and_arrow_schema_name_the_same_columns_in_the_same_order() -> None:
    for table in TABLES.values():
        assert list(table.row.model_fields) == table.arrow.names, table.name
        for field in table.arrow:
            allows_none = table.row.model_fields[field.name].default is None
            assert field.nullable == allows_none, f"{table.name}.{field.name}"
        assert set(table.key) <= {field.name for field in table.arrow if not field.nullable}
        assert set(table.partition_by) <= set(table.arrow.names)


def test_an_absent_table_reads_as_empty_with_its_schema(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.version(METRICS) == -1
    frame = store.read(METRICS)
    assert frame.is_empty()
    assert frame.columns == METRICS.arrow.names


def test_replacing_a_round_leaves_the_others_and_keeps_the_past(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.replace(METRICS, metrics((1, "a", 1.0), (1, "b", 2.0)), {"round": 1})
    before = store.replace(METRICS, metrics((2, "a", 3.0)), {"round": 2})
    after = store.replace(METRICS, metrics((1, "a", 9.0)), {"round": 1}, {"fingerprint": "f"})
    assert sorted(store.read(METRICS)["value"]) == [3.0, 9.0]
    assert sorted(store.read(METRICS, version=before)["value"]) == [1.0, 2.0, 3.0]
    assert after == before + 1, "one commit, so no reader ever sees half a round"


def test_rounds_lie_in_folders_of_their_own_however_they_were_written(tmp_path: Path) -> None:
    appended, replaced = Store(tmp_path / "appended"), Store(tmp_path / "replaced")
    rows = metrics((1, "a", 1.0), (2, "a", 2.0))
    appended.append(METRICS, rows)
    replaced.replace(METRICS, rows, {})
    for store in (appended, replaced):
        assert {folder.name for folder in store.path(METRICS).glob("*=*")} == {"round=1", "round=2"}


def test_replacing_with_nothing_empties_the_partition_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.replace(METRICS, metrics((1, "a", 1.0)), {"round": 1})
    store.replace(METRICS, metrics((2, "a", 2.0)), {"round": 2})
    store.replace(METRICS, metrics(), {"round": 1})
    assert store.read(METRICS)["round"].to_list() == [2]


def test_rows_outside_the_partition_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="outside round = 1"):
        Store(tmp_path).replace(METRICS, metrics((2, "a", 1.0)), {"round": 1})


def test_doubled_keys_are_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="stand more than once"):
        Store(tmp_path).replace(METRICS, metrics((1, "a", 1.0), (1, "a", 2.0)), {"round": 1})


def test_unknown_missing_and_null_columns_are_named() -> None:
    frame = metrics((1, "a", 1.0))
    with pytest.raises(DataError, match=r"missing columns \['n'\], unknown columns \['m'\]"):
        to_arrow(METRICS, frame.rename({"n": "m"}))
    with pytest.raises(DataError, match=r"missing columns \['n'\], unknown columns \[\]"):
        to_arrow(METRICS, frame.drop("n"))
    with pytest.raises(DataError, match=r"missing columns \[\], unknown columns \['m'\]"):
        to_arrow(METRICS, frame.with_columns(m=1))
    with pytest.raises(DataError, match=r"nulls in required columns \['name'\]"):
        to_arrow(METRICS, frame.with_columns(name=pl.lit(None, pl.String)))


def test_nested_facts_survive_the_round_trip(tmp_path: Path) -> None:
    fact = {"name": "rms", "value": -20.0, "unit": "dBFS", "start": 0.0, "end": 1.0, "reliability": 1.0}
    rows = [{"clip_id": "c", "version": "1", "facts": [fact, fact], "seconds": 0.1}]
    store = Store(tmp_path)
    store.append(EVIDENCE, frame_of(EVIDENCE, rows))
    assert store.read(EVIDENCE).to_dicts() == rows


rows_of_curriculum = st.lists(
    st.tuples(st.text(max_size=4), st.integers(0, 3), st.integers(0, 8)), unique_by=lambda r: (r[0], r[1]), max_size=12
)


@given(rows=rows_of_curriculum, order=st.randoms())
def test_the_digest_depends_on_content_and_not_on_order(rows: list[tuple[str, int, int]], order) -> None:
    def frame(data: list[tuple[str, int, int]]) -> pl.DataFrame:
        return frame_of(
            CURRICULUM,
            [{"question_id": q, "round": r, "samples": 8, "passed": p, "inside": p > 0} for q, r, p in data],
        )

    shuffled = list(rows)
    order.shuffle(shuffled)
    assert digest(CURRICULUM, frame(rows)) == digest(CURRICULUM, frame(shuffled))
    if rows:
        question, round_, passed = rows[0]
        changed = [(question, round_, passed + 1), *rows[1:]]
        assert digest(CURRICULUM, frame(rows)) != digest(CURRICULUM, frame(changed))


def test_the_digest_ignores_how_long_a_measurement_took() -> None:
    slow, fast = ({"clip_id": "c", "version": "1", "facts": [], "seconds": s} for s in (9.0, 0.1))
    assert digest(EVIDENCE, frame_of(EVIDENCE, [slow])) == digest(EVIDENCE, frame_of(EVIDENCE, [fast]))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(
        st.tuples(st.integers(1, 3), st.lists(st.sampled_from("abcd"), unique=True, max_size=4)), max_size=5
    )
)
def test_a_sequence_of_replacements_equals_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, list[str]]]
) -> None:
    store, model = Store(tmp_path_factory.mktemp("store")), dict[int, set[str]]()
    for round_, names in writes:
        store.replace(METRICS, metrics(*[(round_, name, 0.0) for name in names]), {"round": round_})
        model[round_] = set(names)
    expected = {(round_, name) for round_, names in model.items() for name in names}
    assert set(store.read(METRICS).select("round", "name").iter_rows()) == expected


def test_an_empty_frame_has_the_tables_types() -> None:
    for table in TABLES.values():
        assert to_arrow(table, empty_frame(table)).schema == table.arrow
