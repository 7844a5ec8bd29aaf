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
TONED = (*THINGS, "timbre", "voice")
COLOURED = (*TONED, "treble", "noise", "hiss")
GAPS = ("interval", "pause")

Row = tuple[str, str | tuple[str, ...], str, str]
"""Qualities or moves, the topics that they are said of, and the attribute and word that they mean of each."""

_QUALITIES: tuple[Row, ...] = (
    # pitch and pulse
    ("high", PITCHED, "register", "high"),
    ("low", PITCHED, "register", "low"),
    ("middle moderate", "pitch", "register", "middle"),
    ("middle", "tone voice one many it sound", "register", "middle"),
    ("fast high", "tempo", "tempo", "fast"),
    ("slow low", "tempo", "tempo", "slow"),
    ("moderate middle", "tempo music", "tempo", "moderate"),
    ("moderate", "many it", "tempo", "moderate"),
    ("fast lively together", "many it music tempo", "tempo", "fast"),
    ("slow apart", "many it music", "tempo", "slow"),
    ("long", "interval", "tempo", "slow"),
    ("short", "interval", "tempo", "fast"),
    ("fast high", "speech_rate", "speech_rate", "fast"),
    ("fast", "speech voice speaker", "speech_rate", "fast"),
    ("slow low", "speech_rate", "speech_rate", "slow"),
    ("slow", "speech voice speaker", "speech_rate", "slow"),
    ("moderate middle", "speech_rate speech", "speech_rate", "moderate"),
    ("regular even", RHYTHMS, "regularity", "regular"),
    ("irregular", RHYTHMS, "regularity", "irregular"),
    ("steady", "tempo many", "regularity", "regular"),
    ("steady even regular identical equal", GAPS, "regularity", "regular"),
    ("irregular", GAPS, "regularity", "irregular"),
    # level, colour, kind of sound, sides, voices
    ("loud high strong", "loudness", "level", "loud"),
    ("loud", SOUNDS, "level", "loud"),
    ("quiet low", "loudness", "level", "quiet"),
    ("quiet", SOUNDS, "level", "quiet"),
    ("bright", (*TONED, "pitch", "recording", "treble", "hiss", "noise"), "timbre", "bright"),
    ("loud high present strong clear", "treble", "timbre", "bright"),
    ("dark", (*TONED, "recording", "hiss", "noise"), "timbre", "dark"),
    ("muffled", "timbre tone one many", "timbre", "dark"),
    ("muffled", "recording voice speech sound it music speaker", "muffling", "muffled"),
    ("clear", "voice speech speaker", "muffling", "clear"),
    ("quiet low short", "treble", "timbre", "dark"),
    ("high", "timbre", "timbre", "bright"),
    ("low", "timbre", "timbre", "dark"),
    ("high_band", (*TONED, "loudness", "recording", "noise", "hiss"), "timbre", "bright"),
    ("low_band", (*TONED, "loudness", "recording", "noise", "hiss"), "timbre", "dark"),
    ("definite clear", "pitch", "harmonicity", "harmonic"),
    ("unbroken", (*TONED, *SOUNDS, "noise", "hiss"), "pauses", "absent"),
    ("unvibrated", ("pitch", *TONED), "vibrato", "absent"),
    ("booming", (*TONED, "bass", "recording"), "bass", "booming"),
    ("loud present strong high", "bass", "bass", "booming"),
    ("quiet low short thin", "bass", "bass", "thin"),
    ("thin", "timbre sound recording", "bass", "thin"),
    ("telephonic", (*SOUNDS, "timbre", "speaker"), "telephone", "present"),
    ("distorted", (*SOUNDS, "loudness", "timbre"), "clipping", "distorted"),
    ("undistorted", SOUNDS, "clipping", "clean"),
    ("present strong clear", "distortion", "clipping", "distorted"),
    ("harmonic", (*TONED, "recording", "pitch"), "harmonicity", "harmonic"),
    ("unpitched", (*TONED, "recording", "hiss", "noise"), "harmonicity", "noisy"),
    ("percussive", TONED, "percussiveness", "percussive"),
    ("sustained", TONED, "percussiveness", "sustained"),
    ("left", (*SOUNDS, "noise", "hiss", "speaker", "loudness"), "stereo", "left"),
    ("right", (*SOUNDS, "noise", "hiss", "speaker", "loudness"), "stereo", "right"),
    ("centred", (*SOUNDS, "noise", "hiss", "speaker", "loudness"), "stereo", "centred"),
    ("whispered", (*VOICES, "sound"), "phonation", "whispered"),
    ("voiced", VOICES, "phonation", "voiced"),
    ("monotone", VOICES, "melody", "monotone"),
    ("lively", ("voice", "speech", "speaker", "intonation"), "melody", "lively"),
    ("monotone", "pitch tone music one sound", "contour", "flat"),
    # noise and room
    ("noisy", "recording background sound it tone voice speech timbre many", "noise", "noisy"),
    ("loud high present strong clear steady", "noise hiss", "noise", "noisy"),
    ("loud high", "background", "noise", "noisy"),
    ("clean", "recording background sound it tone many", "noise", "clean"),
    ("clear", "recording background", "noise", "clean"),
    ("quiet low short", "noise background hiss", "noise", "clean"),
    ("high", "snr", "noise", "clean"),
    ("low", "snr", "noise", "noisy"),
    ("dry", (*SOUNDS, "room"), "reverberation", "dry"),
    ("wet", (*SOUNDS, "room"), "reverberation", "reverberant"),
    ("long present loud high strong clear", "reverb", "reverberation", "reverberant"),
    ("short quiet low dry", "reverb", "reverberation", "dry"),
    ("present clear strong", "vibrato", "vibrato", "present"),
    ("present clear long", "pause", "pauses", "present"),
    # lines, by how they go
    ("steady even flat", "loudness", "loudness", "steady"),
    ("equal identical", ("voice", "speech", "tone", "one", "many", "it", "music", "loudness"), "loudness", "steady"),
    ("steady", "sound it", "loudness", "steady"),
    ("steady flat even", "pitch tone voice one intonation", "contour", "flat"),
    ("flat", "sound speech speaker it music many", "contour", "flat"),
    ("same_pitch", PITCHED, "contour", "flat"),
    ("identical", "pitch", "contour", "flat"),
    ("steady", "timbre treble", "brightness_trend", "steady"),
    ("rising", PITCHED, "contour", "rising"),
    ("falling", PITCHED, "contour", "falling"),
    ("rising questioning high", "intonation", "intonation", "rising"),
    ("rising questioning", "speech speaker", "intonation", "rising"),
    ("falling low", "intonation", "intonation", "falling"),
    ("falling", "speech speaker", "intonation", "falling"),
    ("rising swelling", "loudness", "loudness", "louder"),
    ("swelling", (*SOUNDS, *NOISES), "loudness", "louder"),
    ("falling fading", "loudness", "loudness", "softer"),
    ("fading", (*SOUNDS, *NOISES), "loudness", "softer"),
    ("rising", "tempo", "tempo_trend", "speeding up"),
    ("falling", "tempo", "tempo_trend", "slowing down"),
)
_MOVES: tuple[Row, ...] = (
    ("rise increase", ("pitch", "tone", "voice", "one", "many", "music"), "contour", "rising"),
    ("rise", "sound it", "contour", "rising"),
    ("fall decrease", ("pitch", "tone", "voice", "one", "many", "music"), "contour", "falling"),
    ("fall", "sound it", "contour", "falling"),
    ("rise increase swell", ("loudness", *NOISES), "loudness", "louder"),
    ("fall decrease fade", ("loudness", *NOISES), "loudness", "softer"),
    ("swell", (*SOUNDS, "pitch"), "loudness", "louder"),
    ("fade", (*SOUNDS, "pitch"), "loudness", "softer"),
    ("rise increase", "intonation", "intonation", "rising"),
    ("fall decrease", "intonation", "intonation", "falling"),
    ("rise", "speech speaker", "intonation", "rising"),
    ("fall", "speech speaker", "intonation", "falling"),
    ("rise increase", "timbre treble", "brightness_trend", "brighter"),
    ("fall decrease", "timbre treble", "brightness_trend", "darker"),
    ("brighten", COLOURED, "brightness_trend", "brighter"),
    ("darken", COLOURED, "brightness_trend", "darker"),
    ("accelerate rise increase", "tempo speech_rate", "tempo_trend", "speeding up"),
    ("accelerate", "many it sound one music interval", "tempo_trend", "speeding up"),
    ("decelerate fall decrease", "tempo speech_rate", "tempo_trend", "slowing down"),
    ("decelerate", "many it sound one music interval", "tempo_trend", "slowing down"),
    ("decrease fall short", "interval", "tempo_trend", "speeding up"),
    ("increase rise long", "interval", "tempo_trend", "slowing down"),
    ("hold", "pitch tone voice one intonation music many", "contour", "flat"),
    ("hold", "loudness sound it recording noise hiss", "loudness", "steady"),
    ("hold", "tempo interval", "regularity", "regular"),
    ("hold", "timbre treble", "brightness_trend", "steady"),
    ("echo", (*SOUNDS, "room", "reverb"), "reverberation", "reverberant"),
    ("damp", (*SOUNDS, "reverb"), "reverberation", "dry"),
    ("waver", "pitch tone voice one it sound", "vibrato", "present"),
    ("loud", (*SOUNDS, "loudness", *NOISES, "pitch"), "loudness", "louder"),
    ("quiet", (*SOUNDS, "loudness", "pitch", *NOISES), "loudness", "softer"),
    ("high", PITCHED, "contour", "rising"),
    ("low", PITCHED, "contour", "falling"),
    ("high", "loudness", "loudness", "louder"),
    ("low", "loudness", "loudness", "softer"),
    ("high", "intonation speech speaker", "intonation", "rising"),
    ("low", "intonation speech speaker", "intonation", "falling"),
    ("fast high", "tempo", "tempo_trend", "speeding up"),
    ("slow low", "tempo", "tempo_trend", "slowing down"),
    ("fast", "many it sound music speech speaker interval", "tempo_trend", "speeding up"),
    ("slow", "many it sound music speech speaker interval", "tempo_trend", "slowing down"),
    ("bright", COLOURED, "brightness_trend", "brighter"),
    ("dark", COLOURED, "brightness_trend", "darker"),
    ("increase rise long", "pause", "tempo_trend", "slowing down"),
    ("decrease fall short", "pause", "tempo_trend", "speeding up"),
    ("hold", "pause", "regularity", "regular"),
    ("break", (*SOUNDS, *NOISES, "timbre"), "pauses", "present"),
    ("modulate", ("pitch", "tone", "voice", "one"), "vibrato", "present"),
    ("dominate", "treble", "timbre", "bright"),
    ("dominate", "bass", "timbre", "dark"),
    ("dominate", NOISES, "noise", "noisy"),
)


def _table(rows: tuple[Row, ...]) -> dict[str, dict[str, Sense]]:
    """Quality or move -> topic -> what it means of it."""
    table: dict[str, dict[str, Sense]] = {}
    for values, topics, attribute, word in rows:
        names = topics.split() if isinstance(topics, str) else topics
        for value in values.split():
            table.setdefault(value, {}).update((topic, (attribute, word)) for topic in names)
    return table


_QUALITY, _MOVE = _table(_QUALITIES), _table(_MOVES)

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
