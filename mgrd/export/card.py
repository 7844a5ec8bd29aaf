"""The dataset card: `README.md`, filled from the manifest and the tables, never by hand.

Values come from chains, file names and judges: `mgrd.export.templates` makes each harmless for Markdown and YAML.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import polars as pl

from mgrd.export.agreement import human_agreement
from mgrd.export.choices import ExportConfig
from mgrd.export.listings import write_text
from mgrd.export.manifest import FileEntry, Manifest
from mgrd.export.rows import RoundRows
from mgrd.export.rowset import LENGTHS, WORDS, Row, Totals
from mgrd.export.tables import Tables
from mgrd.export.templates import filled
from schemas import CLIPS, DECISIONS, OVERRIDES, VERDICTS
from schemas.traces import DISTILL

CARD = "README.md"
LISTED_LICENCES = 40
CLIP_COLUMNS = ("clip_id", "licence", "provenance", "domain", "source", "duration")
KNOWN_LICENCES = frozenset(
    {"apache-2.0", "mit", "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "gpl-3.0", "odc-by"}
)
"""Identifiers that the hub knows; anything else is `other`, with the names in the text."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
JUDGE_GROUNDED = 3.0
"""A judge's acoustic grounding (1 to 5) from which the card takes it to call a chain grounded: the default of
`spec.policy.min_judge_grounding`, whatever a workspace sets, so that the same tables give the same card."""


def write_card(folder: Any, tables: Tables, config: ExportConfig, manifest: Manifest, found: RoundRows) -> FileEntry:
    """Write `README.md` into the folder and return its entry."""
    return write_text(folder, CARD, filled("card.md.jinja", card_values(tables, config, manifest, found)))


def card_values(tables: Tables, config: ExportConfig, manifest: Manifest, found: RoundRows) -> dict[str, Any]:
    """What the template shows."""
    totals = [rows.totals for name, rows in found.configs.items() if name != "text"]
    wanted = pl.col("clip_id").is_in(list(found.clip_ids))
    clips = list(tables.scan(CLIPS).select(CLIP_COLUMNS).filter(wanted).collect().iter_rows(named=True))
    partition = {"round": config.round, "purpose": DISTILL}
    licences = Counter((clip["licence"], clip["provenance"], clip["domain"]) for clip in clips)
    hours = sum(clip["duration"] for clip in clips) / 3600
    total = sum(count for splits in manifest.splits.values() for count in splits.values())
    return {
        "about": manifest.about,
        "config": config,
        "configs": _configs(manifest),
        "fingerprint": manifest.fingerprint,
        "splits": manifest.splits,
        "licence": _licence(clips),
        "size": next((name for limit, name in SIZES if total < limit), "1M<n<10M"),
        "funnel": _funnel(manifest.about["stages"].get("select", {}).get("counts", {})),
        "agreement": human_agreement(
            tables.read(OVERRIDES),
            tables.read(DECISIONS, partition, ("trace_id", "grounded")),
            tables.read(VERDICTS, {"round": config.round}, ("judge", "trace_id", "scored", "acoustic_grounding")),
            JUDGE_GROUNDED,
        ),
        "licences": licences.most_common(LISTED_LICENCES),
        "more_licences": max(0, len(licences) - LISTED_LICENCES),
        "sources": len({clip["source"] for clip in clips}),
        "clips": len(clips),
        "hours": hours,
        "skills": _common(sum((total.skills for total in totals), Counter())),
        "lengths": _lengths(totals, clips),
        "refused": len(found.refused),
    }


def _configs(manifest: Manifest) -> list[dict[str, Any]]:
    """The hub's `configs`: per config and split the pattern of its shards; the first config is the default."""
    found = []
    for name, splits in manifest.splits.items():
        files = {split: manifest.of(name, split)[0].path for split in sorted(splits)}
        patterns = {split: re.sub(r"-\d{5}-of-\d{5}", "-*", path) for split, path in files.items()}
        found.append({"name": name, "files": patterns})
    return sorted(found, key=lambda config: config["name"] == "text")


def _licence(clips: Sequence[Row]) -> str:
    names = {clip["licence"].lower() for clip in clips}
    return names.pop() if len(names) == 1 and names <= KNOWN_LICENCES else "other"


def _funnel(counts: dict[str, Any]) -> list[tuple[str, object]]:
    order = ("sampled", "correct", "grounded", "kept", "rejected", "unscored", "quarantined", "distilled")
    steps = [(name, counts[name]) for name in order if name in counts]
    return steps + [(f"reason: {name}", count) for name, count in counts.get("reasons", {}).items()]


def _common(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first, of equally frequent ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _lengths(totals: Sequence[Totals], clips: Sequence[Row]) -> list[tuple[str, str]]:
    values: dict[str, Counter[float]] = {}
    for told in (*LENGTHS.values(), WORDS):
        values[told] = Counter()
        for total in totals:
            values[told].update(total.lengths.get(told, {}))
    values["seconds of a clip"] = Counter(clip["duration"] for clip in clips)
    return [(name, _spread(found)) for name, found in values.items() if found]


def _spread(counts: Counter[float]) -> str:
    """Least, median and greatest of values that are counted."""
    known = sorted(counts)
    upto = list(accumulate(counts[value] for value in known))
    middle = known[bisect_right(upto, round(0.5 * (upto[-1] - 1)))]
    return f"{known[0]:.4g} / {middle:.4g} / {known[-1]:.4g}"
