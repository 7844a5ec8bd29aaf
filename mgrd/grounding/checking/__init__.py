"""How a claim is held against facts. `mgrd.grounding.verify` puts it together.

`evidence` holds the facts by name, with those that single events imply (`inferred`); `lookup` finds the one that
decides. A number is judged by `values`; a word by its band (`bands`) in the light of the other facts (`words`), and by
its theme: `movements`, `registers`, `sides`, `voices`, and `parts` for one sound among several. `doubts` says which
refutations are open; `verdicts` is what comes out.
"""
