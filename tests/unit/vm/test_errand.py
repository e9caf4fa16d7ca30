"""What the guest is told of a command."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pkgafdo.vm.errand import Errand, User, fill_share, order_text, writable_folders

NOBODY = User(name="nobody", uid=65534, gid=65533, home="/home/nobody")
ROOT = User(name="root", uid=0, gid=0, home="/root")


def errand(*command: str, folder: str = "/src", user: User = NOBODY, **environ: str) -> Errand:
    """Return an errand whose program lies in /usr/bin."""
    return Errand(
        command=command or ("ls",),
        program=f"/usr/bin/{(command or ('ls',))[0]}",
        folder=Path(folder),
        environ=environ,
        user=user,
    )


def run_words(text: str) -> list[str]:
    """Return the words of the function run() in an order."""
    words = shlex.split(text)
    return words[words.index("run()") + 2 : -1]


@pytest.mark.parametrize(
    ("folder", "home", "expected"),
    [
        ("/src", "/home/u", ["/home/u", "/src"]),
        ("/home/u/x", "/home/u", ["/home/u"]),
        ("/home", "/home/u", ["/home"]),
        ("/home/u", "/home/u", ["/home/u"]),
        ("/home/user", "/home/u", ["/home/u", "/home/user"]),
        ("/src", "/", ["/src"]),
        ("/", "/home/u", ["/home/u"]),
        ("/", "/", []),
    ],
)
def test_home_and_folder_become_writable_with_one_layer_for_each_place(folder, home, expected):
    user = User(name="u", uid=1, gid=1, home=home)
    found = writable_folders(errand(folder=folder, user=user))
    assert [str(place) for place in found] == expected


def test_the_command_runs_as_the_user_in_its_window():
    words = run_words(order_text(errand("make", "-j 2", PATH="/bin:/a b")))
    assert words == [
        "setpriv", "--reuid=65534", "--regid=65533", "--init-groups", "--",
        "env", "-i", "PATH=/bin:/a b",
        "/run/pkgafdo/window", "1", "/usr/bin/make", "-j 2",
    ]  # fmt: skip


def test_root_stays_root():
    assert run_words(order_text(errand(user=ROOT)))[0] == "env"


def test_a_user_without_a_name_has_no_other_groups():
    user = User(name="", uid=1234, gid=1234, home="/")
    assert "--clear-groups" in run_words(order_text(errand(user=user)))


def test_words_that_a_shell_would_take_apart_stay_whole():
    nasty = "a'b $(rm) `x` \n;&|"
    text = order_text(errand("echo", nasty, folder="/a b/'c", X=nasty))
    assert (
        run_words(text)[-4:]
        == [f"X={nasty}", "/run/pkgafdo/window", "1", "/usr/bin/echo", nasty][1:]
    )
    assert f"X={nasty}" in run_words(text)
    assert {"writable", "/a b/'c", "folder=/a b/'c"} <= set(shlex.split(text))


def test_the_shared_folder_holds_all_that_the_guest_needs(tmp_path):
    window = tmp_path / "window"
    window.write_bytes(b"static")
    window.chmod(0o755)
    share = tmp_path / "share"
    share.mkdir()
    fill_share(share, errand(), window)
    assert sorted(path.name for path in share.iterdir()) == [
        "errand.sh", "order", "output", "report", "window",
    ]  # fmt: skip
    assert (share / "window").stat().st_mode & 0o111
    assert (share / "output").read_bytes() == b""


def test_a_recorder_runs_as_root_in_front_of_the_user_s_command():
    text = order_text(errand("make"), ("perf", "record", "-o", "-", "--"))
    assert run_words(text)[:6] == ["perf", "record", "-o", "-", "--", "setpriv"]
    assert "stream=$share/perf.data" in text.splitlines()
    assert "stream=" not in order_text(errand("make"))
