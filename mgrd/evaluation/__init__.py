"""Evaluation: held-out figures with intervals, the promotion gate, agreement with people, public benchmarks, overlaps.

Nothing here trains or decides on a chain; what it measures is reported, and the gate reads it.
"""
