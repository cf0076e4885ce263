"""The pages in a real browser: they fit every screen, can be read by everybody, and nothing is blocked or missing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from embedded import ServerUrls
from loyalty.programs.presets import get_preset
from tests.browsers import HELP, find_browser
from tests.builders import make_document, make_runtime, make_shop
from tests.databases import Database
from tests.rich_program import RICH
from webhook_app import create_app
from webhook_app.tools import TOOLS

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
LANGUAGES = ("zh-TW", "zh-CN", "en")
WIDTHS = (320, 768, 1280)
LONG = "Supercalifragilisticexpialidocious" * 2
ENDLESS = make_document(
    points_name={"en": LONG, "zh-TW": "點" * 40},
    tiers=[
        {"key": str(rank), "name": {"en": f"{LONG}{rank}", "zh-TW": "級" * 50}, "benefits": {"perks": [{"en": LONG}]}}
        for rank in range(7)
    ],
    earning={"excluded": {"skus": [f"{LONG}-{number}" for number in range(20)]}},
)  # fmt: skip
"""Names without a place to break, and a ladder of seven tiers."""


@dataclass(frozen=True, slots=True)
class Site:
    """A running web with the paths of pages of some accounts by what is on them."""

    url: str
    paths: dict[str, str]


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(module_database: Database, servers: ServerUrls) -> Iterator[Site]:
    runtime = make_runtime(module_database.app_url, module_database.owner_url, servers.redis)
    documents = {path.stem: json.loads(path.read_text()) for path in sorted(EXAMPLES.glob("*.json"))}
    documents |= {"rich": RICH, "endless": ENDLESS, "preset": get_preset("cards4")}
    shops = {name: make_shop(runtime, document) for name, document in documents.items()}
    paths = {name: f"/rules/{shop.store.key}" for name, shop in shops.items()}
    app = create_app(runtime.settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.port}", {**paths, "missing": "/rules/none", "link": "/links/x"})
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions[TOOLS].database.dispose()
    runtime.database.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_browser()
    assert path, HELP
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose complaints fail the test."""
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("console", lambda said: complaints.append(said.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("requestfailed", lambda request: complaints.append(f"{request.failure} {request.url}"))
    yield opened
    # An icon may still be on its way when the next page is opened.
    complaints = [each for each in complaints if not each.startswith("net::ERR_ABORTED")]
    # What a browser says of a page whose status is 404 is no complaint about what is on it.
    assert [each for each in complaints if "404 (NOT FOUND)" not in each] == []


OVERFLOWING = """() => {
  const wide = document.documentElement.clientWidth;
  const out = [...document.querySelectorAll('body *:not(.skip)')].filter(it => {
    const box = it.getBoundingClientRect();
    const isCut = it.clientWidth && it.scrollWidth > it.clientWidth + 1;
    return box.width && (box.right > wide + 0.5 || box.left < -0.5 || isCut);
  });
  return [document.documentElement.scrollWidth - wide, out.map(it => it.tagName + ' ' + it.textContent.slice(0, 40))];
}"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_s144_no_page_scrolls_sideways(site: Site, page: Page, width: int, language: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name, path in site.paths.items():
        page.goto(f"{site.url}{path}?language={language}")
        assert page.evaluate(OVERFLOWING) == [0, []], name
        assert page.evaluate("document.documentElement.clientWidth") == width


@pytest.mark.parametrize("width", [320, 1280])
def test_text_of_twice_the_size_fits_too(site: Site, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("rich", "drugstore", "link"):
        page.goto(f"{site.url}{site.paths[name]}?language=en")
        page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert page.evaluate(OVERFLOWING)[0] == 0, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_them(site: Site, page: Page, scheme: Any) -> None:
    """Contrast, headings, landmarks, names of links: the rules of axe for WCAG 2.2 AA and its good practice."""
    page.emulate_media(color_scheme=scheme)
    axe, backgrounds = Axe(), set()
    for name, language in (("rich", "zh-TW"), ("cafe", "en"), ("missing", "zh-CN"), ("link", "en")):
        page.goto(f"{site.url}{site.paths[name]}?language={language}")
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == {"rgb(245, 246, 242)" if scheme == "light" else "rgb(17, 22, 19)"}


def test_the_keyboard_leads_past_the_menu_to_the_rules(site: Site, page: Page) -> None:
    page.goto(f"{site.url}{site.paths['cafe']}?language=en")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("it => it === document.activeElement && it.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.text_content() == "Who takes part"
    assert focused.evaluate("it => getComputedStyle(it).outlineWidth") == "3px"


def test_the_contents_lead_to_their_sections(site: Site, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{site.url}{site.paths['cafe']}?language=en")
    page.get_by_role("link", name="Tiers", exact=True).click()
    heading = page.get_by_role("heading", name="Tiers", exact=True)
    assert 0 <= heading.evaluate("it => it.getBoundingClientRect().top") < 200


def test_the_language_is_changed_by_a_link(site: Site, page: Page) -> None:
    page.goto(f"{site.url}{site.paths['cafe']}?language=en")
    page.get_by_role("link", name="繁體中文").click()
    assert page.get_by_role("heading", level=1).text_content() == "會員規則"


def test_on_paper_there_are_the_rules_and_no_menus(site: Site, page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(f"{site.url}{site.paths['cafe']}?language=en")
    assert page.get_by_role("navigation").count() == 0
    assert page.get_by_role("heading", name="Gold", exact=True).is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
