"""Examples are chosen by a rule and laid out without losing a letter; pictures show what is in the sound."""

import base64
import io
import struct
import wave
import zlib
from dataclasses import replace

import campaign_frames as campaign
import numpy as np
import polars as pl
import pytest

from mgrd.audio.wav import pcm16, wav_bytes
from mgrd.errors import AudioError
from mgrd.report.examples import choose_examples, example_views, mark_pieces
from mgrd.report.sound import COLUMNS, HIGHEST, LOWEST, MAX_SECONDS, ROWS, picture_sound

RATE = 16_000


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    return wav_bytes(pcm16(samples), rate)


def tone(hz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return 0.4 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


def pixels(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.split(",")[1])
    start = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    lines = np.frombuffer(zlib.decompress(data[start + 4 : start + 4 + length]), dtype=np.uint8)
    return lines.reshape(ROWS, COLUMNS + 1)[:, 1:]


def test_examples_come_from_held_out_chains_of_the_last_round() -> None:
    inputs = campaign.campaign()
    chosen = choose_examples(inputs)
    rows = inputs.traces.filter(pl.col("trace_id").is_in(chosen))
    assert len(chosen) == len(set(chosen)) == 10
    assert rows["round"].unique().to_list() == [3]
    assert rows["purpose"].unique().to_list() == ["evaluate"]


def test_a_round_whose_evaluation_was_stopped_leaves_the_examples_of_the_round_before_it() -> None:
    inputs = campaign.campaign()
    stopped = inputs.traces.filter(pl.col("round") == 3).with_columns(
        round=pl.lit(4, pl.Int64), trace_id=pl.col("trace_id") + "-4"
    )
    later = replace(inputs, traces=pl.concat([inputs.traces, stopped]))
    assert choose_examples(later) == choose_examples(inputs)


def test_examples_are_varied() -> None:
    views = example_views(campaign.campaign(), choose_examples(campaign.campaign()))
    decisions = [view.decision for view in views]
    assert set(decisions) == {"kept", "rejected", "unscored"}
    assert abs(decisions.count("kept") - decisions.count("rejected")) <= 1
    assert {view.question["skill"] for view in views} == set(campaign.SKILLS)
    assert len({view.trace["clip_id"] for view in views}) == 10
    assert {reason for view in views for reason in view.reasons} >= {"contradicted", "wrong_answer", "no_evidence"}


def test_the_choice_does_not_depend_on_the_order_of_rows() -> None:
    inputs = campaign.campaign()
    mixed = {name: getattr(inputs, name).reverse() for name in ("traces", "decisions", "questions", "claims", "clips")}
    assert choose_examples(inputs) == choose_examples(replace(inputs, **mixed))


def test_chains_that_no_one_held_out_are_never_shown() -> None:
    inputs = campaign.campaign()
    assert choose_examples(replace(inputs, traces=inputs.traces.with_columns(purpose=pl.lit("distill")))) == []
    assert choose_examples(replace(inputs, traces=inputs.traces.with_columns(split=pl.lit("dev")))) == []


def claim(start: int, end: int, verdict: str) -> dict[str, object]:
    return {"start": start, "end": end, "verdict": verdict}


def test_pieces_join_to_the_whole_chain_and_carry_each_claim_once() -> None:
    text = "The pitch rises slowly, the transcript says hello."
    claims = [claim(0, 15, "supported"), claim(4, 22, "contradicted"), claim(24, 40, "unverifiable")]
    pieces = mark_pieces(text, claims, [(24, 49)])
    assert "".join(piece.text for piece in pieces) == text
    tags = [(tag.number, tag.verdict) for piece in pieces for tag in piece.tags]
    assert sorted(tags) == [(0, "surrogate"), (1, "supported"), (2, "contradicted"), (3, "unverifiable")]
    marks = {piece.text: piece.mark for piece in pieces}
    assert marks["The "] == "supported"
    assert marks["pitch rises"] == "contradicted"


def test_a_surrogate_stretch_is_marked_without_the_comma_before_it() -> None:
    pieces = mark_pieces("It glides, the title says so.", [], [(9, 29)])
    assert [(piece.text, piece.mark) for piece in pieces] == [
        ("It glides, ", ""),
        ("the title says so.", "surrogate"),
    ]


def test_spans_outside_the_text_are_cut_and_empty_ones_dropped() -> None:
    pieces = mark_pieces("short", [claim(-3, 99, "supported"), claim(7, 9, "contradicted")], [])
    assert [(piece.text, piece.mark) for piece in pieces] == [("short", "supported")]


def test_an_untouched_chain_is_one_plain_piece_and_no_chain_is_none() -> None:
    assert [(piece.text, piece.mark) for piece in mark_pieces("plain", [], [])] == [("plain", "")]
    assert mark_pieces("", [], []) == []


@pytest.mark.parametrize("hz", [150.0, 440.0, 1000.0])
def test_a_tone_lights_the_spectrogram_at_its_frequency(hz: float) -> None:
    brightest = pixels(picture_sound(wav(tone(hz)), "tone").spectrogram)[:, COLUMNS // 2].argmax()
    expected = (ROWS - 1) * np.log(HIGHEST / hz) / np.log(HIGHEST / LOWEST)
    assert abs(brightest - expected) <= 3


def test_the_pitch_line_lies_at_the_tone_and_noise_has_none() -> None:
    picture = picture_sound(wav(tone(220.0) + 0.2 * tone(440.0)), "tone")
    heights = [float(part.split()[1]) for part in picture.pitch.replace("M", "L").split("L")[1:]]
    expected = picture.height - picture.spectrum_height * np.log(220 / LOWEST) / np.log(HIGHEST / LOWEST)
    assert np.median(heights) == pytest.approx(expected, abs=1.0)
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    assert len(picture_sound(wav(noise), "noise").pitch) < 0.2 * len(picture.pitch)


def test_the_sound_on_the_page_is_what_the_model_hears() -> None:
    picture = picture_sound(wav(tone(440.0, 1.5, 44_100), 44_100), "tone")
    with wave.open(io.BytesIO(base64.b64decode(picture.audio.split(",")[1]))) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        assert file.getnframes() / RATE == pytest.approx(1.5, abs=0.01)


def test_long_sound_is_cut_where_the_encoder_stops_and_says_so() -> None:
    picture = picture_sound(wav(tone(200.0, 31.0, 8_000), 8_000), "long")
    assert picture.cut
    assert picture.seconds == MAX_SECONDS
    assert not picture_sound(wav(tone(200.0)), "short").cut


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.ones(40) * 0.5, tone(300.0, 0.01)])
def test_silence_and_very_short_sounds_have_a_picture(samples: np.ndarray) -> None:
    picture = picture_sound(wav(samples), "odd")
    assert picture.waveform.startswith("M")
    assert "nan" not in picture.waveform + picture.pitch


@pytest.mark.parametrize("data", [b"", b"RIFF", b"noise" * 50, wav(np.zeros(0))])
def test_what_is_not_sound_is_refused_with_its_name(data: bytes) -> None:
    with pytest.raises(AudioError, match=r"clips/x\.wav"):
        picture_sound(data, "clips/x.wav")
