"""Ingest: clips and questions into the workspace, made (`embedded`) or from files, split by source.

`sources` finds files and reads what is said of them, `windows` and `clips` cut them, `split` holds sources out, and
`derive` asks what was measured. Whatever comes from outside is hostile until `texts` has cleaned it.
"""
