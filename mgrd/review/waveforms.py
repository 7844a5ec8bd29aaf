"""Audio that a browser plays: the file as it is where browsers know its format, else a WAV made once from it."""

from pathlib import Path

from mgrd.files import whole_file

PLAYED = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
}
"""Formats of every current browser."""


def playable(folder: Path, clip_id: str, path: Path) -> tuple[Path, str]:
    """(file, media type). Raises AudioError when a file of another format cannot be decoded."""
    if path.suffix.lower() in PLAYED:
        return path, PLAYED[path.suffix.lower()]
    made = folder / f"{clip_id}.wav"
    if not made.is_file():
        _write_wav(path, made)
    return made, PLAYED[".wav"]


def _write_wav(source: Path, target: Path) -> None:
    from mgrd.audio.decode import decode
    from mgrd.audio.wav import pcm16, wav_bytes

    audio = decode(source)
    with whole_file(target) as draft:
        draft.write_bytes(wav_bytes(pcm16(audio.samples), audio.rate))
