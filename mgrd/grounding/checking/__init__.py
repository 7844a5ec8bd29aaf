"""How a claim is held against facts. `mgrd.grounding.verify` puts it together.

`lookup` finds the fact that decides, and `inferred` those that follow from single events; `words`, `values`, `parts`
and `voices` judge by the kind of claim; `doubts` says which refutations are open; `verdicts` is what comes out.
"""
