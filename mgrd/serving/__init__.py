"""Talking to a model server: concurrency that yields, retries, waiting; shared by the judge and the engines."""
