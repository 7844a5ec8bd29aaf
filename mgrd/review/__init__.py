"""Review: the web app in which people hear a clip, see what a chain claims of it, and judge with one key.

`mirror` is the tables as an index, `items` and `ranks` are the queues, `item` is one chain as a page shows it, and
`verdicts` write what reviewers say; `app` holds the routes and `access` guards them.
"""
