"""Experiments and timings that print their figures; never imported by the pipeline."""
