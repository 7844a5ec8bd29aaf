"""Words that people use for sounds, as bands of measured facts.

Each attribute reads one fact. A word holds inside its band and is refuted outside the band widened
by the gap to its neighbours: between two bands lies a neutral zone in which a word is neither
supported nor contradicted. Questions are derived only from facts well inside a band.
"""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Band:
    """`word` holds for low <= value < high, in the unit of the attribute's fact."""

    word: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Attribute:
    """A perceptual attribute: the fact it reads and its bands from low to high values."""

    name: str
    fact: str
    bands: tuple[Band, ...]

    def word(self, value: float) -> str | None:
        """The word whose band holds the value, or None in a neutral zone."""
        return next((band.word for band in self.bands if band.low <= value < band.high), None)

    def band(self, word: str) -> Band:
        """The band of a word; StopIteration for one that the attribute has not."""
        return next(band for band in self.bands if band.word == word)


ATTRIBUTES: dict[str, Attribute] = {
    attribute.name: attribute
    for attribute in (
        Attribute(
            "contour", "f0_trend", (Band("falling", -inf, -2.0), Band("flat", -0.8, 0.8), Band("rising", 2.0, inf))
        ),
        Attribute(
            "register", "f0_median", (Band("low", 0, 170.0), Band("middle", 210.0, 420.0), Band("high", 520.0, inf))
        ),
        Attribute("tempo", "tempo", (Band("slow", 0, 90.0), Band("moderate", 105.0, 150.0), Band("fast", 175.0, inf))),
        Attribute(
            "loudness",
            "loudness_trend",
            (Band("softer", -inf, -4.0), Band("steady", -1.5, 1.5), Band("louder", 4.0, inf)),
        ),
        Attribute("timbre", "spectral_centroid", (Band("dark", 0, 900.0), Band("bright", 2000.0, inf))),
        Attribute("noise", "snr", (Band("noisy", -inf, 12.0), Band("clean", 25.0, inf))),
        Attribute("reverberation", "decay_time", (Band("dry", 0, 0.25), Band("reverberant", 0.6, inf))),
        Attribute("speech_rate", "syllable_rate", (Band("slow", 0, 3.2), Band("fast", 4.8, inf))),
        Attribute("intonation", "final_rise", (Band("falling", -inf, -1.5), Band("rising", 1.5, inf))),
        Attribute("pitch_order", "order_pitch", (Band("downwards", -inf, -2.0), Band("upwards", 2.0, inf))),
        Attribute(
            "loudness_order", "order_loudness", (Band("first louder", -inf, -4.0), Band("last louder", 4.0, inf))
        ),
        Attribute("regularity", "pulse_regularity", (Band("irregular", 0, 0.7), Band("regular", 0.88, inf))),
    )
}
"""Word bands. `event_count` has no words: it is compared as a number."""

MORE_ATTRIBUTES: dict[str, Attribute] = {
    attribute.name: attribute
    for attribute in (
        Attribute("level", "rms", (Band("quiet", -inf, -45.0), Band("loud", -16.0, inf))),
        Attribute("brightness_trend", "brightness_trend", (Band("darker", -inf, -0.35), Band("brighter", 0.35, inf))),
        Attribute("tempo_trend", "tempo_trend", (Band("slowing down", -inf, -0.15), Band("speeding up", 0.15, inf))),
        Attribute("vibrato", "vibrato_depth", (Band("absent", 0, 12.0), Band("present", 25.0, inf))),
        Attribute("voice", "speech", (Band("absent", 0, 0.04), Band("present", 0.7, inf))),
        # Adults speak around 85 to 155 Hz (men) and 165 to 255 Hz (women): Baken and Orlikoff, Clinical Measurement of
        # Speech and Voice, 2000. The word says how high a voice lies, not who speaks.
        Attribute("speaker", "f0_median", (Band("male", 0, 155.0), Band("female", 175.0, inf))),
        Attribute("pauses", "pause_count", (Band("absent", 0, 0.5), Band("present", 0.5, inf))),
        Attribute("muffling", "band_high", (Band("muffled", 0, 2500.0), Band("clear", 5000.0, inf))),
        Attribute("telephone", "telephone_band", (Band("absent", 0, 0.2), Band("present", 0.8, inf))),
        Attribute("bass", "bass_share", (Band("thin", 0, 0.05), Band("booming", 0.5, inf))),
        Attribute("melody", "f0_range", (Band("monotone", 0, 3.0), Band("lively", 7.0, inf))),
        Attribute("phonation", "whisper", (Band("voiced", 0, 0.15), Band("whispered", 0.6, inf))),
        Attribute("harmonicity", "harmonic_ratio", (Band("noisy", -inf, 1.0), Band("harmonic", 7.0, inf))),
        Attribute("percussiveness", "percussive_share", (Band("sustained", 0, 0.25), Band("percussive", 0.6, inf))),
        Attribute(
            "stereo", "stereo_balance", (Band("left", -inf, -3.0), Band("centred", -1.0, 1.0), Band("right", 3.0, inf))
        ),
        Attribute("purity", "fundamental_share", (Band("rich", 0, 0.9), Band("pure", 0.975, inf))),
        Attribute("chord_quality", "chord_quality", (Band("minor", 0, 3.4), Band("major", 3.6, inf))),
        Attribute(
            "stereo_trend",
            "balance_trend",
            (Band("leftwards", -inf, -6.0), Band("still", -1.5, 1.5), Band("rightwards", 6.0, inf)),
        ),
        Attribute("clipping", "clipping", (Band("clean", 0, 0.0005), Band("distorted", 0.005, inf))),
    )
}
"""Words that chains use and that no question is derived from."""
