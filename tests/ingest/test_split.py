"""Files are split by source, deterministically, and later files move nothing without a note."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.ingest.sources import SourceItem
from mgrd.ingest.split import SplitPlan, assign_splits, family
from mgrd.settings import IngestSpec

SPEC = IngestSpec()
SPLITS = {"pool", "dev", "test"}


def item(name: str, **known: str) -> SourceItem:
    return SourceItem(path=Path("/data") / name, name=name, domain=known.pop("domain", "environment"), **known)


def plan(items: list[SourceItem], spec: IngestSpec = SPEC, seed: int = 0) -> SplitPlan:
    return assign_splits(items, {one.name: 1 for one in items}, spec, seed)


names = st.lists(
    st.from_regex(r"(?:[ab]/)?[a-e]{1,2}[-_]?[0-9]{0,2}\.wav", fullmatch=True), min_size=1, max_size=40, unique=True
)
speakers = st.sampled_from([None, "ann", "bob", "cy", "male", "Female"])
items_strategy = names.flatmap(
    lambda found: st.tuples(
        *(
            st.builds(
                SourceItem,
                path=st.just(Path(name)),
                name=st.just(name),
                domain=st.sampled_from(["speech", "music"]),
                speaker=speakers,
                source=st.sampled_from([None, "set"]),
                split=st.sampled_from([None, None, None, "pool", "test"]),
            )
            for name in found
        )
    )
)


@given(items_strategy, st.integers(0, 5))
def test_every_file_has_a_split_and_every_source_lies_in_one(items: tuple[SourceItem, ...], seed: int) -> None:
    found = plan(list(items), seed=seed)
    assert set(found.splits) == set(found.sources) == {one.name for one in items}
    by_source: dict[str, set[str]] = {}
    for name, source in found.sources.items():
        by_source.setdefault(source, set()).add(found.splits[name])
    assert all(len(splits) == 1 for splits in by_source.values())
    assert set(found.splits.values()) <= SPLITS


@given(items_strategy, st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(items: tuple[SourceItem, ...], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    assert plan(list(items)) == plan(shuffled)


@given(items_strategy)
def test_a_stated_split_is_kept(items: tuple[SourceItem, ...]) -> None:
    found = plan(list(items))
    assert all(found.splits[one.name] == one.split for one in items if one.split is not None)


@given(st.integers(40, 120), st.integers(1, 60))
def test_later_files_move_nothing(first: int, more: int) -> None:
    before = [item(f"sound{chr(97 + n % 26)}x{n}y.wav") for n in range(first)]
    after = before + [item(f"later{n}z.wav") for n in range(more)]
    old, new = plan(before), plan(after)
    assert {name: new.splits[name] for name in old.splits} == old.splits


def test_the_shares_of_the_spec_are_met_over_many_sources() -> None:
    found = plan([item(f"n{n}x.wav", speaker=f"voice {n}") for n in range(3000)])
    counts = {split: list(found.splits.values()).count(split) / 3000 for split in SPLITS}
    assert counts["test"] == pytest.approx(0.25, abs=0.03)
    assert counts["dev"] == pytest.approx(0.15, abs=0.03)


def test_a_share_of_zero_holds_nothing_out() -> None:
    spec = IngestSpec(dev_share=0, test_share=0)
    assert set(plan([item(f"n{n}x.wav") for n in range(50)], spec).splits.values()) == {"pool"}


def test_a_speaker_is_never_on_both_sides() -> None:
    items = [item(f"{n}.wav", speaker=f"voice {n % 12}", domain="speech") for n in range(120)]
    found = plan(items)
    for voice in range(12):
        assert len({found.splits[f"{n}.wav"] for n in range(120) if n % 12 == voice}) == 1
    assert set(found.splits.values()) == SPLITS


def test_anonymous_speakers_are_no_sources() -> None:
    found = plan([item(f"clip{chr(97 + n)}.wav", speaker="male", domain="speech") for n in range(10)])
    assert len(set(found.sources.values())) == 10


def test_takes_of_one_thing_stay_together() -> None:
    assert family(item("x/footsteps-1.wav")) == family(item("x/footsteps-2.wav"))
    assert family(item("x/footsteps_02.mp3")) == family(item("x/footsteps 3.flac"))
    assert family(item("10.wav")) != family(item("11.wav"))
    assert family(item("x/a.wav")) != family(item("y/a.wav"))
    assert family(item("a.wav", source="p")) != family(item("a.wav", source="q"))


def test_one_voice_with_most_clips_is_split_by_file_and_the_notes_say_so() -> None:
    prompts = [item(f"word{chr(97 + n % 26)}{'x' * (n // 26)}.wav", speaker="ann", domain="speech") for n in range(80)]
    found = plan([*prompts, item("other.wav", speaker="bob", domain="speech")])
    assert {found.splits[one.name] for one in prompts} == SPLITS
    assert any("speaker ann" in note and "both sides" in note for note in found.notes)


def test_large_families_named_like_a_class_are_split_by_file() -> None:
    dogs = [item(f"dog_{n:03}.wav") for n in range(60)]
    chapter = [item(f"61-70968-{n:04}.wav") for n in range(60)]
    found = plan([*dogs, *chapter])
    assert {found.splits[one.name] for one in dogs} == SPLITS
    assert len({found.splits[one.name] for one in chapter}) == 1
    assert any("taken for a class" in note for note in found.notes)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_with_few_sources_every_split_still_gets_one(count: int) -> None:
    for seed in range(20):
        found = plan([item(f"{chr(97 + n)}.wav") for n in range(count)], seed=seed)
        assert set(found.splits.values()) == SPLITS


def test_a_single_file_is_kept_whole_and_the_notes_say_what_is_missing() -> None:
    found = plan([item("a.wav")])
    assert len(found.splits) == 1
    assert any("cannot fill" in note for note in found.notes)


def test_a_source_that_the_manifest_tears_is_told_of() -> None:
    found = plan([item(f"{n}.wav", speaker="ann", split=split) for n, split in enumerate(["pool", "test", "pool"])])
    assert [found.splits[f"{n}.wav"] for n in range(3)] == ["pool", "test", "pool"]
    assert any("kept as stated" in note for note in found.notes)


def test_files_without_a_stated_split_follow_their_source() -> None:
    found = plan([item("0.wav", speaker="ann", split="test"), *(item(f"{n}.wav", speaker="ann") for n in range(1, 9))])
    assert set(found.splits.values()) == {"test"}
