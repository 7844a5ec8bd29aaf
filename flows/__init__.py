"""Prefect flows: the method, readable top to bottom; wiring only. `distill_round` is one round."""
