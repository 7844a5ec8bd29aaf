"""The one renderer of the report's pages and pictures: templates with autoescape, and what a page is allowed to do.

What a model wrote is hostile text: every value passes Jinja's autoescape, `visible` takes its control characters out,
and a content policy allows only the style and the script whose hashes it names. Review draws with the same templates.
"""

import base64
import hashlib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from mgrd.report.figures import (
    ARM_FIGURES,
    duration,
    funnel_gap,
    mean_and_spread,
    money,
    quantity,
    round_name,
)

TEMPLATES = Path(__file__).parent / "templates"


def render_page(name: str, script: str = "", **values: Any) -> str:
    """A whole page of the template `name`: one file that fetches nothing and runs no script but ours, if any."""
    style, script = _asset("report.css"), _asset(script) if script else ""
    return template(name).render(
        policy=content_policy(style, script), style=Markup(style), script=Markup(script), **values
    )


def template(name: str) -> Template:
    """A template of the report, with autoescape and the report's own words at hand."""
    return _environment().get_template(name)


def content_policy(style: str, script: str) -> str:
    """The Content-Security-Policy: data URIs for pictures and sound, our style and script by hash, nothing else."""
    return (
        f"default-src 'none'; img-src data:; media-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def make_environment(*folders: Path) -> Environment:
    """Templates of the folders, the first that has a name; a value that is missing is an error, never a gap."""
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = lambda text: visible(str(text))
    environment.filters.update(duration=duration, quantity=quantity, money=money)
    environment.globals.update(
        round_name=round_name, funnel_gap=funnel_gap, arm_figures=ARM_FIGURES, mean_and_spread=mean_and_spread
    )
    return environment


def visible(text: str) -> str:
    """The text with control and direction-changing characters replaced, one for one.

    A chain must not be able to reorder or hide words on the page, or to tell a terminal what to do.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in ("Cc", "Cf", "Cs") and sign not in "\n\t" else sign
        for sign in text
    )


@cache
def _environment() -> Environment:
    return make_environment(TEMPLATES)


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
