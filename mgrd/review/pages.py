"""Templates: every value passes Jinja's autoescape, and what a model wrote loses its control characters too."""

import json
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from mgrd.report.html import TEMPLATES as REPORT_TEMPLATES
from mgrd.report.html import make_environment
from mgrd.review.filters import QUEUES
from mgrd.review.gauges import place_figure
from mgrd.review.ranks import place_words
from schemas.verdicts import CRITERIA

TEMPLATES = Path(__file__).parent / "templates"
SIGNS = {"supported": "+", "contradicted": "−", "unverifiable": "?", "surrogate": "≈"}
"""Beside its colour each verdict has a sign: colour is never the only one."""


class Pages:
    """The app's templates; the round view draws its charts with the report's."""

    def __init__(self) -> None:
        self.environment = make_environment(TEMPLATES, REPORT_TEMPLATES)
        self.environment.filters.update(spoken=spoken, decoded=lambda text: json.loads(text) if text else [])
        self.environment.globals.update(
            queues=QUEUES, signs=SIGNS, criteria=CRITERIA, place_figure=place_figure, place_words=place_words
        )

    def show(self, request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        text = self.environment.get_template(name).render(
            nonce=request.state.nonce, path=request.url.path, search=request.url.query, **values
        )
        return HTMLResponse(text, status)

    def message(self, request: Request, text: str, status: int) -> HTMLResponse:
        return self.show(request, "message.html.jinja", status, text=text)


def spoken(code: str) -> str:
    """A code as words."""
    return code.replace("_", " ")
