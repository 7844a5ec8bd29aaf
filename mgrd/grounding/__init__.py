"""What a chain says of the sound, and whether the clip bears it out.

`claims` reads a text (by `reading/`), `verify` holds each claim against the clip's facts (by `checking/`), and `scorer`
puts both together with what else speaks against a chain: `surrogate`, `leaks`, `relevance`, `conclusions`. Other rooms
import the modules of this folder, and nothing of the two folders within.
"""
