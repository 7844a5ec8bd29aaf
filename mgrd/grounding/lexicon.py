"""The words of the claim grammar: what each word or phrase of a chain can mean.

A lexeme has a kind (its part in a clause) and a value (its sense). The lists are plain English on
purpose: to teach the grammar a synonym, add it to a line. Nothing here decides what a clause claims.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lexeme:
    kind: str
    value: str


TOPICS: dict[str, str] = {
    "pitch": """pitch, pitches, f0, fundamental, fundamental frequency, frequency, pitch contour, pitch line, contour,
        melody, melodic line, melodic contour, tune, register, pitch register, glide, sweep, glissando, pitch level,
        tonal height, pitch track, vocal pitch, pitch movement, melodic movement, frequency sweep, siren""",
    "tone": "tone, humming, hum, drone, whistle, tonality",
    "voice": "voice, vocal, vocals, singer, singing, singing voice, speaking voice, male voice, female voice",
    "tempo": """tempo, pulse, beat, rhythm, pace, meter, speed, cadence, groove, ticking, pulsing, pulse rate,
        beat rate, rhythmic pulse, pulsation, pacing, timing, spacing, rate, intervals, beats per minute, bpm""",
    "loudness": """loudness, volume, level, sound level, volume level, intensity, amplitude, dynamics, dynamic,
        energy, power, signal level, envelope, loudness level, sound volume, dynamic level, gain""",
    "timbre": """timbre, spectrum, tone colour, tone color, tonal colour, tonal color, sound colour, sound color,
        brightness, tone quality, spectral balance, spectral character, texture, frequency content, tonal quality,
        spectral content, spectral centroid, centroid""",
    "treble": """treble, high frequencies, high-frequency content, high frequency content, high-frequency energy,
        high frequency energy, upper harmonics, high harmonics, upper partials, overtones, high overtones, highs,
        higher frequencies, upper frequencies, high partials, high end""",
    "noise": """noise, background noise, noise floor, noise level, background sound, background noise level,
        ambient noise, broadband noise, level of noise""",
    "hiss": "hiss, static, crackle, crackling, hissing, rustle, background hiss, tape hiss, white noise",
    "snr": "signal-to-noise ratio, signal to noise ratio, snr",
    "recording": """recording, audio, signal, clip, audio clip, audio quality, recording quality, sound quality,
        audio signal, track, sample, recorded sound""",
    "background": "background, backdrop, noise background",
    "room": """room, space, acoustics, acoustic, hall, environment, acoustic space, acoustic environment, room acoustics,
        setting, room sound, ambience, surroundings, church, cathedral, chamber""",
    "reverb": """reverb, reverberation, echo, echoes, decay, tail, tails, reverberant tail, reverb tail, decay time,
        reverberation time, decay tail, room tail, long tail, resonance, t60, rt60, room response""",
    "speech": "speech, talking, delivery, words, syllables, utterance, sentence, phrase, speaking, spoken words",
    "speech_rate": """speech rate, speaking rate, rate of speech, speaking pace, speaking speed, talking speed,
        speech tempo, pace of speech, speaking tempo, syllable rate, articulation rate, speed of speech, speech pace,
        talking pace, pace of the speech, rate of speaking, rate of the speech, speed of the speech, tempo of speech,
        tempo of the speech, articulation, speed of delivery, pace of delivery""",
    "speaker": "speaker, talker, narrator, announcer, man, woman, person, he, she, someone, somebody, lady, guy",
    "intonation": """intonation, final intonation, inflection, final inflection, final pitch, final syllable,
        last syllable, last word, final word, sentence ending, phrase ending, intonation contour, final contour,
        ending intonation, end of the sentence, end of the phrase, end of the utterance, final tone""",
    "sound": "sound, something, this, that, everything, whole, music, piece, instrument, passage, song",
    "it": "it, they, which",
    "vibrato": "vibrato, wobble, tremble, waver, wavering, warble",
    "pause": "pause, pauses, silence, silences, gap, gaps, break, breaks, silent gap, silent gaps",
}

EVENTS = """beep, note, click, event, strike, hit, tap, knock, burst, chirp, blip, chime, pluck, onset,
    impulse, clap, ping, ding, bark, ring, drum hit, drumbeat, thump, stroke, snap, pop, tick, toot, honk, attack, bleep,
    buzz, bang, bell, drum, key, chord, shot, crash, piece of sound, sound event, noise burst, tone burst"""
IRREGULAR_PLURALS = {"crash": "crashes", "buzz": "buzzes", "piece of sound": "pieces of sound"}
COUNTABLE = "sounds, tones, pulses, beats, bursts of noise, bursts of sound, separate sounds, times"

QUALITIES: dict[str, str] = {
    "high": """high, high-pitched, high pitched, shrill, piercing, squeaky, soprano, treble-range, up high, squealing,
        elevated, falsetto, in the upper range""",
    "low": "low, low-pitched, low pitched, deep, bass, bassy, baritone, down low, rumbling, subterranean, lowered",
    "middle": "middle, mid, medium, mid-range, midrange, mid range, middling, intermediate, moderately high, medium-pitched",
    "moderate": "moderate, moderately paced, medium-paced, mid-tempo, midtempo, andante, walking, average, medium-fast",
    "fast": """fast, quick, rapid, brisk, hurried, lively, swift, speedy, quickly, rapidly, briskly, swiftly, hurriedly,
        up-tempo, uptempo, upbeat, allegro, presto, fast-paced, rushed, hasty, in quick succession,
        in rapid succession, close together, racing, quickfire, at high speed, at a fast rate, closely spaced, driving""",
    "slow": """slow, slowly, unhurried, leisurely, sluggish, largo, adagio, slow-paced, lento, dragging, drawn out,
        drawn-out, far apart, widely spaced, at a slow rate, relaxed, plodding, deliberate, deliberately, laid-back""",
    "loud": "loud, strong, powerful, forceful, blaring, forte, fortissimo",
    "quiet": "quiet, soft, faint, weak, hushed, piano-level, pianissimo, barely audible, subdued",
    "bright": """bright, sharp, brilliant, crisp, tinny, metallic, sparkling, glassy, brassy, shimmering, edgy, trebly,
        harsh, bright-sounding, shiny, glittering, sizzling, brightly""",
    "dark": """dark, dull, muffled, mellow, warm, muted, rounded, dark-sounding, booming, boomy, mellow-sounding, veiled,
        dampened, dim, woolly, murky, darkly""",
    "noisy": """noisy, hissy, gritty, grainy, staticky, noise-filled, full of noise, covered in noise,
        covered by noise, covered by hiss, buried in noise, masked by noise, crackly, full of hiss, full of static,
        covered in hiss, contaminated by noise, polluted by noise, covered with noise, covered with hiss""",
    "clean": "clean, noise-free, noiseless, pristine, hiss-free, free of noise, free of hiss, clear, studio-clean",
    "dry": """dry, dead, anechoic, close-miked, damped, echo-free, deadened, absorbent, non-reverberant, acoustically dry,
        acoustically dead""",
    "wet": """reverberant, echoey, echoing, roomy, wet, cavernous, resonant, reverberating, echoic, spacious, live,
        hall-like, church-like, cathedral-like, large, big, ambient, reverby, diffuse, vast, huge""",
    "regular": """regular, metronomic, periodic, evenly spaced, evenly, regularly, equally spaced, isochronous, in time,
        like clockwork, regularly spaced, clockwork, mechanical, consistent""",
    "irregular": """irregular, uneven, erratic, unsteady, irregularly spaced, unevenly spaced, arrhythmic, jittery,
        irregularly, unpredictable, unevenly, sporadic, random, haphazard, halting""",
    "even": "even, uniform",
    "steady": """steady, constant, stable, unchanging, fixed, sustained at one level, steadily, unchanged, unvarying,
        constant throughout, the same""",
    "flat": "flat, monotone, monotonous, monotonic, level, static-pitched, on one pitch, on one note",
    "long": "long, lingering, lasting, slow-fading, extended, pronounced",
    "short": "short, brief, abrupt, tight, quick-fading, minimal",
    "present": "present, audible, noticeable, prominent, heavy, obvious, clearly audible, evident, rich, plentiful, abundant",
    "rising": """rising, ascending, upward, upwards, climbing, going up, moving up, moving upward, mounting, up-going,
        upward-moving, soaring, rising-pitched""",
    "falling": """falling, descending, downward, downwards, dropping, sinking, declining, going down, moving down,
        moving downward, sliding down, down-going, downward-moving""",
    "questioning": "questioning, question-like",
    "swelling": "swelling, crescendoing, growing louder, getting louder, building, intensifying, crescendo-like",
    "fading": """fading, fading out, dying away, getting softer, getting quieter, growing softer, growing quieter,
        diminishing, decaying, weakening, dwindling, tapering off, dying down""",
}

COMPARATIVES: dict[str, str] = {
    "high": "higher, higher-pitched, higher pitched, higher in pitch, further up, sharper in pitch",
    "low": "lower, deeper, lower-pitched, lower pitched, lower in pitch, further down",
    "loud": "louder, stronger, more intense, more powerful, louder and louder, higher in volume, higher in level",
    "quiet": """softer, quieter, weaker, fainter, less loud, less intense, softer and softer, quieter and quieter,
        lower in volume, lower in level""",
    "fast": "faster, quicker, more rapid, faster and faster, more rapidly, more quickly",
    "slow": "slower, slower and slower, more slowly, less rapid",
    "bright": "brighter, sharper, crisper, more brilliant",
    "dark": "darker, duller, more muffled, mellower",
}

VERBS: dict[str, str] = {
    "rise": """rise, rises, rose, risen, climb, climbs, climbed, ascend, ascends, ascended, go up, goes up, went up,
        move up, moves up, moved up, moves upward, moves upwards, move upward, goes upward, glides up, glide up,
        glides upward, glides upwards, slides up, slides upward, sweeps up, sweeps upward, sweeps upwards, soar, soars,
        jumps up, jump up, jumps upward, steps up, step up, heads up, heads upward, shoots up, scales up, leaps up,
        bends up, bends upward, creeps up, mount, mounts, curves up, curves upward, turns up, turns upward, lifts,
        trends up, trends upward, goes higher, moves higher, drifts up, drifts upward, tilts up, swoops up, curls up,
        ends up higher, points up, points upward, slopes up, slopes upward, travels up, travels upward, stepping up,
        goes from low to high, moves from low to high, ascent, upward glide, upward sweep, upward slide, walks up""",
    "fall": """fall, falls, fell, fallen, descend, descends, descended, go down, goes down, went down,
        move down, moves down, moved down, moves downward, moves downwards, move downward, goes downward, glides down,
        glide down, glides downward, glides downwards, slides down, slides downward, sweeps down, sweeps downward,
        sweeps downwards, sink, sinks, sank, plunge, plunges, jumps down, steps down, step down, heads down,
        heads downward, dip, dips, dives, plummets, leaps down, bends down, bends downward, creeps down, curves down,
        curves downward, turns down, turns downward, tumbles, trends down, trends downward, goes lower, moves lower,
        drifts down, drifts downward, tilts down, slopes down, slopes downward, travels down, travels downward,
        goes from high to low, moves from high to low, descent, downward glide, downward sweep, downward slide,
        points down, points downward, walks down, stepping down""",
    "increase": """increase, increases, increased, increasing, goes up in, grow, grows, grew, growing, builds, build, built,
        builds up, climbs up, ramps up, intensify, intensifies""",
    "decrease": """decrease, decreases, decreased, decreasing, drop, drops, dropped, decline, declines, declined, lessens,
        shrink, shrinks, go low, reduces, ramps down, comes down, lowers""",
    "swell": """swell, swells, swelled, crescendo, crescendos, makes a crescendo, gets louder and louder, swells up,
        fades in, fade in, fade-in, gathers strength, gains volume, gains strength, picks up in volume""",
    "fade": """fade, fades, faded, fades out, fade out, fade-out, fades away, dies away, die away, dies down, dies out,
        dwindle, dwindles, diminish, diminishes, decrescendo, decrescendos, diminuendo, soften, softens, quiets,
        quietens, quiets down, taper, tapers, tapers off, trails off, trail off, tails off, weaken, weakens, subsides,
        recedes, wanes, loses volume, loses strength, ebbs, fades to silence, fade away, decays away, tails away""",
    "hold": """does not change, doesn't change, does not move, doesn't move, never changes, never moves, never varies,
        does not vary, doesn't vary, hardly changes, hardly moves, barely changes, barely moves, does not rise or fall,
        neither rises nor falls, stays put, holds steady, holds constant, stays the same, remains the same, stays at one
        pitch, stays on one pitch, stays on one note, keeps the same pitch, keeps one pitch, holds one pitch,
        without change, holds its pitch, holds a single pitch, keeps its level, does not rise and does not fall""",
    "accelerate": """accelerate, accelerates, accelerating, speeds up, speed up, speeding up, quickens, accelerando,
        picks up speed, gets faster and faster, picks up pace""",
    "decelerate": "decelerate, decelerates, slows down, slow down, slowing down, slows, ritardando, rallentando, loses speed",
    "brighten": "brightens, brighten, brightening, opens up",
    "darken": "darkens, darken, darkening, gets muffled, becomes muffled, gets duller",
    "echo": """echoes around, rings out, lingers, reverberates, reverberate, rings on, echoes back,
        decays slowly, dies away slowly, fades slowly after, hangs in the air, ring on""",
    "damp": "stops dead, stops abruptly, decays quickly, dies quickly, cuts off quickly, stops at once, cuts off abruptly",
    "waver": "wavers, wobbles, trembles, quivers, warbles",
    "speak": "speak, speaks, spoke, speaking, talk, talks, talked, spoken, delivers, articulates, utters, reads, narrates",
    "be": """is, are, was, were, be, being, been, 's, 're, seem, seems, seemed, appear, appears, appeared, feel,
        feels, has, have, had, having, remain, remains, remained, stay, stays, stayed, keep, keeps, kept, hold, holds,
        held, sit, sits, sat, lie, lies, stand, stands, run, runs, play, plays, played, move, moves, moved, go, goes, come,
        comes, arrive, arrives, follow, follows, repeat, repeats, strike, land, lands, occur, occurs, happen, happens,
        ring, rings, tick, ticks, contain, contains, show, shows, make, makes, produce, produces, carries, sounding,
        measured at, measures, hover, hovers, centred, centered, centers, centres, presents, features, continues, sounded,
        uses, persists, leaves, lasts, continue, takes, exhibits, displays, uses, set, hangs, staying, remaining""",
    "become": "become, becomes, became, get, gets, got, getting, becoming, turn, turns, turning",
    "begin": "start, starts, started, begin, begins, began, opens, opening on, starting, beginning",
    "end": "end, ends, ended, finish, finishes, finished, closes, concludes, ending, finishing",
    "cover": "covers, cover, masks, mask, fills, fill, surrounds, accompanies, obscures, drowns, buries, pervades, runs through",
    "change": "change, changes, shift, shifts, varies, vary",
    "hear": """hear, i hear, heard, there is, there are, there's, i notice, notice, hearing, listen, i can hear, can be heard,
        is heard, are heard, there was, there were, i perceive, one hears, we hear, you hear, i detect, is audible""",
    "say": """says, said, say, mentions, mention, tells, states, reads out, announces, asks, saying, writes, reports, talks about,
        speaks of, speaks about, describes, labelled, labeled, described, called""",
}

NOUNS_OF_TREND: dict[str, str] = {
    "rise": "a rise, an ascent, an upward glide, an upturn, a final rise, upward movement, upward motion, a climb",
    "fall": "a fall, a descent, a downward glide, a downturn, a final fall, a drop, downward movement, downward motion",
}

ORDINALS: dict[str, str] = {
    "1": "first, opening, initial, 1st, earliest, starting, beginning, start",
    "2": "second, 2nd",
    "3": "third, 3rd",
    "4": "fourth, 4th",
    "5": "fifth, 5th",
    "-1": "last, final, closing, latest, ending, end, concluding",
    "-2": "second to last, second-to-last, penultimate",
}

NEGATIONS = """not, no, n't, never, without, neither, nor, lacks, lack, lacking, absence of, absent, free of, free from,
    hardly, hardly any, barely any, barely, little, none, isn't, aren't, wasn't, weren't, doesn't, don't, didn't,
    hasn't, haven't, isnt, doesnt, rather than, instead of, as opposed to, unlike, no longer, nothing, cannot, can't,
    scarcely, few, devoid of, far from, fails to, missing, little to no, almost no, practically no, virtually no"""
NEGATION_FALSE_FRIENDS = "not only, no doubt, not just, not merely, no matter, nothing but, little by little, no wonder"
HEDGES = """maybe, perhaps, probably, possibly, might, could, may, likely, i think, i guess, i believe, i suppose, seemingly,
    apparently, presumably, arguably, somewhat, kind of, sort of, it seems, seems, appears, appear, not sure, unsure,
    not certain, i would guess, if i am not mistaken, i am not sure, perhaps, supposedly, roughly speaking, could be"""
STOPS = """answer, answers, choice, choices, option, options, question, questions, asked, asks whether, candidates, correct,
    alternative, alternatives, i choose, i pick, i select, i chose, i'd choose, i go with, i'd say the answer, conclusion,
    asks, label, expected, would be, should be, must be, key is, ask, category, categories, guess, typically, usually,
    generally, normally, often, tend to, tends to, unless, means, suppose, imagine, imagined, listed, decide between,
    compare, determine, check, figure out, find out, decide, whether, if, pick, select, choose, distinguish, mean"""
CONJUNCTIONS = """and, but, while, whereas, because, since, so, then, as, though, although, yet, therefore, thus, hence, with,
    that, where, when, until, before, after, followed by, or, either, meaning, indicating, suggesting, showing, plus, also,
    however, in which, who"""
SEQUENCERS = "then, followed by, before, next, after that, afterwards, later"
NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
EXTRA_NUMBERS = {
    "a single": 1,
    "single": 1,
    "exactly one": 1,
    "just one": 1,
    "only one": 1,
    "a pair of": 2,
    "a couple of": 2,
}
FUNCTION_WORDS = """a, an, the, of, in, on, at, to, from, by, for, very, quite, rather, fairly, really, too, more, most, less,
    clearly, distinctly, throughout, overall, mostly, mainly, always, all, both, each, every, some, any, my, its, their, his,
    her, our, your, i, we, you, here, there, now, still, again, slightly, gradually, slow-ly, smoothly, continuously,
    towards, toward, near, through, during, over, across, entirely, completely, fully, just, only, about, around,
    approximately, roughly, nearly, almost, than, up, down, out, off, into, within, between, along, extremely, rather,
    pretty, generally speaking, relatively, consistently, noticeably, audibly, perfectly, strongly, gently,
    sharply, certainly, definitely, indeed, also, even though, almost, time, long time, well, fully, largely, markedly,
    much, lot, lots, bit, many, several, plenty, quality, character, overall, part, side, ones, one by one, simply, at all,
    does, do, did, will, can, these, those, such, full, entire, same, different, distinct, separate, individual, clear-cut,
    somewhat, truly, acoustically, tonally, sonically, musically, rhythmically, steadily, evenly, kind, tempo-wise"""
STANDING_AFTER = """school, schools, quality, price, prices, car, cars, star, stars, sun, time, times, food, road, court,
    street, season, number, cost, standard, standards, chance, probability, likelihood, confidence, score, end, resolution,
    temperature, water, key, fidelity, definition, bit, art, tide, heels, spirits, rates, expectations, importance, priority"""
"""Nouns that take an acoustic adjective into another world: "high school", "rising star"."""


def _phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip()]


def plural(noun: str) -> str:
    """The plural of an event noun."""
    return IRREGULAR_PLURALS.get(noun, f"{noun}s")


def build_lexicon() -> dict[str, list[tuple[tuple[str, ...], Lexeme]]]:
    """First word -> phrases (longest first) with their lexemes; later lists win over earlier ones."""
    entries: dict[str, Lexeme] = {}

    def add(kind: str, value: str, phrases: str) -> None:
        entries.update((phrase, Lexeme(kind, value)) for phrase in _phrases(phrases))

    add("function", "", FUNCTION_WORDS)
    add("conjunction", "", CONJUNCTIONS)
    for kind, table in (("verb", VERBS), ("trend", NOUNS_OF_TREND), ("quality", QUALITIES), ("topic", TOPICS)):
        for value, phrases in table.items():
            add(kind, value, phrases)
    for value, phrases in COMPARATIVES.items():
        add("comparative", value, phrases)
    for noun in _phrases(EVENTS):
        entries[noun] = Lexeme("event", "one")
        entries[plural(noun)] = Lexeme("event", "many")
    add("event", "many", COUNTABLE)
    for value, phrases in ORDINALS.items():
        add("ordinal", value, phrases)
    for number, word in enumerate(NUMBER_WORDS):
        entries[word] = Lexeme("number", str(number))
    entries.update((phrase, Lexeme("number", str(value))) for phrase, value in EXTRA_NUMBERS.items())
    add("negation", "", NEGATIONS)
    add("function", "", NEGATION_FALSE_FRIENDS)
    add("hedge", "", HEDGES)
    add("stop", "", STOPS)
    by_first: dict[str, list[tuple[tuple[str, ...], Lexeme]]] = {}
    for phrase, lexeme in entries.items():
        words = tuple(phrase.split())
        by_first.setdefault(words[0], []).append((words, lexeme))
    for phrases in by_first.values():
        phrases.sort(key=lambda entry: -len(entry[0]))
    return by_first


LEXICON = build_lexicon()
AMBIGUOUS = {
    "sounds": Lexeme("event", "many"),
    "strikes": Lexeme("event", "many"),
    "rings": Lexeme("event", "many"),
    "ticks": Lexeme("event", "many"),
}
"""Words that are a noun or a verb by place; the lexer decides."""
