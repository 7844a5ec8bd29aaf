"""The default clips, questions and cold-start demonstrations: made offline, with truth known by construction."""

from mgrd.ingest.embedded.chains import write_demonstrations
from mgrd.ingest.embedded.making import make_embedded
from mgrd.ingest.embedded.texts import text_tasks

__all__ = ["make_embedded", "text_tasks", "write_demonstrations"]
