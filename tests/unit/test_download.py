from __future__ import annotations

import hashlib
import io

import pytest
import requests
from requests.adapters import BaseAdapter

from pkgafdo.download import download, fetch
from pkgafdo.errors import ArtifactError, HostError

URL = "https://example.org/linux.tar.xz"
CONTENT = bytes(range(256)) * 40
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseAdapter):
    """Serve CONTENT from memory; remember what was asked for."""

    def __init__(self, content: bytes = CONTENT, *, ranges: bool = True, status: int = 200) -> None:
        super().__init__()
        self.content, self.ranges, self.status = content, ranges, status
        self.asked: list[str | None] = []

    def send(self, request, *args, **kwargs):
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        response = requests.Response()
        response.request, response.url, response.status_code = request, request.url, self.status
        body = self.content
        if wanted and self.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            response.status_code = 206 if start < len(body) else 416
            body = body[start:]
        response.headers["Content-Length"] = str(len(body))
        response.raw = io.BytesIO(body)
        return response

    def close(self) -> None:
        """Nothing is open."""


class Dead(Server):
    """A network that breaks."""

    def send(self, request, *args, **kwargs):
        raise requests.ConnectionError("no route to host")


def session(server: BaseAdapter) -> requests.Session:
    made = requests.Session()
    made.mount("https://", server)
    return made


def partial(target):
    return target.with_name(f".{target.name}.{SHA[:16]}.part")


def test_a_verified_download_gets_its_name_and_nothing_else_stays(tmp_path):
    target = tmp_path / "cache/linux.tar.xz"
    seen: list[tuple[int, int]] = []
    got = download(
        URL, sha256=SHA, target=target, session=session(Server()),
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert got == target
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["linux.tar.xz"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path):
    target = tmp_path / "linux.tar.xz"
    partial(target).write_bytes(CONTENT[:1000])
    server = Server()
    seen: list[tuple[int, int]] = []
    download(
        URL, sha256=SHA, target=target, session=session(server),
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert server.asked == ["bytes=1000-"]
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_server_without_ranges_is_read_from_the_start(tmp_path):
    target = tmp_path / "linux.tar.xz"
    partial(target).write_bytes(b"x" * 1000)
    download(URL, sha256=SHA, target=target, session=session(Server(ranges=False)))
    assert target.read_bytes() == CONTENT


def test_a_part_that_was_whole_already_is_only_verified(tmp_path):
    target = tmp_path / "linux.tar.xz"
    partial(target).write_bytes(CONTENT)
    download(URL, sha256=SHA, target=target, session=session(Server()))
    assert target.read_bytes() == CONTENT


def test_a_file_that_is_there_and_right_is_not_asked_for(tmp_path):
    target = tmp_path / "linux.tar.xz"
    target.write_bytes(CONTENT)
    assert download(URL, sha256=SHA, target=target, session=session(Dead())) == target


def test_a_wrong_checksum_shows_both_and_keeps_nothing(tmp_path):
    target = tmp_path / "linux.tar.xz"
    with pytest.raises(ArtifactError, match="not the file that was pinned") as caught:
        download(URL, sha256=SHA, target=target, session=session(Server(b"tampered")))
    assert SHA in caught.value.details
    assert hashlib.sha256(b"tampered").hexdigest() in caught.value.details
    assert list(tmp_path.iterdir()) == []


def test_a_broken_network_names_the_manual_way_and_keeps_what_arrived(tmp_path):
    target = tmp_path / "linux.tar.xz"
    partial(target).write_bytes(CONTENT[:10])
    with pytest.raises(HostError, match="could not be downloaded") as caught:
        download(URL, sha256=SHA, target=target, session=session(Dead()))
    assert str(target) in caught.value.hint
    assert "no route to host" in caught.value.details
    assert partial(target).read_bytes() == CONTENT[:10]


def test_a_missing_file_on_the_server_is_a_network_error(tmp_path):
    with pytest.raises(HostError, match="could not be downloaded") as caught:
        download(URL, sha256=SHA, target=tmp_path / "x", session=session(Server(status=404)))
    assert "404" in caught.value.details
    assert not (tmp_path / "x").exists()


def test_what_nobody_has_pinned_gets_its_name_when_all_of_it_is_there(tmp_path):
    target = tmp_path / "x.patch"
    assert fetch(URL, target, session=session(Server())) == target
    assert target.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(HostError, match="could not be downloaded"):
        fetch(URL, tmp_path / "other", session=session(Dead()))
    assert not (tmp_path / "other").exists()
