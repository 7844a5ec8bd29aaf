"""The review pages in a real browser, through a workspace that a real round made. Screenshots go to docs/images/."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "review"))

from review_workspace import HOSTILE, add_traces, trace_row  # noqa: E402
from test_verdicts import serve  # noqa: E402

from mgrd.store import Workspace  # noqa: E402
from schemas import EVIDENCE, OVERRIDES, QUESTIONS, TRACES  # noqa: E402
from tests.campaign import mgrd  # noqa: E402

CHROMIUM = shutil.which("chromium")
REQUIRED = os.environ.get("MGRD_BROWSER") == "required"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None and not REQUIRED, reason="no chromium; `make test-browser` installs it"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
IMAGES = REPOSITORY / "docs" / "images"
CHAINS = (
    "The pitch rises from the start, and there is one sound, so the answer is rising.",
    "The pitch falls toward the end, and the tempo is fast, so the answer is falling.",
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished tiny round, and beside its own chains some whose claims are known, one of them hostile."""
    root = tmp_path_factory.mktemp("browser") / "w"
    mgrd("init", str(root), "--settings", str(REPOSITORY / "examples" / "tiny.toml"))
    mgrd("ingest", "embedded", "-w", str(root))
    mgrd("run", "-w", str(root))
    workspace = Workspace.open(root)
    measured = set(workspace.store.read(EVIDENCE)["clip_id"])
    asked = [row for row in workspace.store.read(QUESTIONS).to_dicts() if row["clip_id"] in measured][:4]
    rows = [
        trace_row(question, round_, 90 + number, CHAINS[(round_ + number) % 2])
        for round_ in (1, 2) for number, question in enumerate(asked)
    ]  # fmt: skip
    add_traces(workspace.store, [*rows, trace_row(asked[0], 2, 99, HOSTILE)])
    return workspace


@pytest.fixture(scope="module")
def address(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server, port = serve(workspace.root, tmp_path_factory.mktemp("log") / "log")
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


@pytest.fixture
def page(address: str):
    from playwright.sync_api import sync_playwright

    del address
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
        browser.close()
        assert not wrong, wrong


def until(page, expression: str) -> None:
    """Asked from outside: the content policy forbids the page to evaluate text, and the driver's own wait does that."""
    deadline = time.monotonic() + 30
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never true: {expression}"
        page.wait_for_timeout(25)


def known(workspace: Workspace, round_: int = 2) -> str:
    traces = workspace.store.read(TRACES, {"round": round_})
    return next(row["trace_id"] for row in traces.iter_rows(named=True) if row["reasoning"] == CHAINS[0])


def open_item(page, address: str, trace_id: str, state: str = "queue=all") -> None:
    page.goto(f"{address}/item/{trace_id}?{state}")
    until(page, "document.getElementById('audio').readyState >= 2")
    until(page, "document.querySelector('#overlay path.line.f0')?.getAttribute('d') !== null")


def test_an_item_fits_one_screen_and_space_plays_it(page, address: str, workspace: Workspace) -> None:
    open_item(page, address, known(workspace))
    assert page.evaluate(
        "document.documentElement.scrollHeight <= innerHeight && document.body.scrollWidth <= innerWidth"
    )
    page.keyboard.press("Space")
    until(page, "document.getElementById('audio').currentTime > 0.15")
    page.keyboard.press("Space")
    assert page.evaluate("document.getElementById('audio').paused")
    page.keyboard.press("]")
    assert page.evaluate("document.getElementById('audio').playbackRate") == 1.25
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.getElementById('audio').currentTime") < 0.6


def test_the_pages_fit_a_narrow_window(page, address: str, workspace: Workspace) -> None:
    page.set_viewport_size({"width": 400, "height": 850})
    open_item(page, address, known(workspace))
    for path in (None, "/queue?queue=all", "/rounds", "/agreement", "/quarantine"):
        if path:
            page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_claim_lights_its_region_and_a_click_plays_it(page, address: str, workspace: Workspace) -> None:
    open_item(page, address, known(workspace))
    page.hover("mark[data-claims]")
    assert page.locator("#overlay .region.on").count() == 1
    assert page.locator("li.claim.lit .measured").inner_text()
    page.click("li.claim .hear")
    until(page, "!document.getElementById('audio').paused && document.getElementById('audio').currentTime > 0")
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=IMAGES / "review-item.png")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=IMAGES / "review-item-dark.png")


def test_one_key_judges_and_u_takes_it_back(page, address: str, workspace: Workspace) -> None:
    chosen = known(workspace)
    open_item(page, address, chosen)
    page.uncheck("#advance")
    page.keyboard.press("c")
    page.keyboard.press("n")
    page.keyboard.press("Shift+Digit2")
    page.locator("body").press("2")
    page.wait_for_selector('#said[data-verdict="not_grounded"]')
    row = workspace.store.read(OVERRIDES).sort("made_at").to_dicts()[-1]
    assert (row["trace_id"], row["verdict"], row["correct"]) == (chosen, "not_grounded", True)
    assert [vote["verdict"] for vote in row["claims"]] == ["contradicted"]
    page.locator("body").press("u")
    page.wait_for_selector("#said:not([data-verdict])")
    assert workspace.store.read(OVERRIDES).sort("made_at")["verdict"].to_list()[-2:] == ["not_grounded", "withdrawn"]


def test_b_hides_the_machine_and_the_state_is_the_url(page, address: str, workspace: Workspace) -> None:
    open_item(page, address, known(workspace))
    assert page.locator(".decided").count() == 1
    page.keyboard.press("b")
    page.wait_for_url("**blind=1**")
    assert page.locator(".decided, .judges, mark.supported, mark.contradicted").count() == 0
    page.goto(f"{address}/queue?queue=all")
    page.select_option("#f-round", "2")
    page.wait_for_url("**round=2**")
    assert "queue=all" in page.url
    assert all("round 2" in text for text in page.locator(".row .about").all_inner_texts())
    page.screenshot(path=IMAGES / "review-queue.png")


def test_rounds_stand_side_by_side(page, address: str, workspace: Workspace) -> None:
    page.goto(f"{address}/diff/{known(workspace)}?queue=flipped")
    assert page.locator(".side-by-side").count() == 2
    assert page.locator(".claim-diff > li").count() >= 2
    page.screenshot(path=IMAGES / "review-diff.png")
    page.goto(f"{address}/rounds")
    assert page.locator(".chart").count() >= 3
    page.screenshot(path=IMAGES / "review-rounds.png")


def test_a_script_in_a_chain_is_text(page, address: str, workspace: Workspace) -> None:
    traces = workspace.store.read(TRACES, {"round": 2})
    hostile = next(row["trace_id"] for row in traces.iter_rows(named=True) if row["reasoning"] == HOSTILE)
    open_item(page, address, hostile)
    assert "<script>" in page.locator("#chain").inner_text()
    assert page.evaluate("window.hurt === undefined")
