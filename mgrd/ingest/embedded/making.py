"""Makes the default clips: plans become sounds, sounds become WAV files with their truth.

Facts come from the plan's numbers only, never from the waveform. Clips are made in batches by a
process pool; a clip depends on its own seed and, for notes, on its batch, never on the number of workers.
"""

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import soundfile

from mgrd.audio.facts import Fact, fact
from mgrd.errors import DataError, boundary
from mgrd.executors.threads import one_thread_each
from mgrd.files import whole_file
from mgrd.ids import clip_key, sha256_bytes
from mgrd.ingest.embedded import tones
from mgrd.ingest.embedded.asking import ask_questions
from mgrd.ingest.embedded.notes import Note, render_notes
from mgrd.ingest.embedded.phrases import pick
from mgrd.ingest.embedded.pitch import estimate_period, repitch
from mgrd.ingest.embedded.plan import GROUPS, PITCHED, Plan, plan_clips
from mgrd.ingest.embedded.room import add_noise, add_room, to_pcm16
from mgrd.ingest.embedded.speech import FAST_RATE, SENTENCES, SLOW_RATE, intonation, speak
from mgrd.ingest.embedded.timeline import (
    LEAD,
    RATE,
    RELEASE_SAMPLES,
    SPAN,
    Timeline,
    Wave,
    apply_ramp,
    lay_sounds,
    place,
)
from mgrd.settings import EmbeddedSpec
from mgrd.store import frame_of
from schemas import CLIPS

BATCH = 24
"""Plans per call of a worker: one rendering of the soundfont serves all of them."""

CENTRES = {"low": (100.0, 122.0), "middle": (262.0, 340.0), "high": (700.0, 900.0)}
"""Hz, the median of the pitch line per register."""
SPANS = {"falling": (-9.0, -6.0), "flat": (0.0, 0.0), "rising": (6.0, 9.0)}
"""Semitones from the first to the last pitch."""
SPEECH_CENTRES = {"low": (98.0, 132.0), "middle": (240.0, 290.0)}
FINAL = {"falling": (-9.0, -7.0), "rising": (7.0, 10.0)}
"""Semitones over the last FINAL_SECONDS of a sentence."""
BURST_SHORTER = 0.55
"""A long burst of noise fluctuates and would be heard as several."""
FINAL_WINDOW = 0.3
"""Seconds that the fact `final_rise` speaks of."""

DOMAINS = {"speech": "speech", "notes": "music"}
LICENCES = {"speech": "GPL-3.0-or-later (espeak-ng voice data)", "notes": "GPL-2.0-or-later (TimGM6mb samples)"}
PROVENANCE = {
    "speech": "spoken by espeak-ng, pitch line imposed by overlap-add",
    "notes": "rendered from the TimGM6mb soundfont",
}
OWN_LICENCE, OWN_PROVENANCE = "CC0-1.0", "synthesized from formulas"


@dataclass(frozen=True, slots=True)
class Score:
    """What a clip of pitched or unpitched sounds will play: its times and one pitch (Hz) per sound."""

    timeline: Timeline
    pitches: Wave
    midi: tuple[int, ...] = ()

    def notes(self, program: int) -> list[Note]:
        lengths = np.round(self.timeline.lengths * 1000.0).astype(int)
        return [(program, pitch, int(length)) for pitch, length in zip(self.midi, lengths, strict=True)]


@dataclass(frozen=True, slots=True)
class Sound:
    """A dry signal at unit level with what is known of it."""

    signal: Wave
    timeline: Timeline
    facts: list[Fact]
    transcript: str | None = None


def make_embedded(
    audio_dir: Path,
    uri_prefix: str,
    spec: EmbeddedSpec,
    seed: int,
    workers: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Writes `audio_dir/<clip_id>.wav` and returns the clips and questions frames (CLIPS, QUESTIONS).

    `uri_prefix` stands before the file name in `clips.uri`; `workers` 0 means one per core;
    `on_progress` gets the number of clips just made. The same spec and seed give the
    same clips, questions and keys. Raises ConfigError for clips that are too short and DataError
    when a synthesizer is missing.
    """
    audio_dir.mkdir(parents=True, exist_ok=True)
    plans = plan_clips(spec, seed)
    splits = [[plan for plan in plans if plan.split == split] for split in GROUPS]
    batches = [split[start : start + BATCH] for split in splits for start in range(0, len(split), BATCH)]
    jobs = [(audio_dir, uri_prefix, batch, spec.seconds) for batch in batches]
    rows: list[dict[str, object]] = []
    for made in _run(jobs, workers or os.cpu_count() or 1):
        rows += made
        if on_progress:
            on_progress(len(made))
    clips = frame_of(CLIPS, rows)
    return clips, ask_questions(plans, clips, seed)


Job = tuple[Path, str, list[Plan], float]


def _run(jobs: list[Job], workers: int) -> Iterator[list[dict[str, object]]]:
    if workers == 1 or len(jobs) == 1:
        yield from map(make_batch, jobs)
        return
    with (
        one_thread_each(),
        ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn")) as pool,
    ):
        yield from pool.map(make_batch, jobs)


def make_batch(job: Job) -> list[dict[str, object]]:
    """Makes and writes the clips of a batch; returns their rows (CLIPS)."""
    audio_dir, uri_prefix, plans, seconds = job
    scores = {plan.seed: compose(plan) for plan in plans if plan.family == "notes"}
    wanted = [note for plan in plans if plan.seed in scores for note in scores[plan.seed].notes(int(plan.material))]
    rendered = render_notes(wanted)
    return [_make_clip(audio_dir, uri_prefix, plan, seconds, scores.get(plan.seed), rendered) for plan in plans]


def _make_clip(
    audio_dir: Path, uri_prefix: str, plan: Plan, seconds: float, score: Score | None, rendered: dict[Note, Wave]
) -> dict[str, object]:
    rng = np.random.default_rng(plan.seed)
    sound = make_sound(plan, score or compose(plan), rendered, rng, seconds)
    signal, loudness = apply_ramp(sound.signal, sound.timeline, plan.words.get("loudness"), rng, seconds)
    signal, decay = add_room(signal, plan.words.get("reverberation"), rng, seconds)
    signal, background = add_noise(signal, plan.words["noise"] == "noisy", sound.timeline, rng, seconds)
    data = _wav(to_pcm16(signal, rng))
    sha256 = sha256_bytes(data)
    clip_id = clip_key(sha256)
    with boundary(DataError, f"writing {clip_id}.wav"), whole_file(audio_dir / f"{clip_id}.wav") as draft:
        draft.write_bytes(data)
    facts = [fact("duration", seconds, end=seconds), *sound.facts, *loudness, *decay, *background]
    return {
        "clip_id": clip_id,
        "sha256": sha256,
        "uri": f"{uri_prefix.rstrip('/')}/{clip_id}.wav" if uri_prefix else f"{clip_id}.wav",
        "duration": len(signal) / RATE,
        "sample_rate": RATE,
        "channels": 1,
        "domain": DOMAINS.get(plan.family, "synthetic"),
        "label": plan.label,
        "transcript": sound.transcript,
        "speaker": plan.material if plan.family == "speech" else None,
        "source": plan.source,
        "licence": LICENCES.get(plan.family, OWN_LICENCE),
        "provenance": PROVENANCE.get(plan.family, OWN_PROVENANCE),
        "split": plan.split,
        "family": plan.family,
        "truth": [known.row() for known in facts],
    }


def compose(plan: Plan) -> Score:
    """Times and pitches of a clip of separate sounds, or of one long sound."""
    rng = np.random.default_rng([plan.seed, 1])
    if plan.family in ("glide", "noise", "speech"):
        length = rng.uniform(1.8, 2.3)
        start = rng.uniform(0.3, SPAN - 0.3 - length)
        timeline = Timeline(np.array([start]), np.array([length]), regular=False)
    else:
        timeline = lay_sounds(rng, plan.count, plan.tempo, wet=plan.wet, irregular=plan.irregular)
    if plan.family == "bursts" and plan.count > 1:
        timeline = replace(timeline, lengths=timeline.lengths * BURST_SHORTER)
    if plan.family not in PITCHED:
        return Score(timeline, np.zeros(timeline.count))
    centre = rng.uniform(*CENTRES[plan.words["register"]])
    steps = np.linspace(-0.5, 0.5, timeline.count) if timeline.count > 1 else np.zeros(1)
    semitones = steps * rng.uniform(*SPANS[plan.words["contour"]])
    if plan.family != "notes":
        return Score(timeline, centre * 2.0 ** (semitones / 12.0))
    midi = np.round(69.0 + 12.0 * np.log2(centre / 440.0) + semitones).astype(int)
    return Score(timeline, 440.0 * 2.0 ** ((midi - 69.0) / 12.0), tuple(int(number) for number in midi))


def make_sound(plan: Plan, score: Score, rendered: dict[Note, Wave], rng: np.random.Generator, seconds: float) -> Sound:
    """The dry sound of a plan; see each family's function for what it knows."""
    samples = round(seconds * RATE)
    if plan.family == "speech":
        return _speech(plan, rng, samples, seconds)
    timeline = score.timeline
    facts = [*timeline.facts(seconds), fact("speech", 0.0, end=seconds)]
    if plan.family == "glide":
        waves, known = _glide(plan, score, rng, seconds)
    elif plan.family == "tones":
        multiples, weights = tones.partials(plan.material, plan.words["timbre"], float(np.median(score.pitches)), rng)
        waves = tones.beeps(score.pitches, timeline, multiples, weights, rng)
        known = [*pitch_facts(score, seconds), *_centroid(plan, multiples, weights, score, seconds)]
    elif plan.family == "notes":
        waves = [rendered[note] for note in score.notes(int(plan.material))]
        known = pitch_facts(score, seconds)
    else:
        waves, known = _noises(plan, timeline, rng, seconds)
    return Sound(place(waves, timeline, samples), timeline, facts + known)


def pitch_facts(score: Score, seconds: float) -> list[Fact]:
    """Median, place of each pitch, and the way from the first to the last; sounds are equally long."""
    pitches, timeline = score.pitches, score.timeline
    known = [fact("f0_median", float(np.median(pitches)), end=seconds)]
    known += [
        fact("event_f0", pitch, start=start, end=start + length)
        for pitch, start, length in zip(pitches, timeline.starts, timeline.lengths, strict=True)
    ]
    moved = 12.0 * float(np.log2(pitches[-1] / pitches[0]))
    known.append(fact("f0_trend", moved, start=float(timeline.starts[0]), end=timeline.end))
    if timeline.count >= 2:
        known.append(fact("order_pitch", moved, end=seconds))
    return known


def _centroid(plan: Plan, multiples: Wave, weights: Wave, score: Score, seconds: float) -> list[Fact]:
    """Known only without background noise, which would move it."""
    if plan.words["noise"] == "noisy":
        return []
    value = tones.centroid(multiples, weights, float(np.median(score.pitches)))
    return [fact("spectral_centroid", value, end=seconds)]


def _glide(plan: Plan, score: Score, rng: np.random.Generator, seconds: float) -> tuple[list[Wave], list[Fact]]:
    """One tone whose f0 line is straight in semitones."""
    centre = float(score.pitches[0])
    moved = rng.uniform(*SPANS[plan.words["contour"]])
    start, end = float(score.timeline.starts[0]), score.timeline.end
    line = tones.glide(centre * 2.0 ** (-moved / 24.0), moved, end - start)
    multiples, weights = tones.partials(plan.material, plan.words["timbre"], centre, rng)
    known = [
        fact("f0_median", centre, start=start, end=end),
        fact("f0_trend", moved, start=start, end=end),
        *_centroid(plan, multiples, weights, score, seconds),
    ]
    return [tones.tone(line, multiples, weights, rng)], known


def _noises(plan: Plan, timeline: Timeline, rng: np.random.Generator, seconds: float) -> tuple[list[Wave], list[Fact]]:
    """Bursts, clicks or one long noise; a click is too short to have a known centroid."""
    if plan.family == "clicks":
        band = (400.0, 7000.0)
        short = Timeline(timeline.starts, np.full(timeline.count, rng.uniform(0.006, 0.012)), timeline.regular)
        waves = []
        for burst, length in zip(tones.bursts(short, band, plan.material, rng), timeline.lengths, strict=True):
            body = len(burst) - RELEASE_SAMPLES
            tail = np.exp(-np.arange(round(length * RATE) + RELEASE_SAMPLES) / body)
            waves.append(np.pad(burst, (0, max(0, len(tail) - len(burst))))[: len(tail)] * tail)
        return waves, []
    band = tones.noise_band(plan.words["timbre"], rng)
    known = [fact("spectral_centroid", tones.noise_centroid(band, plan.material), end=seconds)]
    return tones.bursts(timeline, band, plan.material, rng), [] if plan.words["noise"] == "noisy" else known


def _speech(plan: Plan, rng: np.random.Generator, samples: int, seconds: float) -> Sound:
    """A sentence with a level pitch line that moves at the end, and its syllables over its length."""
    register, rate_word = plan.words["register"], plan.words["speech_rate"]
    text, syllables = pick(rng, SENTENCES[rate_word][GROUPS[plan.split]])
    wanted = rng.uniform(*(SLOW_RATE if rate_word == "slow" else FAST_RATE))
    wave, rate = speak(text, syllables, plan.material, wanted, register)
    line = intonation(
        rng, len(wave), rng.uniform(*SPEECH_CENTRES[register]), rng.uniform(*FINAL[plan.words["intonation"]])
    )
    wave = repitch(wave, line, estimate_period(wave))
    final = 12.0 * float(np.log2(line[-1] / line[-round(FINAL_WINDOW * RATE)]))
    room = max(0, samples - len(wave))
    first = min(round(rng.uniform(*LEAD) * RATE), room)
    wave = wave[: samples - first]
    signal = np.zeros(samples)
    signal[first : first + len(wave)] = wave / np.sqrt(np.mean(wave**2))
    start, end = first / RATE, (first + len(wave)) / RATE
    facts = [
        fact("speech", 1.0, end=seconds),
        fact("f0_median", float(np.median(line)), start=start, end=end),
        fact("syllable_rate", rate, start=start, end=end),
        fact("final_rise", final, start=end - FINAL_WINDOW, end=end),
    ]
    timeline = Timeline(np.array([start]), np.array([end - start]), regular=False)
    return Sound(signal, timeline, facts, transcript=text)


def _wav(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, subtype="PCM_16", format="WAV")
    return buffer.getvalue()
