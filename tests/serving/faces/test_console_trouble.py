"""What the console says when something is wrong, and what it does not."""

from collections.abc import Callable

import pytest

from tests.serving.faces.browser import CHROMIUM, DRIVER, ENTER, Browser, enter_key, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
# `broken` names a path that a proxy answers from now on.
_PROXY = """
const real = window.fetch.bind(window);
window.broken = arguments[0];
window.fetch = async (path, options) => path === window.broken || options.method === window.broken
  ? new Response("<html>", { status: arguments[1], statusText: "So It Is" })
  : real(path, options);
"""
NOTHING = "\N{EN DASH}"
_READ = "return [...document.querySelectorAll('#models .read')].map((cell) => cell.textContent)"


def test_a_restart_is_a_gap(browse: Callable[..., Browser]) -> None:
    shown = browse().run("""
        const samples = (count) => [
          { name: "cps_requests_total", labels: { route: "/captcha/v1" }, value: count },
          { name: "cps_request_seconds_bucket", labels: { route: "/captcha/v1", le: "0.1" }, value: count },
        ];
        before = null;
        return [50, 20, 25].map((count) => {
          showLoad(samples(count));
          return [charts.rate.output.textContent, charts.latency.output.textContent, charts.rate.series[0].at(-1)];
        });
    """)
    assert shown[1] == [NOTHING, NOTHING, None]
    assert shown[2][2] > 0


def test_looks_come_one_after_the_other_and_nobody_gets_an_older_one(browse: Callable[..., Browser]) -> None:
    browser = browse()
    enter_key(browser)
    most, looks = browser.run("""
        const real = window.fetch.bind(window);
        let now = 0, most = 0, looks = 0;
        window.fetch = async (path, options) => {
          now += 1;
          most = Math.max(most, now);
          looks += path === "/v2/health/ready";
          await new Promise((done) => setTimeout(done, 50));
          try { return await real(path, options); } finally { now -= 1; }
        };
        return (async () => {
          while (looking) await looking;
          looks = 0;
          await Promise.all([look(), look(), look()]);
          return [most, looks];
        })();
    """)
    assert most == 1
    assert looks >= 2  # that which begins, and another for those who ask meanwhile


def test_a_key_that_cannot_be_sent_is_not_taken(browse: Callable[..., Browser]) -> None:
    browser = browse()
    wait_for(lambda: browser.text("#health") == "ready")
    browser.click("#key-box summary")
    browser.type("#key", "ключ" + ENTER)
    assert (
        browser.run("return document.querySelector('#key:invalid') !== null && sessionStorage.getItem('key')") is None
    )
    assert browser.run("return look().then(() => document.getElementById('health').textContent)") == "ready"


def test_a_defect_is_not_taken_for_a_service_that_is_gone(browse: Callable[..., Browser]) -> None:
    browser = browse()
    enter_key(browser)
    browser.run("window.showModels = () => { throw new TypeError('a defect'); }")
    wait_for(lambda: "a defect" in browser.text("#notice"))
    assert browser.text("#health") == "ready"


@pytest.mark.parametrize(("status", "said"), [(403, "a key of scope metrics"), (502, "502 So It Is")])
def test_without_metrics_nobody_is_told_that_nothing_was_read(
    browse: Callable[..., Browser], status: int, said: str
) -> None:
    browser = browse()
    enter_key(browser)
    wait_for(lambda: "4" in browser.run(_READ))
    browser.run(_PROXY, "/metrics", status)
    wait_for(lambda: set(browser.run(_READ)) == {NOTHING})
    assert said in browser.text("#no-metrics")


def test_what_went_wrong_with_a_click_stays(browse: Callable[..., Browser]) -> None:
    browser = browse()
    enter_key(browser)
    browser.run(_PROXY, "/v2/models", 502)
    wait_for(lambda: "502 So It Is" in browser.text("#notice"))
    browser.run("window.broken = 'POST'; document.querySelector(\"[aria-label='Unpin digits 1.2']\").click()")
    wait_for(lambda: not browser.run("return document.querySelector('#models [aria-disabled]')"))
    assert browser.run("return look().then(() => document.getElementById('notice').textContent)") == (
        "The answer is 502 So It Is."
    )
    browser.run("window.broken = ''; document.querySelector(\"[aria-label='Unpin digits 1.2']\").click()")
    wait_for(lambda: browser.text("#notice") == "")
