"""Which chains are kept: from checks, verdicts and reviewers to decisions, training rows and preference pairs.

`decisions` gathers what the tables say of a chain, `policy` decides over it, `overrides` lets reviewers speak last;
`select` takes the kept chains without near-duplicates, `preferences` pairs them with rejected ones. `extraction` asks a
model what chains claim. `signals` and `labels` are what calibration compares, `outside` filters chains from elsewhere.
"""
