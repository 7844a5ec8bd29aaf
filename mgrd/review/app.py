"""The web app: routes. Reading goes through the mirror, writing through `verdicts`; no request names a file."""

import re
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from mgrd.audio.pictures import cached_picture
from mgrd.errors import DataError, MgrdError
from mgrd.report.status import status_document
from mgrd.review.access import (
    NAME,
    SESSION,
    TOKEN,
    Access,
    csrf_token,
    new_session,
    security_headers,
    write_allowed,
)
from mgrd.review.agreement import agreement_page
from mgrd.review.filters import View, parse_view
from mgrd.review.item import find_pair, open_item, pair_claims
from mgrd.review.items import refresh_items
from mgrd.review.label_studio import export_tasks, json_list
from mgrd.review.mirror import Mirror
from mgrd.review.pages import Pages
from mgrd.review.queues import PAGE, Place, count_items, filter_words, find_neighbours, first_item, list_items
from mgrd.review.rounds import round_page
from mgrd.review.verdicts import (
    REASONS,
    Said,
    compact_overrides,
    record_verdict,
    reviewer_name,
    standing_of,
    undo_verdict,
)
from mgrd.review.waveforms import playable
from mgrd.store import Workspace
from schemas import CLIPS, DECISIONS, LEDGER, METRICS, QUARANTINE

STATIC = Path(__file__).parent / "static"
FOLLOW_SECONDS = 5.0
MOST_BODY = 64 * 1024
KEY = re.compile(r"[0-9a-zA-Z_-]{1,64}")
YEAR = 31_536_000
Next = Callable[[Request], Awaitable[Response]]


def make_app(workspace: Workspace, access: Access | None = None, *, follow: float = FOLLOW_SECONDS) -> FastAPI:
    """The app on a workspace; it looks for new rounds every `follow` seconds, never while a page waits."""
    access = access or Access()
    mirror = Mirror(workspace)
    compact_overrides(mirror)
    refresh_items(mirror)
    stop = threading.Event()

    def keep_following() -> None:
        while not stop.wait(follow):
            try:
                refresh_items(mirror)
            except MgrdError:  # a stage is writing at this moment; the next look sees the whole
                continue

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        thread = threading.Thread(target=keep_following, daemon=True)
        thread.start()
        yield
        stop.set()
        thread.join()

    app = FastAPI(title="mgrd review", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.mirror, app.state.access, app.state.pages = mirror, access, Pages()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _guard(app, access)
    _reading(app)
    _rounds(app)
    _clips(app)
    _writing(app)
    return app


def _guard(app: FastAPI, access: Access) -> None:
    @app.middleware("http")
    async def guard(request: Request, call_next: Next) -> Response:
        nonce = secrets.token_urlsafe(12)
        session = request.cookies.get(SESSION) or new_session()
        request.state.nonce, request.state.session = nonce, session
        refused = await _refused(request, access)
        response = refused or await call_next(request)
        response.headers.update(security_headers(nonce))
        if request.url.path.startswith("/static/vendor/"):
            response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        elif "cache-control" not in response.headers:
            response.headers["Cache-Control"] = "no-cache" if request.url.path.startswith("/static/") else "no-store"
        if SESSION not in request.cookies:
            response.set_cookie(SESSION, session, httponly=True, samesite="strict")
        return response

    @app.exception_handler(MgrdError)
    async def told(request: Request, error: MgrdError) -> Response:
        status = 404 if isinstance(error, DataError) and request.method == "GET" else 400
        return app.state.pages.message(request, str(error), status)

    @app.exception_handler(404)
    async def missing(request: Request, _error: Exception) -> Response:
        return app.state.pages.message(request, f"there is no page {request.url.path}", 404)


async def _refused(request: Request, access: Access) -> Response | None:
    if not access.host_allowed(request.headers.get("host", "")):
        return Response("this host name is not mine; open the address that `mgrd review` printed", 421)
    open_to_all = request.url.path == "/login" or request.url.path.startswith("/static/")
    if not open_to_all and not access.granted(request.headers, request.cookies):
        if access.user_header:
            return Response("the reverse proxy names no user", 401)
        return RedirectResponse("/login", 303) if request.method == "GET" else Response("log in first", 401)
    return None if request.method in ("GET", "HEAD") else await _refused_write(request)


async def _refused_write(request: Request) -> Response | None:
    """Reads the form on the way: a body is bounded before it is read."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MOST_BODY:
        return Response("a form of at most 64 KiB, with its length, is wanted", 413)
    body = await request.body()
    request.state.form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if not write_allowed(request.headers, request.cookies, request.state.form):
        return Response("this write does not come from a page of the app; reload the page and try again", 403)
    return None


def _who(request: Request) -> str:
    access: Access = request.app.state.access
    return reviewer_name(access.reviewer_of(request.headers, request.cookies))


def _view(request: Request) -> View:
    return parse_view(request.query_params)


def _mirror(request: Request) -> Mirror:
    return request.app.state.mirror


def _page(request: Request, name: str, status: int = 200, **values: object) -> HTMLResponse:
    return request.app.state.pages.show(
        request, name, status, reviewer=_who(request), csrf=csrf_token(request.state.session), **values
    )


def _to_first(request: Request, page: str) -> Response:
    """To the `page` of the view's first chain; to its queue when it has none."""
    view = _view(request)
    first = first_item(_mirror(request), view, _who(request))
    return RedirectResponse(f"/{page}/{first}?{view.query()}" if first else f"/queue?{view.query()}", 303)


def _reading(app: FastAPI) -> None:
    @app.get("/")
    def home() -> Response:
        return RedirectResponse("/queue", 303)

    @app.get("/queue")
    def queue(request: Request, after: str = "") -> Response:
        view, mirror = _view(request), _mirror(request)
        rows = list_items(mirror, view, _who(request), Place.parse(after))
        more = Place(rows[PAGE - 1]["place"], rows[PAGE - 1]["no"]) if len(rows) > PAGE else None
        name = "rows.html.jinja" if after else "queue.html.jinja"
        total, exact = count_items(mirror, view, _who(request))
        return _page(
            request, name, view=view, rows=rows[:PAGE], more=more, total=total, exact=exact, words=filter_words(mirror)
        )

    @app.get("/start")
    def start(request: Request) -> Response:
        return _to_first(request, "item")

    @app.get("/item/{trace_id}")
    def item(request: Request, trace_id: str) -> Response:
        view, mirror, who = _view(request), _mirror(request), _who(request)
        found = open_item(mirror, _key(trace_id))
        near = find_neighbours(mirror, view, who, trace_id)
        mine = next((row for row in found.standing if row["reviewer"] == who), None)
        return _page(
            request, "item.html.jinja", view=view, item=found, near=near, mine=mine, reasons=REASONS,
            voted={vote["claim_id"]: vote["verdict"] for vote in mine["claims"]} if mine else {},
        )  # fmt: skip

    @app.get("/quarantine")
    def quarantine(request: Request) -> Response:
        rows = _mirror(request).reader.execute(f"SELECT * FROM {QUARANTINE.name} ORDER BY rowid DESC LIMIT 500")
        return _page(request, "quarantine.html.jinja", view=_view(request), rows=rows.fetchall())

    @app.get("/agreement")
    def agreement(request: Request) -> Response:
        return _page(request, "agreement.html.jinja", view=_view(request), figures=agreement_page(_mirror(request)))

    @app.get("/export/label-studio.json")
    def export(request: Request) -> Response:
        view, who = _view(request), _who(request)
        origin = str(request.base_url).rstrip("/")
        tasks = export_tasks(_mirror(request), view, who, audio=lambda clip: f"{origin}/clips/{clip}/audio")
        return StreamingResponse(
            json_list(tasks),
            media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="label-studio-{view.queue}.json"'},
        )


def _rounds(app: FastAPI) -> None:
    @app.get("/rounds")
    def rounds(request: Request) -> Response:
        store = _mirror(request).workspace.store
        metrics, ledger = store.read(METRICS), store.read(LEDGER)
        page = round_page(status_document(metrics, ledger)["rounds"], metrics, store.scan(DECISIONS))
        return _page(request, "rounds.html.jinja", view=_view(request), page=page)

    @app.get("/compare")
    def compare(request: Request) -> Response:
        return _to_first(request, "diff")

    @app.get("/diff/{trace_id}")
    def diff(request: Request, trace_id: str) -> Response:
        mirror, view = _mirror(request), _view(request)
        before_id, after_id = find_pair(mirror, _key(trace_id))
        after = open_item(mirror, after_id)
        before = open_item(mirror, before_id) if before_id else None
        pairs = pair_claims(before.claims if before else [], after.claims)
        near = find_neighbours(mirror, view, _who(request), trace_id)
        return _page(request, "diff.html.jinja", view=view, before=before, after=after, pairs=pairs, near=near)


def _clips(app: FastAPI) -> None:
    """Files of a clip, by its id alone: the path comes from the tables, never from the request."""

    def clip_row(request: Request, clip_id: str) -> tuple[str, Path]:
        mirror = _mirror(request)
        rows = mirror.rows(CLIPS, "clip_id", _key(clip_id))
        if not rows:
            raise DataError("there is no such clip")
        return rows[0]["clip_id"], mirror.workspace.resolve(rows[0]["uri"])

    def file(path: Path, kind: str) -> Response:
        if not path.is_file():
            raise DataError("the clip's file is missing; put it back where ingest found it")
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "private, max-age=86400"})

    @app.get("/clips/{clip_id}/audio")
    def audio(request: Request, clip_id: str) -> Response:
        known, path = clip_row(request, clip_id)
        return file(*playable(_mirror(request).workspace.pictures, known, path))

    @app.get("/clips/{clip_id}/picture.json")
    def picture(request: Request, clip_id: str) -> Response:
        known, path = clip_row(request, clip_id)
        return file(cached_picture(_mirror(request).workspace.pictures, known, path)[0], "application/json")

    @app.get("/clips/{clip_id}/spectrogram.png")
    def spectrogram(request: Request, clip_id: str) -> Response:
        known, path = clip_row(request, clip_id)
        return file(cached_picture(_mirror(request).workspace.pictures, known, path)[1], "image/png")


def _writing(app: FastAPI) -> None:
    @app.post("/verdicts")
    def verdict(request: Request) -> Response:
        form = request.state.form
        trace_id = _key(form.get("trace_id", ""))
        record_verdict(_mirror(request), _who(request), trace_id, _said(form))
        return _said_panel(request, trace_id)

    @app.post("/undo")
    def undo(request: Request) -> Response:
        row = undo_verdict(_mirror(request), _who(request))
        if row is None:
            return JSONResponse({"undone": None})
        return JSONResponse({"undone": row["trace_id"], "verdict": row["verdict"]})

    @app.post("/reviewer")
    def reviewer(request: Request) -> Response:
        response = RedirectResponse(_own_path(request.state.form.get("back", "")), 303)
        response.set_cookie(NAME, reviewer_name(request.state.form.get("name", "")), httponly=True, samesite="strict")
        return response

    @app.get("/login")
    def login_page(request: Request) -> Response:
        return app.state.pages.show(
            request, "login.html.jinja", 200, csrf=csrf_token(request.state.session), wrong=False
        )

    @app.post("/login")
    def login(request: Request) -> Response:
        given = request.state.form.get("token", "")
        if not request.app.state.access.token_is(given):
            csrf = csrf_token(request.state.session)
            return app.state.pages.show(request, "login.html.jinja", 401, csrf=csrf, wrong=True)
        response = RedirectResponse("/queue", 303)
        secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        response.set_cookie(TOKEN, given, httponly=True, samesite="strict", secure=secure)
        return response


def _said_panel(request: Request, trace_id: str) -> Response:
    who = _who(request)
    view = parse_view(dict(parse_qsl(request.state.form.get("state", ""))))
    standing = standing_of(_mirror(request), trace_id)
    mine = next((row for row in standing if row["reviewer"] == who), None)
    return _page(request, "said.html.jinja", view=view, mine=mine, standing=standing, reasons=REASONS)


def _said(form: dict[str, str]) -> Said:
    """The verdict of a form; claims stand in fields named `claim:<id>`."""
    claims = {key.removeprefix("claim:"): value for key, value in form.items() if key.startswith("claim:") and value}
    try:
        seconds = float(form.get("seconds") or 0.0)
    except ValueError:
        seconds = 0.0
    correct = {"true": True, "false": False}.get(form.get("correct", ""))
    return Said(form.get("verdict", ""), correct, form.get("reason") or None, claims, seconds if seconds >= 0 else 0.0)


def _key(text: str) -> str:
    if not KEY.fullmatch(text):
        raise DataError("that is no id")
    return text


def _own_path(path: str) -> str:
    """A path of this app to return to; anything that could lead elsewhere becomes the front page."""
    return path if re.fullmatch(r"/(?![/\\])[\w/?=&%.+-]*", path) else "/"
