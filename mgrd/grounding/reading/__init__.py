"""How a text is read: from characters to claims, without any sound or model. `mgrd.grounding.claims` puts it together.

In the order in which a text comes through:

* words: `lexer` parts a text into sentences of lexemes, by the words of `lexicon`, with `times` and `note_names`;
  `senses` says what a word means of a topic; `moods` and `dismissed` find what is only supposed, or set aside;
* clauses: `context` parts a sentence and remembers; `clauses` reads one, on `state`, `qualities`, `degrees` and
  `presence`; `comparisons`, `counts`, `values`, `rates` and `sides` read what has a form of its own; what they read
  are `drafts`;
* sentences: `constructions`, `quantities` and `glossary` read by patterns, behind `gates`; `kinds` reads which sounds
  come where, `parts` says of which one something is said, `sequences` what belongs together, `coverage` what was left
  unread.
"""
