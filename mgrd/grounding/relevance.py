"""Whether what a chain says of the sound has to do with what was asked.

A question names the property that it asks for ("How does the pitch move?", "How many beeps?"). Supported claims that
all speak of other properties argue nothing. Where the question names no property that can be measured ("What is
heard?"), everything is relevant but how long the clip is.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from mgrd.audio.facts import FACTS
from mgrd.grounding.reading.kinds import KIND, KIND_ORDER, RANK
from mgrd.grounding.tolerances import ALL_ATTRIBUTES

_FAMILIES: dict[str, str] = {
    "pitch": (
        "alternation cycle_count chord_quality contour register pitch_order intonation melody f0_median "
        "f0_trend f0_low f0_high f0_range event_f0 event_note event_interval f0_segment noise_order chord "
        "harmonicity final_rise vibrato vibrato_rate vibrato_depth order_pitch"
    ),
    "loudness": "loudness loudness_order throb level loudness_trend order_loudness rms peak dynamic_range event",
    "tempo": (
        "alternation cycle_count vibrato_rate longest_pause gap throb tempo tempo_trend event_length "
        "sound_rank regularity speech_rate pulse_regularity onset syllable_rate tempo_alternative"
    ),
    "timbre": (
        "register purity timbre brightness_trend muffling bass harmonicity telephone spectral_centroid "
        "spectral_rolloff spectral_tilt band_low band_high bass_share spectral_bandwidth spectral_flatness "
        "harmonic_ratio noise"
    ),
    "noise": "noise_order noise snr harmonicity clipping muffling telephone reverberation harmonic_ratio",
    "clipping": "clipping noise level peak timbre",
    "room": "reverberation decay_time",
    "count": "event_count chord pause_count pauses onset_count tempo syllable_count cycle_count vibrato_rate throb",
    "pauses": (
        "entry onset gap pauses pause_count longest_pause pause silence_share event_count speech_pause_share "
        "percussiveness throb sound_length event_length level loudness tempo regularity"
    ),
    "harmony": (
        "chord chord_quality pitch_order contour event_count event_f0 f0_median event_note event_interval harmonicity"
    ),
    "mode": "chord_quality event_f0 f0_median event_note event_interval",
    "edges": (
        "sound_kind kind_order noise_order entry loudness pauses percussiveness reverberation intonation "
        "level onset contour sound_length"
    ),
    "vibrato": "alternation cycle_count vibrato throb vibrato_rate vibrato_depth contour f0_range",
    "stereo": "stereo stereo_trend stereo_balance stereo_width balance_trend",
    "duration": "sound_rank event_length duration gap sound_length event_count longest_pause",
    "attack": "percussiveness sound_length percussive_share reverberation",
    "telephone": "telephone band_low band_high muffling timbre spectral_centroid spectral_bandwidth",
    "speaker": "speaker register voice intonation phonation melody f0_median f0_low f0_high event_f0 pitch_order",
    "phonation": "phonation whisper voice harmonicity level",
    "order": (
        "sound_rank alternation noise_order pitch_order loudness_order register f0_median contour sound_kind "
        "kind_order harmonicity"
    ),
    "alike": (
        "sound_rank pitch_order loudness_order contour loudness register level f0_median event_f0 timbre "
        "event_interval harmonicity sound_length regularity"
    ),
}
FAMILIES = {family: frozenset(names.split()) for family, names in _FAMILIES.items()}
FAMILIES["material"] = (frozenset(ALL_ATTRIBUTES) | frozenset(FACTS) | {KIND, KIND_ORDER, RANK}) - {"duration"}
"""The claimed attributes and facts that speak of what a question of a family asks. Of a source ("material")
everything tells but how long the clip is."""

INCIDENTAL = frozenset(
    {"noise clean", "not noise noisy", "stereo centred", "not level quiet", "not pauses present", "loudness steady"}
    | {"entry at once", "not clipping distorted", "clipping clean", "not voice present", "voice absent"}
)
"""What is so of most recordings, and tells nothing of the source where a question leaves open what it asks for."""

_ASKED: tuple[tuple[str, str], ...] = (
    ("count", r"how many|number of|count the|how often"),
    (
        "pitch",
        (
            r"pitch\w*|intonation|melod\w+|contour|f0|register|frequency|glid\w+|inflection|interval|tune|scale|bends?|"
            r"bent|glissando|octaves?|(?:which|what) note"
        ),
    ),
    ("loudness", r"loud\w*|volume|dynamics?|intensity|amplitude|softer|quieter|crescendo|fad(?:e|es|ing)"),
    (
        "tempo",
        (
            r"tempo|how (?:fast|quick\w*|regular\w*|even\w*)|pulse|rhythm\w*|beat|pace|speed\w*|regular\w*|rates?|"
            r"slow(?:er|ing)?|evenly|spac(?:ed|ing)|accelerat\w*|decelerat\w*"
        ),
    ),
    ("timbre", r"timbre|bright\w*|tone colou?r|tonal colou?r|spectr\w+|muffled|dull|sound colou?r"),
    ("noise", r"nois\w+|how clean|hiss|recording quality|signal-to-noise|snr|background"),
    ("clipping", r"distort\w+|clipp\w+|overdriven"),
    ("room", r"space|room|reverb\w*|echo\w*|acoustics?|hall"),
    ("pauses", r"pauses?|silen\w+|gaps?|interrupt\w+|continuous|intermittent|chopped|broken|hiccups?|dropouts?"),
    ("vibrato", r"vibrato|wobbl\w+|tremolo"),
    ("stereo", r"stereo|left|right|channel|pann\w+|which (?:side|ear|channel)|where is the sound"),
    ("duration", r"how long|duration|length"),
    ("attack", r"attack|percussive|sustained"),
    ("phonation", r"whisper\w*|phonat\w+"),
    (
        "speaker",
        r"gender|sex|male|female|man|woman|(?:who|whose voice|which \w+) (?:is |)(?:speaks|speaking|talks|talking|it)",
    ),
    ("harmony", r"harmon(?:y|ies)|chords?|triads?|single note"),
    ("mode", r"major|minor|mode"),
    ("alike", r"same|match\w*|identical|differ\w*|compar\w*|relat\w+|alike|equal\w*"),
    ("edges", r"how does (?:it|the \w+|this)(?: \w+)? (?:begin|start|open|end|finish|close|stop)"),
    ("order", r"comes? first|follows?|(?:in )?(?:what|which) order|sequence"),
    ("timbre", r"energy|frequencies|colou?r"),
    ("pauses", r"when (?:does|do|is)|where (?:is|are) the|starts?|begins?"),
    ("telephone", r"(?:which|what) (?:channel|line|medium|device)|recorded|bandwidth|microphone|telephone"),
    (
        "material",
        (
            r"(?:what|which) (?:kind|type|sort|pattern|word|shape|of these)|patterns?|resembl\w+|stands? out|material|"
            r"what happens|order of events|arranged|sound source|what is (?:the|this) sound|"
            r"(?:what|who|which \w+) (?:plays|rings|makes|made|sounds|produces|produced|is playing|is making|could|"
            r"might|happens)|"
            r"(?:what|which) (?:device|instrument|animal|object|activity|event|machine|thing|action|source)"
        ),
    ),
)
_PATTERNS = tuple((family, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for family, words in _ASKED)
_CHOICES = (
    (
        "pitch",
        r"tones?|notes?|hum|whistle|drone|high|low|higher|lower|rising|falling|ascending|descending|up|down|octaves?",
    ),
    ("telephone", r"telephone|phone|radio|broadband|narrowband|walkie-talkie|intercom"),
    ("timbre", r"dark|bright|mellow|dull|muffled|frequencies|lows|highs|mids"),
    ("noise", r"noise|hiss|static|clean|noisy"),
    ("loudness", r"louder|softer|quieter|fades?|grows?|swells?|crescendo|diminuendo|approaching|receding"),
)
_CHOSEN = (
    *((family, pattern) for family, pattern in _PATTERNS if family != "alike"),
    *((family, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for family, words in _CHOICES),
)
"""What choices name beside a property that the question names, and beside what they would name in a question."""
_NOISE_ITSELF = re.compile(
    r"\bnoisy|noise level|how clean|signal-to-noise|snr|background|recording quality|hiss", re.IGNORECASE
)
_OPEN = re.compile(
    r"\bwhat (?:is|do|does|can|are|did|else) (?:\w+ ){0,3}?(?:heard?|notice|going on|happening|perceive)|"
    r"best describes|"
    r"\bwhich (?:description|statement|sentence)\b(?! fits the (?:melody|pitch|rhythm|tempo|loudness))",
    re.IGNORECASE,
)
"""Questions that leave open what of the sound they ask for."""
MOST_READ = 400  # characters of a question that are read
QUESTIONS = 4096


def relevant_attributes(question: str | None, choices: Sequence[str] | None) -> frozenset[str] | None:
    """The attributes that speak of what is asked; None where the question names nothing that can be measured."""
    return _relevant((question or "")[:MOST_READ], tuple(choices or ()))


def is_relevant(claimed: str, attribute: str, asked: frozenset[str]) -> bool:
    """Whether a claim ("not noise noisy") of an attribute speaks of what is asked."""
    return attribute in asked and not (asked >= FAMILIES["material"] and claimed in INCIDENTAL)


def _contrasted(family: str, pattern: re.Pattern[str], choices: tuple[str, ...]) -> bool:
    """The choices name a property. Tones, high and low are named by the way, so two choices must speak of them."""
    least = 2 if family == "pitch" and len(choices) > 1 else 1
    return sum(pattern.search(choice[:MOST_READ]) is not None for choice in choices) >= least


@lru_cache(maxsize=QUESTIONS)
def _relevant(question: str, choices: tuple[str, ...]) -> frozenset[str] | None:
    asked = [family for family, pattern in _PATTERNS if pattern.search(question)]
    if len(set(asked)) > 1 and "noise" in asked and _NOISE_ITSELF.search(question) is None:
        asked.remove("noise")  # "on which side is the noise?" asks of its side
    if "mode" in asked:  # a chord that is there is neither major nor minor yet
        asked = [family for family in asked if family not in ("harmony", "pitch")]
    if "alike" in asked and len(set(asked) - {"pauses"}) > 1:
        asked.remove("alike")  # "do they differ in pitch?"
    if "room" in asked and "material" in asked:
        asked.remove("material")  # "what kind of space is it?" asks of no source
    if question and asked:
        asked += [family for family, pattern in _CHOSEN if _contrasted(family, pattern, choices)]
    if _OPEN.search(question):
        asked.append("material")
    if not asked:
        return FAMILIES["material"] if question.strip() else None
    return frozenset().union(*(FAMILIES[family] for family in asked))
