"""The PKGBUILD's text: golden files, and values that try to be more than values."""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path
from typing import Any

import jinja2
import pytest
from pydantic import ValidationError

from pkgafdo.kernel import kconfig
from pkgafdo.packaging import pkgbuild as rendering
from pkgafdo.packaging.pkgbuild import render_pkgbuild, render_template
from pkgafdo.packaging.pkgbuild_model import RELEASE_LIMIT
from pkgafdo.packaging.pkgbuild_sources import (
    CACHYOS_KEYS,
    KERNEL_ORG,
    KERNEL_ORG_KEYS,
    KernelSource,
    LocalFile,
)
from pkgafdo.packaging.srcinfo import render_srcinfo
from tests.unit.packaging.hostile import FIELDS, HOSTILE, ONE_LINE, TEXTS, bypassed
from tests.unit.packaging.pkgbuilds import (
    B2,
    GOLDEN,
    SHA256,
    cachyos,
    local,
    pkgbuild,
    second_round,
)

DATA = Path(__file__).resolve().parents[2] / "data/pkgbuild"


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_rendered_is_the_golden_file(name: str) -> None:
    model = GOLDEN[name]()
    texts = {"PKGBUILD": render_pkgbuild(model), "SRCINFO": render_srcinfo(model)}
    for kind, text in texts.items():
        path = DATA / f"{name}.{kind}"
        if os.environ.get("PKGAFDO_WRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text


def test_both_rounds_are_the_same_file_but_for_the_profile_and_its_sums() -> None:
    second = second_round()
    first = dataclasses.replace(second, profile=None, provenance=None)
    changed = [
        (old, new)
        for old, new in zip(
            render_pkgbuild(first).splitlines(), render_pkgbuild(second).splitlines(), strict=True
        )
        if old != new
    ]
    assert changed == [
        ("_profile=''", "_profile=kernel-0123456789abcdef.afdo"),
        ("_profile_sum=''", f"_profile_sum={B2}"),
        ("_provenance_sum=''", f"_provenance_sum={B2}"),
    ]


def test_the_salts_are_those_that_verify_looks_for() -> None:
    text = render_pkgbuild(pkgbuild())
    assert f"echo {kconfig.salt(None)}\n" in text
    digest = "0123456789abcdef" + "f" * 48
    stem = kconfig.salt(digest).removesuffix(digest[:16])
    assert f'echo "{stem}${{digest:0:16}}$layout"' in text
    layout = kconfig.salt(digest, digest).removeprefix(kconfig.salt(digest))
    assert f"layout={layout.removesuffix(digest[:16])}${{layout:0:16}}\n" in text


def test_every_kind_of_lto_is_switched_off_before_one_is_chosen() -> None:
    for option in kconfig.LTO_OPTIONS.values():
        assert option in render_pkgbuild(pkgbuild()).partition("for option in ")[2].split(";")[0]


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render_template("{{ nothing }}", {})


def test_no_filter_is_needed_for_a_value_to_be_quoted() -> None:
    value = "a'b $(c) `d` \\"
    assert shlex.split(render_template("{{ value }}", {"value": value})) == [value]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", FIELDS)
def test_a_hostile_value_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        FIELDS[field](value)


@pytest.mark.parametrize("field", sorted(TEXTS))
@pytest.mark.parametrize("value", [one for one in HOSTILE if one not in ONE_LINE])
def test_a_text_is_one_line_and_no_option(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        pkgbuild(**{field: value})


@pytest.mark.parametrize("field", FIELDS)
def test_the_same_field_takes_an_honest_value(field: str) -> None:
    honest = {
        "pkgbase": "linux-mine", "pkgver": "7.2.13", "url": "https://example.org/kernel",
        "llvm": "/opt/llvm/bin/",
        "source.url": "https://example.org/linux-7.2.13.tar.xz", "source.checksum": SHA256,
        "file.name": "a.patch", "file.checksum": B2, "extra_keys": KERNEL_ORG_KEYS[0],
        "lto": "none", "pkgrel": 3, "march": "znver4", "docs": True, "address_map": True,
        "tuning": "-import-hot-multiplier=60", "layout.name": "propeller-1", "symbol_order.name": "a.txt",
        "modules": "NTSYNC-MODULE",
    }  # fmt: skip
    FIELDS[field](honest[field])


def test_a_value_with_a_newline_is_not_rendered_even_without_validation() -> None:
    with pytest.raises(ValueError, match="control characters"):
        render_pkgbuild(bypassed("description", "one\ntouch two"))
    with pytest.raises(ValueError, match="control characters"):
        render_pkgbuild(bypassed("maintainer", "one\ntouch two"))


def test_a_name_of_a_function_is_a_name_even_without_validation() -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        render_pkgbuild(bypassed("pkgbase", "linux-$(touch x)"))


@pytest.mark.parametrize(
    "changes",
    [
        {"pkgbase": "linux-zen"},
        {"pkgbase": "linux-mine-headers"},
        {"pkgbase": "mine"},
        {"pkgbase": "linux-" + "a" * RELEASE_LIMIT},
        {"pkgver": "7.2-rc3"},
        {"pkgver": "7.2.0_rc3"},
        {"pkgrel": 0},
        {"lto": "full"},
        {"config": local("config", SHA256)},
        {"config": local("dotconfig")},
        {"patches": (local("a.patch"), local("a.patch"))},
        {"patches": (local("PKGBUILD"),)},
        {"provenance": local("kernel.afdo.json")},
        {"profile": local("a.afdo"), "provenance": local("b.afdo.json")},
        {"nonsense": 1},
        {"cc_profile": local("a_cc_profile.txt"), "ld_profile": local("a_ld_profile.txt")},
        {"profile": local("a.afdo"), "cc_profile": local("a_cc_profile.txt")},
        {"profile": local("a.afdo"), "ld_profile": local("a_ld_profile.txt")},
        {
            "profile": local("a.afdo"),
            "cc_profile": local("a_cc_profile.txt"),
            "ld_profile": local("b_ld_profile.txt"),
        },
        {"symbol_order": local("order.txt")},
        {
            "profile": local("a.afdo"),
            "cc_profile": local("a_cc_profile.txt"),
            "ld_profile": local("a_ld_profile.txt"),
            "symbol_order": local("order.txt"),
        },
        {
            "source": KernelSource(url="git+https://example.org/linux.git?signed#tag=v7.2"),
            "config": local("config", SHA256),
        },
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        pkgbuild(**changes)


@pytest.mark.parametrize(
    ("url", "checksum"),
    [
        ("https://example.org/linux.tar.xz", ""),
        ("https://example.org/linux.zip", B2),
        ("http://example.org/linux.tar.xz", B2),
        ("https://example.org/../linux.tar.xz", B2),
        ("git+https://example.org/linux.git", ""),
        ("git+https://example.org/linux.git#branch=master", ""),
        ("git+https://example.org/linux.git#tag=v7.2", B2),
        ("git+https://example.org/linux.git#tag=--upload-pack=x", ""),
        ("git+https://example.org/linux.git?signed", ""),
        ("git+https://example.org/linux.git?unsigned#tag=v7.2", ""),
        ("git+https://example.org/linux.git?signed#branch=v7.2", ""),
    ],
)
def test_a_source_that_is_not_pinned_or_not_https_is_refused(url: str, checksum: str) -> None:
    with pytest.raises(ValidationError):
        KernelSource(url=url, checksum=checksum)


def test_kernel_org_signs_what_is_in_the_compressed_file() -> None:
    source = KernelSource(url=f"{KERNEL_ORG}v7.x/linux-7.2.13.tar.xz", checksum=B2)
    tarball, signature = source.entries()
    assert tarball.checksum == B2
    assert (signature.name, signature.checksum) == (
        f"{KERNEL_ORG}v7.x/linux-7.2.13.tar.sign", "SKIP",
    )  # fmt: skip
    assert pkgbuild(source=source).pgp_keys == KERNEL_ORG_KEYS


def test_cachyos_signs_the_tarball_itself() -> None:
    model = cachyos()
    tarball, signature = model.source.entries()
    assert signature.name == f"{tarball.name}.asc"
    assert model.pgp_keys == CACHYOS_KEYS
    assert model.source.folder == "cachyos-7.2.0-1"


def test_a_signed_tag_of_kernel_org_is_signed_by_its_keys() -> None:
    url = "git+https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git?signed#tag=v7.2.13"
    model = pkgbuild(source=KernelSource(url=url))
    assert model.pgp_keys == KERNEL_ORG_KEYS
    assert "git" in model.makedepends


def test_only_signatures_and_git_go_without_a_checksum() -> None:
    for make in GOLDEN.values():
        for one in make().sources():
            assert (one.checksum == "SKIP") == (
                one.name.endswith((".sign", ".asc")) or one.name.startswith("linux::git+")
            )


def test_an_unsigned_source_has_no_keys_but_those_given() -> None:
    source = KernelSource(url="https://example.org/linux-7.2.13.tar.gz", checksum=B2)
    assert pkgbuild(source=source).pgp_keys == ()
    assert pkgbuild(source=source, extra_keys=(KERNEL_ORG_KEYS[0],)).pgp_keys == (
        KERNEL_ORG_KEYS[0],
    )


def test_the_model_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        LocalFile(name="a", checksum=B2).name = "b"  # type: ignore[misc]


def test_a_control_character_is_never_quoted() -> None:
    with pytest.raises(ValueError, match="control characters"):
        rendering.quote("a\rb")
