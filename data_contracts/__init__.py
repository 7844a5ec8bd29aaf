"""What every table must hold: invariants that cost little, and suites that carry the meaning.

`invariants` are checked after each stage and stop it: schema, keys, conservation, references,
splits. The Great Expectations suites beside this file, one per table, say what values mean; `runner`
applies them to a bounded frame and returns findings, so a caller decides what a warning is worth.
"""
