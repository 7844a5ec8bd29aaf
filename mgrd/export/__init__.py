"""Exports: a round's rows as an immutable directory in the form that a trainer reads.

`tables` are read at one version, `rows` takes rows from them, `records` gives them the shape of a format, `shards`
writes files, `directory` makes the whole of it appear at once, `manifest` says what is in it and checks it, `card`
describes it, `load` and `stream` give it to PyTorch. An export reads the workspace and never writes to it.
"""
