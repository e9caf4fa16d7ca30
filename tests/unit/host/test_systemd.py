"""Units of systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.host import systemd
from pkgafdo.runner.command import RunAs


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("plain-word/1.2:x=y", "plain-word/1.2:x=y"),
        ("two words", '"two words"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("100%", '"100%%"'),
        ("$HOME", '"$HOME"'),
        ("", '""'),
        ("ümlaut", '"ümlaut"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(word: str, text: str) -> None:
    assert systemd.quoted(word) == text


def test_a_command_line_expands_no_variable() -> None:
    assert systemd.command_line(["/bin/x", "$HOME y"]) == '/bin/x "$$HOME y"'


def test_each_manager_has_its_folder_target_and_rights() -> None:
    user = systemd.user_manager(Path("/home/ada/.config"))
    system = systemd.system_manager(Path("/"))
    assert user.folder == Path("/home/ada/.config/systemd/user")
    assert system.folder == Path("/etc/systemd/system")
    assert user.command("enable", "x").argv == ("systemctl", "--user", "enable", "x")
    assert user.command("enable", "x").run_as is RunAs.SELF
    assert system.command("enable", "x").argv == ("systemctl", "enable", "x")
    assert system.command("enable", "x").run_as is RunAs.ROOT
    assert (user.target, system.target) == ("default.target", "multi-user.target")


def test_a_path_is_not_expanded() -> None:
    assert systemd.path_value(Path("/srv/100%/it")) == "/srv/100%%/it"
