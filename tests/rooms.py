"""The rooms of the house and who imports whom, read from the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
OUTSIDE = ("flows", "tasks", "prompts", "schemas", "data_contracts")
Edges = set[tuple[str, str]]


def imports_between_rooms() -> Edges:
    """(importing room, imported room), wherever in a file the import stands."""
    return {
        (room, other)
        for top in (*OUTSIDE, "mgrd")
        for path in (REPOSITORY / top).rglob("*.py")
        if (room := _room(path.relative_to(REPOSITORY).with_suffix("").parts))
        for module in _imported(ast.parse(path.read_text()))
        if (other := _room(tuple(module.split(".")))) and other != room
    }


def without_detours(edges: Edges) -> Edges:
    """The edges that no longer way replaces: the least that still says who stands above whom."""
    return {edge for edge in edges if edge[1] not in _reached(edge[0], edges - {edge})}


def _reached(room: str, edges: Edges) -> set[str]:
    found: set[str] = set()
    ahead = [room]
    while ahead:
        here = ahead.pop()
        fresh = {to for start, to in edges if start == here} - found
        found |= fresh
        ahead += fresh
    return found


def _room(parts: tuple[str, ...]) -> str | None:
    """A folder of `mgrd`, one of its single modules, or a folder beside it; None for what is none of ours."""
    if parts[0] in OUTSIDE:
        return parts[0]
    if parts[0] != "mgrd" or len(parts) < 2 or parts[1].startswith("__"):
        return None
    return parts[1]


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from [f"mgrd.{alias.name}" for alias in node.names] if node.module == "mgrd" else [node.module]
