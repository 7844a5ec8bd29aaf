"""Splits files into pool, dev and test by source, so that held-out sound is new sound.

A source is the first that is known of: the speaker (inside its dataset), the recording, the family
of files (the name without trailing digits: `footsteps-1.wav` and `footsteps-2.wav` are takes of one
thing). A source goes whole into the split that its hash names. The hash depends on the source's
name and the seed alone, so files that come later move nothing, except through these fall-backs, each of
which is told in a note:

* a family of more than FAMILY_FILES files without a digit in its name is a class (`dog_001` ...
  `dog_400`), not a recording: its files stand alone;
* a source with more than half of its domain's clips is broken into its file families, and a family
  that is still that large into files: one speaker in one split would leave the others without;
* a split that nothing fell into takes the source whose hash lies nearest.

A split that the manifest states is kept, and its source follows it. Where the manifest itself puts
a source into several splits, its files stand alone, with a note. A parent file is never torn, and
every source of the plan lies in one split.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mgrd.ids import content_key
from mgrd.ingest.sources import SourceItem
from mgrd.settings import IngestSpec

FAMILY_FILES = 20
LARGEST_SHARE = 0.5
"""Of a domain's clips; a larger source is broken up."""
ANONYMOUS = frozenset(
    [
        *("male", "female", "man", "woman", "men", "women", "boy", "girl", "child", "adult", "other"),
        *("none", "unknown", "anonymous", "speaker", "n/a", "na", "m", "f"),
    ]
)
"""Speaker entries that name no person."""

_TAKE = re.compile(r"[\s_.-]*\d+$")


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """Per item name: its split and the source that it was split by."""

    splits: dict[str, str]
    sources: dict[str, str]
    notes: tuple[str, ...]


def assign_splits(items: Sequence[SourceItem], clip_counts: dict[str, int], spec: IngestSpec, seed: int) -> SplitPlan:
    """The plan for items (unique by name). `clip_counts` gives the clips of each item by name."""
    notes: list[str] = []
    sources = {item.name: _source(item) for item in items}
    stated = _stated(items, sources, notes)
    free = [item for item in items if sources[item.name] not in stated]
    _separate_classes(free, sources, notes)
    for domain in sorted({item.domain for item in free}):
        _break_largest(domain, [item for item in free if item.domain == domain], sources, clip_counts, notes)
    names = sorted(set(sources.values()))
    of_source = {name: stated.get(name) or _hashed_split(name, spec, seed) for name in names}
    _fill_empty(of_source, stated, spec, seed, notes)
    splits = {item.name: of_source[sources[item.name]] for item in items}
    _note_missing(items, splits, spec, notes)
    return SplitPlan(splits, sources, tuple(notes))


def family(item: SourceItem) -> str:
    """Dataset, folder and file name without suffix and take number; a name of digits alone is its own family."""
    folder, _, file = item.name.rpartition("/")
    stem = file.rsplit(".", 1)[0] or file
    take = _TAKE.sub("", stem)
    return _scoped(item, f"{folder}/{take or stem}".lstrip("/"))


def _source(item: SourceItem) -> str:
    if item.speaker is not None and not _anonymous(item.speaker):
        return _scoped(item, f"speaker {item.speaker}")
    if item.recording is not None:
        return _scoped(item, f"recording {item.recording}")
    return family(item)


def _scoped(item: SourceItem, name: str) -> str:
    return f"{item.source}: {name}" if item.source else name


def _anonymous(speaker: str) -> bool:
    return all(word in ANONYMOUS for word in re.split(r"[\s,;:_-]+", speaker.casefold()) if word)


def _position(source: str, seed: int) -> float:
    """The source's place in [0, 1): test lies lowest, then dev, then pool."""
    return int(content_key("split", seed, source)[:13], 16) / 16**13


def _hashed_split(source: str, spec: IngestSpec, seed: int) -> str:
    place = _position(source, seed)
    if place < spec.test_share:
        return "test"
    return "dev" if place < spec.test_share + spec.dev_share else "pool"


def _alone(item: SourceItem) -> str:
    return _scoped(item, f"file {item.name}")


def _separate_classes(items: Sequence[SourceItem], sources: dict[str, str], notes: list[str]) -> None:
    members = defaultdict(list)
    for item in items:
        if sources[item.name] == family(item):
            members[sources[item.name]].append(item)
    for source, files in sorted(members.items()):
        stem = source.rpartition("/")[2]
        if len(files) > FAMILY_FILES and not any(sign.isdigit() for sign in stem):
            sources.update({item.name: _alone(item) for item in files})
            notes.append(f"{source!r} names {len(files)} files: taken for a class, its files are split one by one")


def _break_largest(
    domain: str,
    members: Sequence[SourceItem],
    sources: dict[str, str],
    clip_counts: dict[str, int],
    notes: list[str],
) -> None:
    """Breaks a source that holds more than LARGEST_SHARE of the domain's clips, twice if need be."""
    total = sum(clip_counts[item.name] for item in members)
    for finer, what in ((family, "file family"), (_alone, "file")):
        weights: Counter[str] = Counter()
        for item in members:
            weights[sources[item.name]] += clip_counts[item.name]
        source, weight = max(weights.items(), key=lambda pair: (pair[1], pair[0]))
        torn = [item for item in members if sources[item.name] == source]
        if weight <= LARGEST_SHARE * total or len(torn) < 2:
            return
        finer_sources = {item.name: finer(item) for item in torn}
        if set(finer_sources.values()) == {source}:
            continue
        sources.update(finer_sources)
        notes.append(
            f"{source!r} holds {weight} of {total} {domain} clips: split by {what}, "
            "so this source is heard on both sides of the split"
        )


def _stated(items: Sequence[SourceItem], sources: dict[str, str], notes: list[str]) -> dict[str, str]:
    """The split of every source that the manifest states one for; sources that it tears become single files."""
    by_source: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.split is not None:
            by_source[sources[item.name]].add(item.split)
    torn = sorted(source for source, splits in by_source.items() if len(splits) > 1)
    if torn:
        sources.update({item.name: _alone(item) for item in items if sources[item.name] in torn})
        notes.append(
            f"the manifest puts {len(torn)} sources into several splits, such as {torn[0]!r}: kept as stated, "
            "so these sources are heard on both sides of the split"
        )
    return {sources[item.name]: item.split for item in items if item.split is not None}


def _fill_empty(
    of_source: dict[str, str], stated: dict[str, str], spec: IngestSpec, seed: int, notes: list[str]
) -> None:
    """With few sources the hash may leave a split empty: the free source nearest to it moves there."""
    shares = {"pool": 1.0, "test": spec.test_share, "dev": spec.dev_share}
    wanted = [split for split, share in shares.items() if share > 0]
    centres = {"test": spec.test_share / 2, "dev": spec.test_share + spec.dev_share / 2, "pool": 1.0}
    if stated:
        return
    for split in wanted:
        sizes = Counter(of_source.values())
        free = [name for name in of_source if sizes[of_source[name]] > 1]
        if sizes[split] or not free:
            continue
        nearest = min(free, key=lambda name: (abs(_position(name, seed) - centres[split]), name))
        of_source[nearest] = split
        notes.append(f"few sources: {nearest!r} was moved to {split}, which was empty")
    if of_source and len(of_source) < len(wanted):
        notes.append(f"{len(of_source)} sources cannot fill {len(wanted)} splits; add audio from other sources")


def _note_missing(items: Sequence[SourceItem], splits: dict[str, str], spec: IngestSpec, notes: list[str]) -> None:
    held = [split for split, share in (("dev", spec.dev_share), ("test", spec.test_share)) if share > 0]
    for domain in sorted({item.domain for item in items}):
        present = {splits[item.name] for item in items if item.domain == domain}
        missing = [split for split in ("pool", *held) if split not in present]
        if missing:
            notes.append(f"no {domain} in {' and '.join(missing)}")
