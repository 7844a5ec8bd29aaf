"""What a quality or a movement means of a topic: "high" is a register of a pitch and a rate of a tempo.

One table per question; a pair that is not here claims nothing.
"""

Sense = tuple[str, str]
"""(attribute, word)"""

THINGS = ("tone", "one", "many", "sound", "it", "music")
PITCHED = ("pitch", "voice", *THINGS)
SOUNDS = ("recording", "voice", "speech", *THINGS)
VOICES = ("voice", "speech", "speaker", "it", "intonation", "speech_rate")
NOISES = ("noise", "hiss", "background")
RHYTHMS = ("tempo", "many", "music", "it")

_QUALITY: dict[str, dict[str, Sense]] = {}
_MOVE: dict[str, dict[str, Sense]] = {}


def _say(
    table: dict[str, dict[str, Sense]], values: str, topics: str | tuple[str, ...], attribute: str, word: str
) -> None:
    names = topics.split() if isinstance(topics, str) else topics
    for value in values.split():
        table.setdefault(value, {}).update((topic, (attribute, word)) for topic in names)


def _fill_pitch_and_pulse() -> None:
    say = _say
    say(_QUALITY, "high", PITCHED, "register", "high")
    say(_QUALITY, "low", PITCHED, "register", "low")
    say(_QUALITY, "middle moderate", "pitch", "register", "middle")
    say(_QUALITY, "middle", "tone voice one many it sound", "register", "middle")
    say(_QUALITY, "fast high", "tempo", "tempo", "fast")
    say(_QUALITY, "slow low", "tempo", "tempo", "slow")
    say(_QUALITY, "moderate middle", "tempo music", "tempo", "moderate")
    say(_QUALITY, "moderate", "many it", "tempo", "moderate")
    say(_QUALITY, "fast lively together", "many it music tempo", "tempo", "fast")
    say(_QUALITY, "slow apart", "many it music", "tempo", "slow")
    say(_QUALITY, "long", "interval", "tempo", "slow")
    say(_QUALITY, "short", "interval", "tempo", "fast")
    say(_QUALITY, "fast high", "speech_rate", "speech_rate", "fast")
    say(_QUALITY, "fast", "speech voice speaker", "speech_rate", "fast")
    say(_QUALITY, "slow low", "speech_rate", "speech_rate", "slow")
    say(_QUALITY, "slow", "speech voice speaker", "speech_rate", "slow")
    say(_QUALITY, "moderate middle", "speech_rate speech", "speech_rate", "moderate")
    say(_QUALITY, "regular even", (*RHYTHMS, "interval"), "regularity", "regular")
    say(_QUALITY, "irregular", (*RHYTHMS, "interval"), "regularity", "irregular")
    say(_QUALITY, "steady", "tempo many interval", "regularity", "regular")
    say(_QUALITY, "identical", "interval", "regularity", "regular")
    gaps = ("interval", "pause")
    say(_QUALITY, "steady even regular identical equal", gaps, "regularity", "regular")
    say(_QUALITY, "irregular", gaps, "regularity", "irregular")


def _fill_sound() -> None:
    say = _say
    toned = (*THINGS, "timbre", "voice")
    say(_QUALITY, "loud high strong", "loudness", "level", "loud")
    say(_QUALITY, "loud", SOUNDS, "level", "loud")
    say(_QUALITY, "quiet low", "loudness", "level", "quiet")
    say(_QUALITY, "quiet", SOUNDS, "level", "quiet")
    say(_QUALITY, "bright", (*toned, "pitch", "recording", "treble", "hiss", "noise"), "timbre", "bright")
    say(_QUALITY, "loud high present strong clear", "treble", "timbre", "bright")
    say(_QUALITY, "dark", (*toned, "recording", "hiss", "noise"), "timbre", "dark")
    say(_QUALITY, "muffled", "timbre tone one many", "timbre", "dark")
    say(_QUALITY, "muffled", "recording voice speech sound it music speaker", "muffling", "muffled")
    say(_QUALITY, "clear", "voice speech speaker", "muffling", "clear")
    say(_QUALITY, "quiet low short", "treble", "timbre", "dark")
    say(_QUALITY, "high", "timbre", "timbre", "bright")
    say(_QUALITY, "low", "timbre", "timbre", "dark")
    say(_QUALITY, "high_band", (*toned, "loudness", "recording", "noise", "hiss"), "timbre", "bright")
    say(_QUALITY, "low_band", (*toned, "loudness", "recording", "noise", "hiss"), "timbre", "dark")
    say(_QUALITY, "definite clear", "pitch", "harmonicity", "harmonic")
    say(_QUALITY, "unbroken", (*toned, *SOUNDS, "noise", "hiss"), "pauses", "absent")
    say(_QUALITY, "unvibrated", ("pitch", *toned), "vibrato", "absent")
    say(_QUALITY, "booming", (*toned, "bass", "recording"), "bass", "booming")
    say(_QUALITY, "loud present strong high", "bass", "bass", "booming")
    say(_QUALITY, "quiet low short thin", "bass", "bass", "thin")
    say(_QUALITY, "thin", "timbre sound recording", "bass", "thin")
    say(_QUALITY, "telephonic", (*SOUNDS, "timbre", "speaker"), "telephone", "present")
    say(_QUALITY, "distorted", (*SOUNDS, "loudness", "timbre"), "clipping", "distorted")
    say(_QUALITY, "undistorted", SOUNDS, "clipping", "clean")
    say(_QUALITY, "present strong clear", "distortion", "clipping", "distorted")
    say(_QUALITY, "harmonic", (*toned, "recording", "pitch"), "harmonicity", "harmonic")
    say(_QUALITY, "unpitched", (*toned, "recording", "hiss", "noise"), "harmonicity", "noisy")
    say(_QUALITY, "percussive", toned, "percussiveness", "percussive")
    say(_QUALITY, "sustained", toned, "percussiveness", "sustained")
    for side in ("left", "right", "centred"):
        say(_QUALITY, side, (*SOUNDS, "noise", "hiss", "speaker", "loudness"), "stereo", side)
    say(_QUALITY, "whispered", (*VOICES, "sound"), "phonation", "whispered")
    say(_QUALITY, "voiced", VOICES, "phonation", "voiced")
    say(_QUALITY, "monotone", VOICES, "melody", "monotone")
    say(_QUALITY, "lively", ("voice", "speech", "speaker", "intonation"), "melody", "lively")
    say(_QUALITY, "monotone", "pitch tone music one sound", "contour", "flat")


def _fill_place() -> None:
    say = _say
    say(_QUALITY, "noisy", "recording background sound it tone voice speech timbre many", "noise", "noisy")
    say(_QUALITY, "loud high present strong clear steady", "noise hiss", "noise", "noisy")
    say(_QUALITY, "loud high", "background", "noise", "noisy")
    say(_QUALITY, "clean", "recording background sound it tone many", "noise", "clean")
    say(_QUALITY, "clear", "recording background", "noise", "clean")
    say(_QUALITY, "quiet low short", "noise background hiss", "noise", "clean")
    say(_QUALITY, "high", "snr", "noise", "clean")
    say(_QUALITY, "low", "snr", "noise", "noisy")
    say(_QUALITY, "dry", (*SOUNDS, "room"), "reverberation", "dry")
    say(_QUALITY, "wet", (*SOUNDS, "room"), "reverberation", "reverberant")
    say(_QUALITY, "long present loud high strong clear", "reverb", "reverberation", "reverberant")
    say(_QUALITY, "short quiet low dry", "reverb", "reverberation", "dry")
    say(_QUALITY, "present clear strong", "vibrato", "vibrato", "present")
    say(_QUALITY, "present clear long", "pause", "pauses", "present")


def _fill_lines() -> None:
    say = _say
    say(_QUALITY, "steady even flat", "loudness", "loudness", "steady")
    say(
        _QUALITY,
        "equal identical",
        ("voice", "speech", "tone", "one", "many", "it", "music", "loudness"),
        "loudness",
        "steady",
    )
    say(_QUALITY, "steady", "sound it", "loudness", "steady")
    say(_QUALITY, "steady flat even", "pitch tone voice one intonation", "contour", "flat")
    say(_QUALITY, "flat", "sound speech speaker it music many", "contour", "flat")
    say(_QUALITY, "same_pitch", PITCHED, "contour", "flat")
    say(_QUALITY, "identical", "pitch", "contour", "flat")
    say(_QUALITY, "steady", "timbre treble", "brightness_trend", "steady")
    say(_QUALITY, "rising", PITCHED, "contour", "rising")
    say(_QUALITY, "falling", PITCHED, "contour", "falling")
    say(_QUALITY, "rising questioning high", "intonation", "intonation", "rising")
    say(_QUALITY, "rising questioning", "speech speaker", "intonation", "rising")
    say(_QUALITY, "falling low", "intonation", "intonation", "falling")
    say(_QUALITY, "falling", "speech speaker", "intonation", "falling")
    say(_QUALITY, "rising swelling", "loudness", "loudness", "louder")
    say(_QUALITY, "swelling", (*SOUNDS, *NOISES), "loudness", "louder")
    say(_QUALITY, "falling fading", "loudness", "loudness", "softer")
    say(_QUALITY, "fading", (*SOUNDS, *NOISES), "loudness", "softer")
    say(_QUALITY, "rising", "tempo", "tempo_trend", "speeding up")
    say(_QUALITY, "falling", "tempo", "tempo_trend", "slowing down")


def _fill_moves() -> None:
    say = _say
    toned = (*THINGS, "timbre", "voice", "treble", "noise", "hiss")
    say(_MOVE, "rise increase", ("pitch", "tone", "voice", "one", "many", "music"), "contour", "rising")
    say(_MOVE, "rise", "sound it", "contour", "rising")
    say(_MOVE, "fall decrease", ("pitch", "tone", "voice", "one", "many", "music"), "contour", "falling")
    say(_MOVE, "fall", "sound it", "contour", "falling")
    say(_MOVE, "rise increase swell", ("loudness", *NOISES), "loudness", "louder")
    say(_MOVE, "fall decrease fade", ("loudness", *NOISES), "loudness", "softer")
    say(_MOVE, "swell", (*SOUNDS, "pitch"), "loudness", "louder")
    say(_MOVE, "fade", (*SOUNDS, "pitch"), "loudness", "softer")
    say(_MOVE, "rise increase", "intonation", "intonation", "rising")
    say(_MOVE, "fall decrease", "intonation", "intonation", "falling")
    say(_MOVE, "rise", "speech speaker", "intonation", "rising")
    say(_MOVE, "fall", "speech speaker", "intonation", "falling")
    say(_MOVE, "rise increase", "timbre treble", "brightness_trend", "brighter")
    say(_MOVE, "fall decrease", "timbre treble", "brightness_trend", "darker")
    say(_MOVE, "brighten", toned, "brightness_trend", "brighter")
    say(_MOVE, "darken", toned, "brightness_trend", "darker")
    say(_MOVE, "accelerate rise increase", "tempo speech_rate", "tempo_trend", "speeding up")
    say(_MOVE, "accelerate", "many it sound one music interval", "tempo_trend", "speeding up")
    say(_MOVE, "decelerate fall decrease", "tempo speech_rate", "tempo_trend", "slowing down")
    say(_MOVE, "decelerate", "many it sound one music interval", "tempo_trend", "slowing down")
    say(_MOVE, "decrease fall short", "interval", "tempo_trend", "speeding up")
    say(_MOVE, "increase rise long", "interval", "tempo_trend", "slowing down")
    say(_MOVE, "hold", "pitch tone voice one intonation music many", "contour", "flat")
    say(_MOVE, "hold", "loudness sound it recording noise hiss", "loudness", "steady")
    say(_MOVE, "hold", "tempo interval", "regularity", "regular")
    say(_MOVE, "hold", "timbre treble", "brightness_trend", "steady")
    say(_MOVE, "echo", (*SOUNDS, "room", "reverb"), "reverberation", "reverberant")
    say(_MOVE, "damp", (*SOUNDS, "reverb"), "reverberation", "dry")
    say(_MOVE, "waver", "pitch tone voice one it sound", "vibrato", "present")
    say(_MOVE, "loud", (*SOUNDS, "loudness", *NOISES, "pitch"), "loudness", "louder")
    say(_MOVE, "quiet", (*SOUNDS, "loudness", "pitch", *NOISES), "loudness", "softer")
    say(_MOVE, "high", PITCHED, "contour", "rising")
    say(_MOVE, "low", PITCHED, "contour", "falling")
    say(_MOVE, "high", "loudness", "loudness", "louder")
    say(_MOVE, "low", "loudness", "loudness", "softer")
    say(_MOVE, "high", "intonation speech speaker", "intonation", "rising")
    say(_MOVE, "low", "intonation speech speaker", "intonation", "falling")
    say(_MOVE, "fast high", "tempo", "tempo_trend", "speeding up")
    say(_MOVE, "slow low", "tempo", "tempo_trend", "slowing down")
    say(_MOVE, "fast", "many it sound music speech speaker interval", "tempo_trend", "speeding up")
    say(_MOVE, "slow", "many it sound music speech speaker interval", "tempo_trend", "slowing down")
    say(_MOVE, "bright", toned, "brightness_trend", "brighter")
    say(_MOVE, "dark", toned, "brightness_trend", "darker")


def _fill_more_moves() -> None:
    say = _say
    say(_MOVE, "increase rise long", "pause", "tempo_trend", "slowing down")
    say(_MOVE, "decrease fall short", "pause", "tempo_trend", "speeding up")
    say(_MOVE, "hold", "pause", "regularity", "regular")
    say(_MOVE, "break", (*SOUNDS, *NOISES, "timbre"), "pauses", "present")
    say(_MOVE, "modulate", ("pitch", "tone", "voice", "one"), "vibrato", "present")
    say(_MOVE, "dominate", "treble", "timbre", "bright")
    say(_MOVE, "dominate", "bass", "timbre", "dark")
    say(_MOVE, "dominate", NOISES, "noise", "noisy")


_fill_pitch_and_pulse()
_fill_sound()
_fill_place()
_fill_lines()
_fill_moves()
_fill_more_moves()

VOCAL = frozenset({"deep", "shrill", "squeaky", "baritone", "bass", "soprano", "falsetto", "deep-voiced"})
"""Words for the register of a speaker, who may be "high" or "low" otherwise."""
ONLY_OF_ROOMS = frozenset(["large", "big", "huge", "vast", "live", "ambient", "spacious"])
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
    if topic in ("speech", "speaker") and quality in ("high", "low", "middle") and (word in VOCAL or "pitch" in word):
        return ("register", quality)
    if word == "in the middle" and topic not in ("pitch", "voice"):
        return None
    if word in ONLY_OF_ROOMS and topic not in ("room", "reverb"):
        return None
    return _QUALITY.get(quality, {}).get(topic)


def sense_of_move(move: str, topic: str) -> Sense | None:
    """What a movement (a verb, or "gets" with a comparative) says of a topic."""
    return _MOVE.get(move, {}).get(topic)


RELATION = {"rising": "rises", "louder": "rises", "brighter": "rises", "speeding up": "rises", "falling": "falls"}
RELATION |= {"softer": "falls", "darker": "falls", "slowing down": "falls", "flat": "steady", "steady": "steady"}
"""How a word relates to its topic; any other word is what the topic "is"."""
