"""Identity is content: the same inputs give the same key on every machine and in every run.

A key is the first 16 hex digits of the SHA-256 of a canonical JSON text. Keys are never built from
positions, clocks or paths, so a killed stage resumes by comparing keys.
"""

import hashlib
import json
from pathlib import Path

KEY_DIGITS = 16


def canonical(value: object) -> str:
    """One JSON text per value: sorted keys, no spaces, paths as POSIX text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} has no canonical text; pass plain data to mgrd.ids")


def content_key(*parts: object) -> str:
    """A 16-digit hexadecimal key of the parts, in their order."""
    return hashlib.sha256(canonical(list(parts)).encode()).hexdigest()[:KEY_DIGITS]


def seed_from(*parts: object) -> int:
    """A seed in [0, 2**31) derived from the parts, so that every row owns its randomness."""
    return int(content_key("seed", *parts)[:8], 16) & 0x7FFF_FFFF


def sha256_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks so that its size does not matter."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clip_key(sha256: str) -> str:
    """`clip_id`: the hash of the audio file's bytes."""
    return sha256[:KEY_DIGITS]


def question_key(clip_id: str | None, text: str, choices: list[str], answer: str) -> str:
    return content_key("question", clip_id, text, choices, answer)


def trace_key(question_id: str, model_sha: str, prompt_sha: str, sampling: dict[str, object], sample_index: int) -> str:
    """`trace_id`: what was asked, of which model, with which prompt and parameters, and which sample."""
    return content_key("trace", question_id, model_sha, prompt_sha, sampling, sample_index)
