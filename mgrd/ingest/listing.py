"""What identifies an ingest: the name of its collection, and a digest that changes when its files do."""

from pathlib import Path

from mgrd.ids import content_key
from mgrd.ingest.texts import readable


def collection_of(source: Path) -> str:
    """The name of a path's collection: readable, and distinct for folders of the same name."""
    return f"{readable(source.name)}-{content_key(readable(str(source.resolve())))[:6]}"


def listing_digest(source: Path) -> str:
    """A digest of names, sizes and times of the files below a folder.

    For a single file (a manifest or a clip) its folder is listed: a manifest speaks of its neighbours.
    """
    folder = source if source.is_dir() else source.parent
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    stats = [(readable(file.relative_to(folder).as_posix()), file.stat()) for file in files]
    return content_key(readable(source.name), [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
