"""Sound: decoding, the facts that are measured of a clip, the words for them, and pictures for review.

`decode` is the one way from a file to samples, `wav` the one from samples to a file's bytes. `frames` is the picture of
a clip in time and frequency that all themes read; `pitch` its pitch line, `events` its separate sounds (`attacks` the
slow ones), `notes` their pitches. The themes: `loudness`, `rhythm`, `melody`, `chords`, `spectrum`, `room`, `speech`,
`stereo`, `single` (one sound among several), `lines` (courses over time). `measuring` puts them together for one clip,
`evidence` for many. `facts` and `words` are the vocabulary, `reference` prints it as docs/evidence.md, `lookup` reads
the facts of many clips from a file.
"""
