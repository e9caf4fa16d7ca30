"""The edits that make PKGBUILDs of each family build with AutoFDO, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.adapt import plan_adaptation
from pkgafdo.packaging.adapt_wish import ProfileSource, Wish
from pkgafdo.packaging.bash_edit import apply_edits
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from tests.unit.packaging.kernel_pkgbuilds import (
    ARCH,
    AUR,
    BY_ARCH,
    PLAIN_OPTIONS,
    SWITCHED,
    WITH_PARTS,
    WRAPPED,
    shape_of,
)
from tests.unit.packaging.pkgbuilds import cachyos

PROFILE = ProfileSource(
    name="kernel-0123456789abcdef.afdo", sums={"b2sums": "12" * 64, "sha256sums": "34" * 32}
)
BLOCK = '    source+=("$_autofdo_profile_name")\n    b2sums+=(\'' + "12" * 64 + "')\nfi\n"


def adapted(text: str, *, profile=None, lto=None, march=None, **values: tuple[str, ...]) -> str:
    wish = Wish(profile=profile, lto=lto, march=march)
    plan = plan_adaptation(shape_of(text, **values), wish)
    return apply_edits(text.encode(), plan.edits).decode()


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    return [one for one in old if one not in new], [one for one in new if one not in old]


def test_options_that_are_there_are_set() -> None:
    text = adapted(SWITCHED)
    removed, added = changed(SWITCHED, text)
    assert removed[:2] == [': "${_build_debug:=no}"', ': "${_autofdo:=no}"']
    assert added[:2] == [': "${_build_debug:=yes}"', ': "${_autofdo:=yes}"']


def test_a_flag_moves_from_prepare_to_build() -> None:
    text = adapted(SWITCHED)
    prepare, build = text.split("\nbuild() {", 1)
    assert "CLANG_AUTOFDO_PROFILE" not in prepare
    assert build.index('CLANG_AUTOFDO_PROFILE="${srcdir}/') < build.index(
        'make "${BUILD_FLAGS[@]}" -j'
    )
    assert "There is a profile" not in text


def test_the_profile_becomes_a_source_behind_all_others_with_its_sum() -> None:
    text = adapted(SWITCHED, profile=PROFILE)
    assert text.endswith(BLOCK)
    assert text.count('source+=("$_autofdo_profile_name")') == 1
    assert '_die "There is no' not in text
    assert ': "${_autofdo_profile_name:=kernel-0123456789abcdef.afdo}"' in text


def test_without_a_profile_the_sources_stay() -> None:
    assert '_die "There is no' in adapted(SWITCHED)


def test_options_that_are_missing_are_added_where_options_are() -> None:
    text = adapted(PLAIN_OPTIONS)
    assert text.index(': "${_build_debug:=yes}"') < text.index(': "${_autofdo:=yes}"')
    assert text.index(': "${_autofdo_profile_name:=}"') < text.index("# Do not touch")
    assert "BUILD_FLAGS=(LLVM=1)" in text
    assert ': "${_use_llvm_lto:=none}"' in text


def test_kconfig_is_told_before_its_comment_and_its_make() -> None:
    text = adapted(PLAIN_OPTIONS)
    at = text.index("scripts/config -e AUTOFDO_CLANG")
    assert text.index("-d DEBUG_KERNEL") < at < text.index("### Rewrite the configuration")


def test_a_ci_cannot_change_the_kernel_that_is_profiled() -> None:
    assert 'if [ "$_autofdo" = "yes" ]; then\n    unset CI GITHUB_RUN_ID\nfi\n' in adapted(SWITCHED)


def test_plain_make_gets_clang_by_the_environment() -> None:
    text = adapted(ARCH, profile=PROFILE)
    assert "makedepends+=(clang llvm lld)\nexport LLVM=1\n" in text
    assert "_autofdo_profile_name=kernel-0123456789abcdef.afdo\n" in text
    assert '    export CLANG_AUTOFDO_PROFILE="$srcdir/$_autofdo_profile_name"\n' in text
    assert "  !debug\n  !strip\n)" in text
    assert "  scripts/config -e AUTOFDO_CLANG\n" in text


ENABLE = "scripts/config -e AUTOFDO_CLANG\n"


def test_an_option_is_set_in_the_configuration_that_stays() -> None:
    text = adapted(WRAPPED, profile=PROFILE)
    assert text.index("cp ../config") < text.index(ENABLE) < text.index("  _make olddefconfig")
    assert text.count(ENABLE) == 1


def test_an_option_that_is_set_too_early_is_set_again() -> None:
    first = f"  {ENABLE}"
    text = adapted(WRAPPED.replace("  make mrproper\n", f"{first}  make mrproper\n"))
    assert text.index("cp ../config") < text.rindex(ENABLE) < text.index("  _make olddefconfig")
    assert text.count(ENABLE) == 2
    assert adapted(text).count(ENABLE) == 2


@pytest.mark.parametrize("text", [ARCH, BY_ARCH, WRAPPED, SWITCHED, PLAIN_OPTIONS])
def test_every_build_stops_without_autofdo(text) -> None:
    build = adapted(text).split("\nbuild() {", 1)[1]
    assert build.index("grep -qx CONFIG_AUTOFDO_CLANG=y .config") < build.index("make ")


def test_an_option_that_build_sets_is_no_stop() -> None:
    text = ARCH.replace("  make all", "  scripts/config -e CONFIG_AUTOFDO_CLANG\n  make all")
    assert "grep -qx CONFIG_AUTOFDO_CLANG=y" in adapted(text)


@pytest.mark.parametrize("last", ["make defconfig", "make mrproper", "cp ../other .config"])
def test_a_configuration_that_nothing_settles_is_refused_with_its_line(last) -> None:
    text = ARCH.replace("  make olddefconfig", f"  make olddefconfig\n  {last}")
    line = text[: text.index(f"  {last}")].count("\n") + 1
    assert refusal(text).startswith(f"PKGBUILD:{line}: no call of make settles .config after")


@pytest.mark.parametrize(
    "last",
    ["scripts/kconfig/merge_config.sh .config ../frag", "cp .config ../x/.config",
     'install -Dm644 .config "$srcdir/keep/.config"'],
)  # fmt: skip
def test_a_configuration_that_stays_needs_no_other_call_of_make(last) -> None:
    text = adapted(ARCH.replace("  make olddefconfig", f"  make olddefconfig\n  {last}"))
    assert text.index(ENABLE) < text.index("make olddefconfig") < text.index(last)


def test_vmlinux_gets_a_package_of_its_own() -> None:
    text = adapted(ARCH)
    assert '  "$pkgbase-headers"\n  "$pkgbase-debug"\n)' in text
    debug = text[text.index("_package-debug() {") :]
    assert '  cd "$_srcname"\n' in debug
    assert 'install -Dt "$pkgdir/usr/src/debug/$pkgbase" -m644 vmlinux' in debug


def test_lto_is_asked_of_kconfig_where_there_is_no_option() -> None:
    assert "-e LTO_CLANG_THIN\n" in adapted(ARCH, lto="thin")
    assert "-e LTO_NONE\n" in adapted(ARCH, lto="none")
    assert "LTO_CLANG_THIN\n" not in adapted(ARCH)


@pytest.mark.parametrize("lto", ["full", "thin-dist"])
def test_an_lto_that_loses_the_profile_becomes_thin(lto) -> None:
    text = SWITCHED.replace("lto:=thin", f"lto:={lto}")
    assert ': "${_use_llvm_lto:=thin}"' in adapted(text)


def test_what_only_lto_gives_to_clang_is_said_with_its_line() -> None:
    plan = plan_adaptation(shape_of(WITH_PARTS), Wish())
    texts = ('source+=("https', "llvm-strip", "KERNEL_LLVM", " depends+=(clang")
    lines = [WITH_PARTS[: WITH_PARTS.index(one)].count("\n") + 1 for one in texts]
    for said, line in zip(plan.left[:-1], lines, strict=True):
        assert said.startswith(f"only with LTO (line {line}) ")
    assert "--lto thin" in plan.left[-1]
    assert plan_adaptation(shape_of(WITH_PARTS), Wish(lto="thin")).left == []


@pytest.mark.parametrize(
    ("march", "value"),
    [("generic", "GENERIC"), ("v3", "GENERIC_V3"), ("znver4", "ZEN4"), ("native", "NATIVE")],
)
def test_the_processor_is_set_where_there_is_an_option(march, value) -> None:
    assert f': "${{_processor_opt:={value}}}"' in adapted(SWITCHED, march=march)


def test_a_new_profile_replaces_name_and_sum_alone() -> None:
    first = adapted(SWITCHED, profile=PROFILE)
    other = ProfileSource(name="kernel-ffffffffffffffff.afdo", sums={"b2sums": "56" * 64})
    second = adapted(first, profile=other, _autofdo=("yes",))
    removed, added = changed(first, second)
    assert removed == [
        ': "${_autofdo_profile_name:=kernel-0123456789abcdef.afdo}"', f"    b2sums+=('{'12' * 64}')",
    ]  # fmt: skip
    assert added == [
        ': "${_autofdo_profile_name:=kernel-ffffffffffffffff.afdo}"', f"    b2sums+=('{'56' * 64}')",
    ]  # fmt: skip


def test_every_array_of_sums_gets_one() -> None:
    text = adapted(SWITCHED, profile=PROFILE, sha256sums=("x",) * 4)
    assert f"    sha256sums+=('{'34' * 32}')\n" in text


def test_modules_install_gets_the_flags_that_the_build_has() -> None:
    text = SWITCHED.replace('make "${BUILD_FLAGS[@]}" INSTALL_MOD_PATH', "make INSTALL_MOD_PATH")
    assert 'make "${BUILD_FLAGS[@]}" INSTALL_MOD_PATH' in adapted(text)


def refusal(text: str, *, profile=None, march=None, **values: tuple[str, ...]) -> str:
    with pytest.raises(ArtifactError) as caught:
        adapted(text, profile=profile, march=march, **values)
    assert caught.value.exit_code == 5
    assert caught.value.hint
    return caught.value.message


def test_a_compiler_that_is_decided_elsewhere_is_refused_with_its_line() -> None:
    line = AUR[: AUR.index("make LLVM=$_LLVM olddefconfig")].count("\n") + 1
    assert refusal(AUR).startswith(f"PKGBUILD:{line}: make gets LLVM=$_LLVM here")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("build() {", "compile() {", "there is no build()"),
        ("make all", '"$MAKE" all', "no call of make in build() is recognised"),
        ("make olddefconfig", "true", "no call of make settles .config"),
        ("make all", "make O=out all", "make works in another folder here (O=out)"),
        ("make olddefconfig", "make -C x olddefconfig", "another folder here (-C)"),
    ],
)
def test_what_cannot_be_found_is_refused(old, new, message) -> None:
    assert message in refusal(
        ARCH.replace(old, new).replace("  make -C tools/bpf/bpftool vmlinux.h\n", "")
    )


@pytest.mark.parametrize("text", ["pkgname=x\nbuild() {\n  make\n}\n", "build() {\n  :\n}\n"])
def test_what_is_no_kernel_is_refused(text) -> None:
    assert "not a kernel's PKGBUILD" in refusal(text)


def test_options_that_are_computed_are_refused_with_their_line() -> None:
    text = SWITCHED.replace(': "${_autofdo:=no}"', "_autofdo=$(cat x)")
    line = text[: text.index("_autofdo=$(")].count("\n") + 1
    assert f"PKGBUILD:{line}: _autofdo is not simply set" in refusal(text)
    text = SWITCHED.replace(': "${_autofdo:=no}"', "if x; then\n    _autofdo=no\nfi")
    assert "_autofdo is not simply set" in refusal(text)


def test_missing_sums_are_refused_when_a_profile_comes() -> None:
    assert "no checksums" in refusal(SWITCHED, profile=PROFILE, b2sums=())


def test_a_processor_without_an_option_is_refused() -> None:
    assert "_processor_opt" in refusal(ARCH, march="v3")


def test_a_flag_among_other_things_is_not_moved() -> None:
    text = SWITCHED.replace('        echo "There is a profile..."', "        patch -p1 < ../x")
    assert "set among other things in prepare()" in refusal(text)


def test_several_statements_on_the_line_of_make_are_refused() -> None:
    text = ARCH.replace("  make olddefconfig", "  true; make olddefconfig")
    assert "several statements on one line" in refusal(text)


def test_one_that_pkgafdo_wrote_has_only_its_variables_set() -> None:
    text = render_pkgbuild(cachyos())
    other = ProfileSource(name="kernel-ffffffffffffffff.afdo", sums=PROFILE.sums)
    new = adapted(text, profile=other, lto="none", march="v4")
    removed, added = changed(text, new)
    assert {line.split("=")[0] for line in removed} >= {
        "_profile",
        "_profile_sum",
        "_lto",
        "_march",
    }
    assert "_profile=kernel-ffffffffffffffff.afdo" in new.splitlines()
    assert {f"_profile_sum={'12' * 64}", "_lto=LTO_NONE", "_march=v4"} <= set(added)
    # The layout was made with a kernel that another profile had built.
    assert "_propeller=''" in added
    assert len(new.splitlines()) == len(text.splitlines())


def test_what_is_empty_and_stays_so_is_not_told() -> None:
    shape = shape_of(render_pkgbuild(replace(cachyos(), cc_profile=None, ld_profile=None)))
    plan = plan_adaptation(shape, Wish(profile=PROFILE))
    assert not [line for line in plan.already if "empty" in line]
