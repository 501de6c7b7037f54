import base64
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.answer import ModelStatus
from tests.serving.faces.browser import CHROMIUM, DRIVER, ENTER, TAB, Browser, enter_key, wait_for
from tests.serving.faces.test_http_admin import FakeAdmin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
FIRST_RESULT = "#results li:first-child"
_DROP = """
const data = new DataTransfer();
const bytes = Uint8Array.from(atob(arguments[1]), (letter) => letter.charCodeAt(0));
data.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
const event = arguments[0] === "drop"
  ? new DragEvent("drop", { dataTransfer: data, bubbles: true })
  : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
document.body.dispatchEvent(event);
"""


def test_pictures_models_and_administration(
    browse: Callable[..., Browser], admin: FakeAdmin, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    browser = browse()
    wait_for(lambda: "a key is needed" in browser.text("#notice"))
    enter_key(browser)
    wait_for(lambda: browser.text("#notice") == "")
    assert browser.text("#health") == "ready"

    path = tmp_path / "a.png"
    path.write_bytes(picture(16, 6))
    browser.type("#files", str(path))
    wait_for(lambda: "16x6" in browser.text(FIRST_RESULT))
    assert "digits 1.2" in browser.text(FIRST_RESULT)
    assert "75.0 %" in browser.text(FIRST_RESULT)
    for way, width in (("drop", 8), ("paste", 9)):
        browser.run(_DROP, way, base64.b64encode(picture(width, 4)).decode())
        wait_for(lambda width=width: f"{width}x4" in browser.text(FIRST_RESULT))
    path.write_bytes(b"no picture")
    browser.type("#files", str(path))
    wait_for(lambda: "Invalid Image Format" in browser.text(FIRST_RESULT))
    assert browser.run("return document.querySelectorAll('#results li').length") == 4

    models = browser.text("#models")
    assert "98.70 %" in models
    assert "8 golden ✓" in models
    assert "12.3 ms" in models
    assert "YAML: 4.5 ms" in models
    assert "<b>digest</b> differs" in models  # as text
    assert "/models cannot be read" in browser.text("#concerns")
    assert "Several models answer to size 160x60" in browser.text("#concerns")
    for label in ("Unload digits 1.2", "Roll back digits 1.2", "Pin digits 1.1"):
        browser.click(f"[aria-label='{label}']")
    wait_for(lambda: len(admin.asked) == 3)
    assert sorted(admin.asked) == [("pin", "digits", "1.1"), ("rollback", "digits"), ("unload", "digits")]
    wait_for(lambda: browser.run("return document.querySelector('[data-chart=memory] path.first').getAttribute('d')"))
    browser.click("#clear")
    assert browser.text("#results") == ""


FOCUS = "return document.activeElement.getAttribute('aria-label') || document.activeElement.id"


def test_what_changes_nothing_can_be_asked_again_and_keeps_the_focus(
    browse: Callable[..., Browser], admin: FakeAdmin, plane: Any
) -> None:
    browser = browse()
    enter_key(browser)
    for times in (1, 2):
        browser.run("document.querySelector(\"[aria-label='Unpin digits 1.2']\").focus()")
        browser.press(ENTER)
        wait_for(lambda times=times: admin.asked == [("unpin", "digits")] * times)
        wait_for(lambda: not browser.run("return document.querySelector('#models [aria-disabled]')"))
        assert browser.run(FOCUS) == "Unpin digits 1.2"
    browser.run("document.querySelector(\"[aria-label='Unload digits 1.2']\").focus()")
    plane.statuses = [ModelStatus("digits", "1.2", "draining", "unloaded by an operator")]
    browser.press(ENTER)
    wait_for(lambda: browser.run(FOCUS) == "models-title")


def test_a_roll_back_is_offered_where_there_is_a_lower_version(browse: Callable[..., Browser], plane: Any) -> None:
    plane.statuses = [
        ModelStatus("one", "1.10", "active"),
        ModelStatus("one", "1.9", "standby"),
        ModelStatus("two", "1.0", "active"),
        ModelStatus("two", "0.9", "rejected"),
        ModelStatus("two", "1.1", "discovered"),
    ]
    browser = browse()
    browser.click("#key-box summary")
    browser.type("#key", "boss" + ENTER)
    wait_for(lambda: "two" in browser.text("#models"))
    offered = browser.run("return [...document.querySelectorAll('[aria-label^=Roll]')].map((one) => one.ariaLabel)")
    assert offered == ["Roll back one 1.10"]


_DROP_MANY = """
const data = new DataTransfer();
const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
for (let at = 0; at < arguments[1]; at += 1) data.items.add(new File([bytes], `${at}.png`, { type: "image/png" }));
document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
"""


def test_of_many_pictures_each_has_its_result_and_older_ones_make_room(
    browse: Callable[..., Browser], plane: Any, picture: Callable[..., bytes]
) -> None:
    browser = browse()
    enter_key(browser)
    done = "return document.querySelectorAll('#results [data-done]').length"
    for many in (3, 130):
        browser.run(_DROP_MANY, base64.b64encode(picture(16, 6)).decode(), many)
        wait_for(lambda many=many: browser.run(done) == many)
    assert browser.text("#results").count("16x6") == 130
    plane.gate = threading.Event()
    asked = len(plane.calls)
    browser.run(_DROP_MANY, base64.b64encode(picture(16, 6)).decode(), 20)
    browser.click("#clear")
    plane.gate.set()
    wait_for(lambda: browser.run("return running") == 0)
    assert len(plane.calls) - asked < 10
    assert browser.text("#results") == ""


def test_a_service_that_hangs_is_told(browse: Callable[..., Browser]) -> None:
    browser = browse()
    enter_key(browser)
    wait_for(lambda: browser.text("#health") == "ready")
    browser.run("""
        const timeout = AbortSignal.timeout.bind(AbortSignal);
        AbortSignal.timeout = () => timeout(50);
        window.fetch = (_, { signal }) => new Promise((_, refuse) => {
            signal.addEventListener("abort", () => refuse(signal.reason));
        });
    """)
    wait_for(lambda: browser.text("#health") == "not reachable")
    assert "does not answer" in browser.text("#notice")


def test_load_of_every_route_that_reads_is_charted(browse: Callable[..., Browser]) -> None:
    routes = [
        "/captcha/v1",
        "/captcha",
        "/v2/models/<name>/infer",
        "predict",
        "/metrics",
        "none",
        "/ping",
        "/v2/models",
    ]
    charted = browse().run("return arguments[0].filter((route) => reads({ route }))", routes)
    assert charted == routes[:4]


def test_nobody_is_told_that_there_is_no_model_before_it_is_known(browse: Callable[..., Browser], plane: Any) -> None:
    browser = browse()
    wait_for(lambda: "a key is needed" in browser.text("#notice"))
    shown = "return ['models', 'no-models'].filter((name) => !document.getElementById(name).hidden)"
    assert browser.run(shown) == []
    plane.statuses = []
    browser.click("#key-box summary")
    browser.type("#key", "boss" + ENTER)
    wait_for(lambda: browser.run(shown) == ["no-models"])


def test_a_reading_between_gaps_is_drawn(browse: Callable[..., Browser]) -> None:
    outline = "return outline([1, null, 2, null, 3, 4, null], 5)"
    assert browse().run(outline) == "M52.5 80.00H53.5M54.5 60.00H55.5M57 40.00L58 20.00"


def test_a_model_that_was_unloaded_can_be_loaded(browse: Callable[..., Browser], plane: Any, admin: FakeAdmin) -> None:
    browser = browse()
    enter_key(browser)
    assert not browser.run("return document.querySelector(\"[aria-label^='Load ']\")")
    closed = "closed after its last request"
    plane.statuses = [ModelStatus("digits", version, "unloaded", closed) for version in ("1.10", "1.9")]
    wait_for(lambda: browser.run("return document.querySelector(\"[aria-label='Load digits 1.10']\")"))
    assert len(browser.run("return [...document.querySelectorAll(\"[aria-label^='Load ']\")]")) == 1
    browser.click("[aria-label='Load digits 1.10']")
    wait_for(lambda: admin.asked == [("load", "digits")])


def test_the_keyboard_alone_reaches_everything(browse: Callable[..., Browser], admin: FakeAdmin) -> None:
    browser = browse()
    reached: list[str] = []
    browser.run("document.addEventListener('click', (event) => { window.clicked = event.target.id; }, true)")

    def tab_to(wanted: str) -> None:
        for _ in range(30):
            browser.press(TAB)
            seen = browser.run(
                "const at = document.activeElement; return at.getAttribute('aria-label') || at.id || at.tagName"
            )
            reached.append(seen)
            if seen == wanted:
                return
        pytest.fail(f"{wanted} is not reached, only {reached}")

    tab_to("SUMMARY")
    browser.press(ENTER)
    tab_to("key")
    browser.press(*"boss", ENTER)
    wait_for(lambda: "digits" in browser.text("#models"))
    tab_to("drop")
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    browser.run("document.getElementById('files').addEventListener('click', (event) => event.preventDefault())")
    browser.press(ENTER)
    assert browser.run("return window.clicked") == "files"
    tab_to("Roll back digits 1.2")
    browser.press(ENTER)
    wait_for(lambda: admin.asked == [("rollback", "digits")])


@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_sticks_out_at_any_width(browse: Callable[..., Browser], width: int, *, dark: bool) -> None:
    browser = browse(width, dark=dark)
    enter_key(browser)
    page, window = browser.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert page <= window <= width
    contrast = brightness(browser, "color") - brightness(browser, "backgroundColor")
    assert (contrast if dark else -contrast) > 128


def brightness(browser: Browser, which: str) -> float:
    color = browser.run(f"return getComputedStyle(document.body).{which}")
    parts = [float(part) for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    return sum(parts) / 3
