"""A browser that a test can click in: Chromium through chromedriver's own protocol (WebDriver of the W3C)."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

_T = TypeVar("_T")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
ENTER, TAB, ESCAPE = "\ue007", "\ue004", "\ue00c"
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window."""

    def __init__(self, folder: Path, width: int, *, dark: bool = False) -> None:
        assert CHROMIUM
        assert DRIVER
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._driver = subprocess.Popen(
            [DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._http = requests.Session()
        self._url = f"http://127.0.0.1:{port}"
        try:
            wait_for(self._driver_is_up, 30)
            flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            options = {"binary": CHROMIUM, "args": [*flags, f"--user-data-dir={folder}"]}
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
            self._url += f"/session/{answer['sessionId']}"
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
            self._devtools("Emulation.setDeviceMetricsOverride", size)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            self._devtools("Emulation.setEmulatedMedia", {"features": [scheme]})
        except BaseException:
            self.close()
            raise

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def click(self, selector: str) -> None:
        self._call("POST", f"/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        self._call("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def run(self, script: str, *arguments: object) -> Any:
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def close(self) -> None:
        with contextlib.suppress(requests.RequestException, AssertionError):
            self._call("DELETE", "", None)
        self._http.close()
        self._driver.terminate()
        self._driver.wait(10)

    def _find(self, selector: str) -> str:
        return str(self._call("POST", "/element", {"using": "css selector", "value": selector})[_ELEMENT])

    def _devtools(self, command: str, parameters: dict[str, Any]) -> None:
        self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _driver_is_up(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return bool(self._call("GET", "/status", None)["ready"])
        return False

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        value = self._http.request(method, self._url + path, json=body, timeout=60).json()["value"]
        assert not (isinstance(value, dict) and "error" in value), value
        return value


def wait_for(look: Callable[[], _T], seconds: float = 15) -> _T:
    """Return what a look returns as soon as it is something."""
    until = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < until, "it never came to be seen"
        time.sleep(0.05)
    return seen


def enter_key(browser: Browser) -> None:
    browser.click("#key-box summary")
    browser.type("#key", "boss" + ENTER)
    wait_for(lambda: "digits" in browser.text("#models"))
