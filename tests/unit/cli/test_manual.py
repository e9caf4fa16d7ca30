"""Completions and manual pages come from the verbs, and troff takes them as text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click
import pytest

from pkgafdo.cli.main import cli, main
from pkgafdo.cli.manual import SHELLS, completion, manual_pages

if TYPE_CHECKING:
    from pathlib import Path

REQUESTS = {"TH", "SH", "PP", "TP", "B", "BR"}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return manual_pages(cli, "1.2.3")


def test_every_verb_has_a_page(pages: dict[str, str]) -> None:
    verbs = set(cli.commands)
    assert {f"pkgafdo-{verb}.1" for verb in verbs} | {"pkgafdo.1"} <= pages.keys()
    assert "pkgafdo-measure-host.1" in pages
    assert "pkgafdo-profile-convert.1" in pages
    assert "pkgafdo-record-service-install.1" in pages


def test_pages_hold_nothing_that_troff_would_take_for_a_request(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        for line in text.splitlines():
            if line.startswith((".", "'")):
                assert line[1:].split()[0] in REQUESTS, (name, line)
            assert not re.search(r"\\(?![e\-&])", line), (name, line)


def test_every_option_is_in_its_page(pages: dict[str, str]) -> None:
    text = pages["pkgafdo-measure-host.1"].replace("\\-", "-")
    for option in ("--bench", "--repeats", "--plan", "--json", "--quiet"):
        assert option in text


def test_the_programs_page_lists_verbs_and_exit_codes(pages: dict[str, str]) -> None:
    text = pages["pkgafdo.1"]
    for heading in ("NAME", "SYNOPSIS", "COMMANDS", '"EXIT STATUS"', '"ENVIRONMENT"', "SEE ALSO"):
        assert f".SH {heading}\n" in text
    assert ".B report\n" in text
    assert "pkgafdo 1.2.3" in text


def test_a_table_in_a_description_keeps_its_rows(pages: dict[str, str]) -> None:
    assert ".TP\n.B preagg\nfor perf2bolt \\-pa\n" in pages["pkgafdo-branches-export.1"]


def test_texts_that_look_like_requests_stay_texts() -> None:
    @click.command("x", help=".so /etc/passwd\n\n'br and \\fB back-slash")
    def verb() -> None: ...

    text = manual_pages(verb, "0")["pkgafdo.1"]
    assert "\\&.so /etc/passwd" in text
    assert "\\&'br and \\efB back\\-slash" in text


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = completion(shell, cli)
    assert "_PKGAFDO_COMPLETE" in script
    assert f"{shell}_complete" in script
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out.rstrip("\n") == script.rstrip("\n")


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err


def test_pages_are_written_into_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["manual", str(tmp_path / "man1"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in (tmp_path / "man1").iterdir()) == data["pages"]
