"""Exports: a round's rows as an immutable directory in the form that a trainer reads.

`rows` takes them from the tables, `records` gives them the shape of a format, `shards` writes files,
`directory` makes the whole of it appear at once, `manifest` says what is in it and checks it, `card`
describes it, `load` streams it. An export reads the workspace and never writes to it.
"""
