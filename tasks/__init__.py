"""Prefect tasks, one per stage: each reads tables, calls the library and writes tables.

`run` is what every task is told, `stage_task` how one is declared, `rows` and `models` what several of them read;
`limits` stops a stage early, `placement` says how many run at once.
"""
