"""Writes gates.json: `python -m mgrd.grounding.gate_table`, whenever a pattern of this package has changed."""

from mgrd.grounding import scorer
from mgrd.grounding.reading.gates import TABLE, asked, table_of

if __name__ == "__main__":
    assert scorer.GROUNDING_VERSION  # imported for the patterns that it and what it reads with ask about
    TABLE.write_text(table_of(asked))
