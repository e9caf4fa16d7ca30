"""Where the running kernel lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

from pkgafdo.host.kallsyms import kernel_address


def system(folder: Path, text: str) -> Path:
    (folder / "proc").mkdir()
    (folder / "proc/kallsyms").write_text(text, encoding="ascii")
    return folder


def test_text_comes_before_stext(tmp_path: Path) -> None:
    text = (
        "0000000000000000 A fixed_percpu_data\nffffffff9a000040 T _stext\n"
        "ffffffff9a000000 T startup_64\nffffffff9a000000 T _text\nffffffffc0001000 t f\t[ext4]\n"
    )
    assert kernel_address(system(tmp_path, text)) == ("_text", 0xFFFFFFFF9A000000)


def test_stext_serves_where_there_is_no_text(tmp_path: Path) -> None:
    root = system(tmp_path, "ffffffff9a000040 T _stext\n")
    assert kernel_address(root) == ("_stext", 0xFFFFFFFF9A000040)


def test_hidden_addresses_are_none(tmp_path: Path) -> None:
    root = system(tmp_path, "0000000000000000 T _stext\n0000000000000000 T _text\n")
    assert kernel_address(root) is None


def test_a_machine_without_it_has_none(tmp_path: Path) -> None:
    assert kernel_address(tmp_path) is None
