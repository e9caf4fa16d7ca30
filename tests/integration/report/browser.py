"""A real browser without a window, spoken to through its DevTools protocol."""

from __future__ import annotations

import base64
import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import DEVNULL, Popen  # noqa: TID251  the runner waits for what it starts
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable")
_ROOMY = 1 << 27


@dataclass(kw_only=True)
class Browser:
    """One page in a browser, and everything that it has told us."""

    connection: ClientConnection
    session: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Carry out a method of the protocol and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.connection.send(json.dumps(message))
        while True:
            answer = json.loads(self.connection.recv(timeout=60))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.told.append(answer)

    def run(self, script: str) -> Any:
        """Return the value of a script in the page; what it throws fails the test."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, path: Path) -> None:
        """Load a file and wait until it is there."""
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("document.readyState === 'complete' && location.protocol === 'file:'")

    def wait_for(self, condition: str, seconds: float = 30) -> None:
        """Wait until a condition holds in the page."""
        deadline = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < deadline, f"never came true: {condition}"
            time.sleep(0.05)

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Give the page another size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip

    def prefer(self, scheme: str) -> None:
        """Ask pages for light or dark colours, as a system's setting does."""
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def screenshot(self, path: Path) -> None:
        """Save a picture of the whole page."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def events(self, *methods: str) -> list[dict[str, Any]]:
        """Return what the page has told of these kinds."""
        return [event["params"] for event in self.told if event.get("method") in methods]


def program() -> str:
    """Return the browser that scripts/setup installs."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    assert found, "there is no Chromium: scripts/setup installs it (Arch and Debian: chromium)"
    return found


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser that keeps its files in a folder; end it afterwards."""
    argv = [
        program(),
        "--headless=new",
        "--no-sandbox",  # containers and root have none
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    process = Popen(argv, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    try:
        port, path = _address(folder / "DevToolsActivePort", process)
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=_ROOMY, proxy=None) as connection:
            yield _page(Browser(connection=connection))
    finally:
        process.terminate()
        process.wait(30)


def _address(file: Path, process: Popen[bytes]) -> tuple[str, str]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the browser ended at once"
        lines = file.read_text().splitlines() if file.is_file() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        time.sleep(0.05)
    raise AssertionError("the browser never said where it listens")


def _page(page: Browser) -> Browser:
    target = page.call("Target.createTarget", url="about:blank")["targetId"]
    attached = page.call("Target.attachToTarget", targetId=target, flatten=True)
    page.session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
        page.call(f"{domain}.enable")
    return page
