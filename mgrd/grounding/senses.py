"""What a quality or a movement means of a topic: "high" is a register of a pitch and a rate of a tempo.

One table per question; a pair that is not here claims nothing.
"""

Sense = tuple[str, str]
"""(attribute, word)"""

PITCHED = ("pitch", "tone", "voice", "one", "many", "sound", "it")
SOUNDS = ("sound", "it", "recording", "tone", "voice", "one", "many", "speech")

_QUALITY: dict[str, dict[str, Sense]] = {}
_MOVE: dict[str, dict[str, Sense]] = {}


def _say(
    table: dict[str, dict[str, Sense]], values: str, topics: str | tuple[str, ...], attribute: str, word: str
) -> None:
    names = topics.split() if isinstance(topics, str) else topics
    for value in values.split():
        table.setdefault(value, {}).update((topic, (attribute, word)) for topic in names)


def _fill_qualities() -> None:
    say = _say
    say(_QUALITY, "high", PITCHED, "register", "high")
    say(_QUALITY, "low", PITCHED, "register", "low")
    say(_QUALITY, "middle moderate", "pitch", "register", "middle")
    say(_QUALITY, "middle", "tone voice one many it", "register", "middle")
    say(_QUALITY, "fast high", "tempo", "tempo", "fast")
    say(_QUALITY, "slow low", "tempo", "tempo", "slow")
    say(_QUALITY, "moderate middle", "tempo", "tempo", "moderate")
    say(_QUALITY, "fast", "many it", "tempo", "fast")
    say(_QUALITY, "slow", "many it", "tempo", "slow")
    say(_QUALITY, "moderate", "it", "tempo", "moderate")
    say(_QUALITY, "fast high", "speech_rate", "speech_rate", "fast")
    say(_QUALITY, "fast", "speech voice speaker", "speech_rate", "fast")
    say(_QUALITY, "slow low", "speech_rate", "speech_rate", "slow")
    say(_QUALITY, "slow", "speech voice speaker", "speech_rate", "slow")
    say(_QUALITY, "moderate middle", "speech_rate", "speech_rate", "moderate")
    say(_QUALITY, "loud high", "loudness", "level", "loud")
    say(_QUALITY, "loud", SOUNDS, "level", "loud")
    say(_QUALITY, "quiet low", "loudness", "level", "quiet")
    say(_QUALITY, "quiet", SOUNDS, "level", "quiet")


def _fill_qualities_of_sound() -> None:
    say = _say
    say(_QUALITY, "bright", "timbre tone sound it voice one many pitch recording treble", "timbre", "bright")
    say(_QUALITY, "loud high present", "treble", "timbre", "bright")
    say(_QUALITY, "dark", "timbre tone sound it voice one many recording", "timbre", "dark")
    say(_QUALITY, "quiet low", "treble", "timbre", "dark")
    say(_QUALITY, "noisy", "recording background sound it tone voice speech timbre", "noise", "noisy")
    say(_QUALITY, "loud high present", "noise hiss", "noise", "noisy")
    say(_QUALITY, "loud high", "background", "noise", "noisy")
    say(_QUALITY, "clean", "recording background sound it tone", "noise", "clean")
    say(_QUALITY, "quiet low short", "noise background", "noise", "clean")
    say(_QUALITY, "high", "snr", "noise", "clean")
    say(_QUALITY, "low", "snr", "noise", "noisy")
    say(_QUALITY, "dry", "room sound it recording tone voice one many", "reverberation", "dry")
    say(_QUALITY, "wet", "room sound it recording tone voice one many", "reverberation", "reverberant")
    say(_QUALITY, "long present loud high", "reverb", "reverberation", "reverberant")
    say(_QUALITY, "short quiet low dry", "reverb", "reverberation", "dry")
    say(_QUALITY, "regular even", "tempo many", "regularity", "regular")
    say(_QUALITY, "irregular", "tempo many", "regularity", "irregular")
    say(_QUALITY, "steady", "tempo many", "regularity", "regular")
    say(_QUALITY, "steady even flat regular", "loudness", "loudness", "steady")
    say(_QUALITY, "steady", "sound it", "loudness", "steady")
    say(_QUALITY, "steady flat even", "pitch tone voice one intonation", "contour", "flat")
    say(_QUALITY, "flat", "sound speech speaker it", "contour", "flat")
    say(_QUALITY, "rising", PITCHED, "contour", "rising")
    say(_QUALITY, "falling", PITCHED, "contour", "falling")
    say(_QUALITY, "rising questioning high", "intonation", "intonation", "rising")
    say(_QUALITY, "rising questioning", "speech speaker", "intonation", "rising")
    say(_QUALITY, "falling low", "intonation", "intonation", "falling")
    say(_QUALITY, "falling", "speech speaker", "intonation", "falling")
    say(_QUALITY, "rising swelling", "loudness", "loudness", "louder")
    say(_QUALITY, "swelling", SOUNDS, "loudness", "louder")
    say(_QUALITY, "falling fading", "loudness", "loudness", "softer")
    say(_QUALITY, "fading", SOUNDS, "loudness", "softer")
    say(_QUALITY, "rising", "tempo", "tempo_trend", "speeding up")
    say(_QUALITY, "falling", "tempo", "tempo_trend", "slowing down")
    say(_QUALITY, "present", "vibrato", "vibrato", "present")
    say(_QUALITY, "present", "pause", "pauses", "present")


def _fill_moves() -> None:
    say = _say
    say(_MOVE, "rise increase", ("pitch", "tone", "voice", "one", "many"), "contour", "rising")
    say(_MOVE, "rise", "sound it", "contour", "rising")
    say(_MOVE, "fall decrease", ("pitch", "tone", "voice", "one", "many"), "contour", "falling")
    say(_MOVE, "fall", "sound it", "contour", "falling")
    say(_MOVE, "rise increase swell", "loudness", "loudness", "louder")
    say(_MOVE, "fall decrease fade", "loudness", "loudness", "softer")
    say(_MOVE, "swell", (*SOUNDS, "pitch", "many"), "loudness", "louder")
    say(_MOVE, "fade", (*SOUNDS, "pitch", "many"), "loudness", "softer")
    say(_MOVE, "rise increase", "intonation", "intonation", "rising")
    say(_MOVE, "fall decrease", "intonation", "intonation", "falling")
    say(_MOVE, "rise", "speech speaker", "intonation", "rising")
    say(_MOVE, "fall", "speech speaker", "intonation", "falling")
    say(_MOVE, "rise increase", "timbre treble", "brightness_trend", "brighter")
    say(_MOVE, "fall decrease", "timbre treble", "brightness_trend", "darker")
    say(_MOVE, "brighten", "timbre tone sound it voice one", "brightness_trend", "brighter")
    say(_MOVE, "darken", "timbre tone sound it voice one", "brightness_trend", "darker")
    say(_MOVE, "accelerate rise increase", "tempo", "tempo_trend", "speeding up")
    say(_MOVE, "accelerate", "many it sound one", "tempo_trend", "speeding up")
    say(_MOVE, "decelerate fall decrease", "tempo", "tempo_trend", "slowing down")
    say(_MOVE, "decelerate", "many it sound one", "tempo_trend", "slowing down")
    say(_MOVE, "hold", "pitch tone voice one intonation", "contour", "flat")
    say(_MOVE, "hold", "loudness sound it", "loudness", "steady")
    say(_MOVE, "hold", "tempo many", "regularity", "regular")
    say(_MOVE, "echo", (*SOUNDS, "room"), "reverberation", "reverberant")
    say(_MOVE, "damp", SOUNDS, "reverberation", "dry")
    say(_MOVE, "waver", "pitch tone voice one", "vibrato", "present")
    say(_MOVE, "loud", (*SOUNDS, "loudness"), "loudness", "louder")
    say(_MOVE, "quiet", (*SOUNDS, "loudness", "pitch"), "loudness", "softer")
    say(_MOVE, "high", PITCHED, "contour", "rising")
    say(_MOVE, "low", PITCHED, "contour", "falling")
    say(_MOVE, "high", "loudness", "loudness", "louder")
    say(_MOVE, "low", "loudness", "loudness", "softer")
    say(_MOVE, "high", "intonation speech speaker", "intonation", "rising")
    say(_MOVE, "low", "intonation speech speaker", "intonation", "falling")
    say(_MOVE, "fast", "tempo many it sound", "tempo_trend", "speeding up")
    say(_MOVE, "slow", "tempo many it sound", "tempo_trend", "slowing down")
    say(_MOVE, "bright", "timbre tone sound it one many voice", "brightness_trend", "brighter")
    say(_MOVE, "dark", "timbre tone sound it one many voice", "brightness_trend", "darker")


_fill_qualities()
_fill_qualities_of_sound()
_fill_moves()

ONLY_OF_ROOMS = frozenset(["large", "big", "huge", "vast", "live", "ambient", "spacious"])
ONLY_OF_RECORDINGS = frozenset(["clear"])
POLES = {
    "low": "high",
    "high": "low",
    "quiet": "loud",
    "loud": "quiet",
    "dark": "bright",
    "bright": "dark",
    "slow": "fast",
    "fast": "slow",
}
"""Qualities whose pair, from one to the other, is a movement."""


def sense_of_quality(quality: str, word: str, topic: str) -> Sense | None:
    """What a quality says of a topic."""
    if word in ONLY_OF_ROOMS and topic not in ("room", "reverb"):
        return None
    if word in ONLY_OF_RECORDINGS and topic not in ("recording", "background"):
        return None
    return _QUALITY.get(quality, {}).get(topic)


def sense_of_move(move: str, topic: str) -> Sense | None:
    """What a movement (a verb, or "gets" with a comparative) says of a topic."""
    return _MOVE.get(move, {}).get(topic)


RELATION = {"rising": "rises", "louder": "rises", "brighter": "rises", "speeding up": "rises", "falling": "falls"}
RELATION |= {"softer": "falls", "darker": "falls", "slowing down": "falls", "flat": "steady", "steady": "steady"}
"""How a word relates to its topic; any other word is what the topic "is"."""
