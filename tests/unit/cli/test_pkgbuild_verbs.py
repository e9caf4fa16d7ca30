"""pkgbuild new, from the command line to the files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files
from pkgafdo.cli.main import main
from pkgafdo.pipeline.workdir import locked
from pkgafdo.profile.provenance import Provenance, write_provenance
from tests.unit.pipeline.stages import entry, file_record

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "CONFIG_64BIT=y\nCONFIG_MODULES=y\n"
SUM = "ab" * 64


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "my.config"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.afdo"
    path.write_bytes(b"main:1:1\n 1: 1\n")
    return path


def new(folder: Path, *options: object) -> int:
    return main(["pkgbuild", "new", str(folder), *(str(one) for one in options)])


def refused(folder: Path, capsys: pytest.CaptureFixture[str], code: int, *options: object) -> str:
    before = sorted(folder.parent.rglob("*"))
    assert new(folder, *options) == code
    assert sorted(folder.parent.rglob("*")) == before
    out, err = capsys.readouterr()
    assert out == ""
    return err


def b2(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def test_a_first_round_is_written_and_described(tmp_path, config, capsys) -> None:
    folder = tmp_path / "linux-mine"
    options = ("--name", "mine", "--version", "6.18.54", "--config-file", config, "--sum", SUM)
    assert new(folder, *options, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["files"] == [".SRCINFO", "PKGBUILD", "config"]
    assert result["packages"] == ["linux-mine", "linux-mine-headers", "linux-mine-debug"]
    assert result["profile"] == ""
    text = (folder / "PKGBUILD").read_text()
    assert "linux/kernel/v6.x/linux-6.18.54.tar.xz\n" in text
    assert f"  {b2(folder / 'config')}\n" in text
    assert (folder / "config").read_text() == CONFIG
    assert f"\tb2sums = {SUM}\n" in (folder / ".SRCINFO").read_text()


def test_a_kernel_older_than_autofdo_is_written_with_a_warning(tmp_path, config, capsys) -> None:
    options = ("--version", "6.12.47", "--config-file", config, "--sum", SUM)
    assert new(tmp_path / "old", *options) == 0
    assert "Linux 6.12.47 is older than 6.13" in " ".join(capsys.readouterr().err.split())
    assert new(tmp_path / "new", "--version", "6.13", *options[2:]) == 0
    assert "older" not in capsys.readouterr().err


def test_packages_provide_what_the_configuration_has_modules_for(tmp_path, config) -> None:
    config.write_text(
        CONFIG + "CONFIG_WIREGUARD=m\nCONFIG_SMB_SERVER=y\n# CONFIG_NTSYNC is not set\n"
    )
    options = ("--version", "6.18.54", "--config-file", config, "--sum", SUM)
    assert new(tmp_path / "d", *options) == 0
    lines = (tmp_path / "d/.SRCINFO").read_text().splitlines()
    provided = [line.partition(" = ")[2] for line in lines if line.startswith("\tprovides = ")]
    assert provided == ["KSMBD-MODULE", "WIREGUARD-MODULE", "LINUX-HEADERS"]
    headers = lines[lines.index("pkgname = linux-afdo-headers") :]
    assert {"\tdepends = clang", "\tdepends = lld", "\tdepends = llvm"} <= set(headers)


def test_a_second_round_carries_the_profile_under_its_digest(tmp_path, config, profile) -> None:
    write_provenance(
        profile,
        Provenance(profile_sha256=files.sha256_file(profile), functions=1, counts=1),
    )
    folder = tmp_path / "linux-mine"
    assert new(folder, "--version", "6.18.54", "--config-file", config, "--sum", SUM,
               "--profile", profile, "--lto", "none") == 0  # fmt: skip
    name = f"kernel-{files.sha256_file(profile)[:16]}.afdo"
    text = (folder / "PKGBUILD").read_text()
    assert f"_profile={name}\n_profile_sum={b2(profile)}\n" in text
    assert (folder / name).read_bytes() == profile.read_bytes()
    assert (folder / f"{name}.json").is_file()
    assert "_lto=LTO_NONE\n" in text


def test_sums_are_of_the_kind_of_the_tarballs(tmp_path, config) -> None:
    assert new(tmp_path / "d", "--version", "6.18.54", "--config-file", config,
               "--sum", "cd" * 32) == 0  # fmt: skip
    assert "b2sums" not in (tmp_path / "d/.SRCINFO").read_text()
    assert files.sha256_file(config) in (tmp_path / "d/.SRCINFO").read_text()


def test_a_local_tarball_gives_its_sum(tmp_path, config, capsys) -> None:
    tarball = tmp_path / "linux.tar.xz"
    tarball.write_bytes(b"tar")
    options = ("--version", "6.18.54", "--config-file", config, "--tarball", tarball)
    assert new(tmp_path / "d", *options) == 0
    assert b2(tarball) in (tmp_path / "d/.SRCINFO").read_text()
    capsys.readouterr()
    err = refused(tmp_path / "e", capsys, 5, *options, "--sum", SUM)
    assert "is not the tarball with that checksum" in err


def test_a_release_candidate_from_git_is_spelled_as_pacman_sorts_it(tmp_path, config) -> None:
    url = "git+https://github.com/torvalds/linux.git#tag=v7.2-rc3"
    assert new(tmp_path / "d", "--version", "7.2-rc3", "--config-file", config,
               "--source", url) == 0  # fmt: skip
    assert "\tpkgver = 7.2rc3\n" in (tmp_path / "d/.SRCINFO").read_text()
    assert "\tmakedepends = git\n" in (tmp_path / "d/.SRCINFO").read_text()


def test_patches_are_shipped_in_order(tmp_path, config) -> None:
    for name in ("b.patch", "a.patch"):
        (tmp_path / name).write_text(f"--- {name}\n")
    assert new(tmp_path / "d", "--version", "6.18.54", "--config-file", config, "--sum", SUM,
               "--patch", tmp_path / "b.patch", "--patch", tmp_path / "a.patch") == 0  # fmt: skip
    assert "_patches=(\n  b.patch\n  a.patch\n)" in (tmp_path / "d/PKGBUILD").read_text()


def test_the_processor_the_docs_and_the_address_map_are_chosen(tmp_path, config) -> None:
    assert new(tmp_path / "d", "--version", "6.18.54", "--config-file", config, "--sum", SUM,
               "--march", "ZNVER4", "--docs", "--address-map", "--name", "mine") == 0  # fmt: skip
    text = (tmp_path / "d/PKGBUILD").read_text()
    assert "_march=znver4\n" in text
    assert "_address_map=yes\n" in text
    assert "\npkgname = linux-mine-docs\n" in (tmp_path / "d/.SRCINFO").read_text()


@pytest.mark.parametrize(
    ("version", "source", "tag"),
    [
        ("7.2.0", "cachyos", "cachyos-7.2.0-1"),
        ("7.2.0", "cachyos-2", "cachyos-7.2.0-2"),
        ("7.2-rc7", "cachyos", "cachyos-7.2-rc7-1"),
    ],
)
def test_cachyos_tarballs_come_with_their_signature(tmp_path, config, version, source, tag) -> None:
    assert new(tmp_path / "d", "--version", version, "--config-file", config, "--sum", SUM,
               "--source", source) == 0  # fmt: skip
    srcinfo = (tmp_path / "d/.SRCINFO").read_text()
    url = f"https://github.com/CachyOS/linux/releases/download/{tag}/{tag}.tar.gz"
    assert f"\tsource = {url}\n\tsource = {url}.asc\n" in srcinfo
    assert srcinfo.count("\tvalidpgpkeys = ") == 2


def test_the_tuning_is_there_unless_it_is_left_out(tmp_path, config) -> None:
    options = ("--version", "6.18.54", "--config-file", config, "--sum", SUM)
    assert new(tmp_path / "with", *options) == 0
    assert new(tmp_path / "without", *options, "--no-tuning") == 0
    assert "  -import-hot-multiplier=60\n" in (tmp_path / "with/PKGBUILD").read_text()
    assert "_tuning=(\n)\n" in (tmp_path / "without/PKGBUILD").read_text()


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    (tmp_path / "p_cc_profile.txt").write_text("v1\nf main\nc 0 2\n")
    (tmp_path / "p_ld_profile.txt").write_text("main\nmain.cold\n")
    return tmp_path / "p"


def test_propellers_lists_are_shipped_under_their_common_digest(
    tmp_path, config, profile, layout
) -> None:
    assert new(tmp_path / "d", "--version", "6.18.54", "--config-file", config, "--sum", SUM,
               "--profile", profile, "--propeller", layout) == 0  # fmt: skip
    lists = [tmp_path / f"p_{name}_profile.txt" for name in ("cc", "ld")]
    name = f"propeller-{files.sha256_json([files.sha256_file(one) for one in lists])[:16]}"
    text = (tmp_path / "d/PKGBUILD").read_text()
    assert f"_propeller='{name}'\n_cc_sum={b2(lists[0])}\n_ld_sum={b2(lists[1])}\n" in text
    assert (tmp_path / f"d/{name}_cc_profile.txt").read_bytes() == lists[0].read_bytes()


@pytest.mark.parametrize(
    ("which", "text", "words"),
    [
        ("cc", "garbage\n", "Line 1"),
        ("cc", "v1\nf main\nc 0\nf main\nc 0\n", "second profile of main"),
        ("ld", "v1\nf main\n", "Line 2"),
    ],
)
def test_lists_that_the_build_would_stop_at_are_refused(
    tmp_path, config, profile, layout, capsys, which, text, words
) -> None:
    (tmp_path / f"p_{which}_profile.txt").write_text(text)
    options = ("--version", "6.18.54", "--config-file", config, "--sum", SUM)
    said = refused(tmp_path / "d", capsys, 5, *options, "--profile", profile, "--propeller", layout)
    assert words in said


def test_a_layout_without_its_other_list_or_without_a_profile_is_refused(
    tmp_path, config, profile, layout, capsys
) -> None:
    options = ("--version", "6.18.54", "--config-file", config, "--sum", SUM, "--propeller", layout)
    assert "belongs to a kernel that is built with a profile" in refused(
        tmp_path / "d", capsys, 2, *options
    )
    (tmp_path / "p_ld_profile.txt").unlink()
    assert "list of Propeller" in refused(tmp_path / "d", capsys, 5, *options, "--profile", profile)


def test_nothing_is_overwritten(tmp_path, config, capsys) -> None:
    folder = tmp_path / "linux-mine"
    folder.mkdir()
    (folder / "PKGBUILD").write_text("mine")
    err = refused(folder, capsys, 2, "--version", "6.18.54", "--config-file", config, "--sum", SUM)
    assert "holds PKGBUILD already" in err


def test_a_place_where_no_folder_can_be_is_said(tmp_path, config, capsys) -> None:
    (tmp_path / "file").write_text("mine")
    options = ("--version", "6.18.54", "--config-file", config, "--sum", SUM)
    err = refused(tmp_path / "file/linux-mine", capsys, 3, *options)
    assert "could not be written" in err
    assert "bug" not in err


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (("--sum", "zz"), "--sum"),
        (("--sum", SUM, "--source", "ftp://x"), "--source"),
        (("--sum", SUM, "--pgp-key", "12"), "--pgp-key"),
        (("--sum", SUM, "--name", "Q"), "--name"),
    ],
)
def test_a_refused_value_is_told_once_under_its_option(
    tmp_path, config, capsys, options, option
) -> None:
    err = refused(
        tmp_path / "d", capsys, 2, "--version", "6.18.54", "--config-file", config, *options
    )
    [fault] = [line for line in err.splitlines() if line.startswith("  | ")]
    assert fault.startswith(f"  | {option}: ")
    assert "function-after" not in err


def test_an_absent_configuration_is_asked_for_by_its_option(tmp_path, capsys) -> None:
    options = ("--version", "6.18.54", "--config-file", tmp_path / "no", "--sum", SUM)
    err = refused(tmp_path / "d", capsys, 2, *options)
    assert "--config-file" in err
    assert "kernel.base" not in err


def test_every_refused_value_is_named_at_once(tmp_path, config, capsys) -> None:
    err = refused(
        tmp_path / "d", capsys, 2, "--version", "6.18.54", "--config-file", config, "--sum", SUM,
        "--name", "$(touch x)", "--maintainer", "a\nb", "--llvm", "-x", "--url", "ftp://x",
    )  # fmt: skip
    for option in ("--name", "--maintainer", "--llvm", "--url"):
        assert f"| {option}: " in err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--sum", SUM), "--version is needed"),
        (("--version", "6.18.54"), "the checksum of https://cdn.kernel.org/"),
        (("--version", "7.2-rc3", "--sum", SUM), "no signed tarball of the release candidate"),
        (("--version", "../../etc", "--sum", SUM), "is no version of the kernel"),
        (("--version", "$(touch x)", "--sum", SUM), "is no version of the kernel"),
        (("--version", "6.18.54", "--sum", "$(touch x)"), "a checksum is hexadecimal"),
        (("--version", "6.18.54", "--sum", SUM, "--lto", "full"), "not one of"),
        (("--version", "6.18.54", "--sum", SUM, "--pkgrel", "0"), "pkgrel: "),
    ],
)
def test_what_is_missing_or_wrong_is_said(tmp_path, config, capsys, options, why) -> None:
    assert why in refused(tmp_path / "d", capsys, 2, "--config-file", config, *options)


@pytest.mark.parametrize(
    "content", [b"", b"PERFILE2", b"\x7fELF", b"adcg*704", b"hello\n", bytes(64), None]
)
def test_what_is_no_profile_is_refused(tmp_path, config, capsys, content) -> None:
    bad = tmp_path / "bad.afdo"
    if content is not None:
        bad.write_bytes(content)
    refused(
        tmp_path / "d", capsys, 5, "--version", "6.18.54", "--config-file", config, "--sum", SUM,
        "--profile", bad,
    )  # fmt: skip


def test_what_is_no_configuration_is_refused(tmp_path, capsys) -> None:
    path = tmp_path / "empty"
    path.write_text("")
    refused(tmp_path / "d", capsys, 2, "--version", "6.18.54", "--config-file", path, "--sum", SUM)


def test_a_finished_run_gives_version_configuration_lto_source_and_profile(
    tmp_path, config, profile
) -> None:
    source = {"location": "https://example.org/linux-7.2.13.tar.xz", "sha256": "ef" * 32}
    with locked(tmp_path / "w") as made:
        for one in (
            entry("source", recipe=source, facts={"version": "7.2.13"}),
            entry("build-baseline", recipe={"kernel": {"lto": "none"}},
                  files={"config": file_record(config)}),
            entry("convert", files={"profile": file_record(profile)}),
        ):  # fmt: skip
            made.journal.write(one)
    assert new(tmp_path / "d", "--from-workdir", tmp_path / "w", "--name", "mine") == 0
    text = (tmp_path / "d/PKGBUILD").read_text()
    assert "pkgver=7.2.13\n" in text
    assert "_lto=LTO_NONE\n" in text
    assert f"  {source['location']}\n" in text
    assert f"  {source['sha256']}\n" in text
    assert f"_profile=kernel-{files.sha256_file(profile)[:16]}.afdo\n" in text
    assert (tmp_path / "d/config").read_text() == CONFIG


def test_a_run_that_built_nothing_has_nothing_to_give(tmp_path, capsys) -> None:
    with locked(tmp_path / "w"):
        pass
    err = refused(tmp_path / "d", capsys, 5, "--from-workdir", tmp_path / "w")
    assert "has built no kernel yet" in err
