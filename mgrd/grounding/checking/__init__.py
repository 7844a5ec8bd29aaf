"""How a claim is held against facts. `mgrd.grounding.verify` puts it together.

`lookup` finds the fact that decides, and `inferred` those that follow from single events. A number is judged by
`values`; a word by its band (`bands`) in the light of the other facts (`words`), and by its theme: `movements`,
`registers`, `sides`, `voices`, `parts` for one sound among several. `doubts` says which refutations are open;
`verdicts` is what comes out.
"""
