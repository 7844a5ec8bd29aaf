"""The lexicon says each thing once, and nothing that no reader looks up."""

import re
from collections import Counter
from pathlib import Path

from mgrd.grounding.reading import lexicon


def test_a_phrase_stands_in_one_place() -> None:
    words = {name: text for name, text in lexicon.LISTS.items() if name not in ("sets", "motion")}
    phrases = [phrase for lists in words.values() for text in lists.values() for phrase in text.split(",")]
    plain = Counter(" ".join(phrase.split()) for phrase in phrases if "(" not in phrase and phrase.strip())
    assert [phrase for phrase, places in plain.items() if places > 1] == []


def test_every_set_of_words_is_looked_up() -> None:
    code = "".join(path.read_text() for path in Path(lexicon.__file__).parent.glob("*.py"))
    assert set(re.findall(r'word_set\("(\w+)"\)', code)) == set(lexicon.LISTS["sets"])
