"""The environment of child processes."""

from __future__ import annotations

import pytest

from pkgafdo.host.environment import child_environment


def test_settings_that_change_a_build_do_not_reach_the_children() -> None:
    dirty = dict.fromkeys(
        ("CFLAGS", "LDFLAGS", "MAKEFLAGS", "CI", "KBUILD_OUTPUT", "LC_ALL", "PYTHONPATH"), "x"
    )
    assert child_environment(dirty | {"PATH": "/bin"}) == {
        "PATH": "/bin:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
    }


@pytest.mark.parametrize("name", ["HOME", "TERM", "TMPDIR", "https_proxy", "SSL_CERT_FILE"])
def test_what_children_need_is_passed_on(name: str) -> None:
    assert child_environment({name: "value"})[name] == "value"


def test_an_empty_variable_is_left_out() -> None:
    assert "https_proxy" not in child_environment({"https_proxy": ""})


def test_the_search_path_has_system_folders_once_and_no_relative_ones() -> None:
    path = child_environment({"PATH": "/sbin:.::bin:/opt/bin"})["PATH"]
    assert path == "/sbin:/opt/bin:/usr/sbin"


def test_without_a_search_path_there_is_a_default() -> None:
    assert child_environment({})["PATH"].split(":")[:2] == ["/usr/local/bin", "/usr/bin"]
