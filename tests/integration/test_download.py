"""Downloads from a real server on the loopback interface."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from pkgafdo.download import download
from pkgafdo.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

CONTENT = bytes(range(256)) * 20_000
SHA = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serve CONTENT with ranges; /cut breaks off in the middle the first time."""

    asked: list[str | None]
    cut: bool

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        body = CONTENT[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if type(self).cut and not wanted:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("Fresh", (Handler,), {"asked": [], "cut": False})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/linux.tar.xz", handler
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_a_file_is_downloaded_and_verified(tmp_path, server):
    url, _ = server
    assert download(url, sha256=SHA, target=tmp_path / "linux").read_bytes() == CONTENT


def test_a_connection_that_breaks_is_told_and_the_next_run_goes_on(tmp_path, server):
    url, handler = server
    handler.cut = True
    target = tmp_path / "linux"
    with pytest.raises(HostError, match="could not be downloaded"):
        download(url, sha256=SHA, target=target)
    assert not target.exists()
    assert download(url, sha256=SHA, target=target).read_bytes() == CONTENT
    assert handler.asked[0] is None
    assert handler.asked[1] is not None
    assert int(handler.asked[1].removeprefix("bytes=").removesuffix("-")) > 0


def test_a_server_that_is_not_there_is_a_host_error(tmp_path):
    with pytest.raises(HostError, match="could not be downloaded"):
        download("http://127.0.0.1:9/x", sha256=SHA, target=tmp_path / "x")
