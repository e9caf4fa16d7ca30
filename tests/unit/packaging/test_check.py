"""What a check finds in PKGBUILDs of each family, and what it does not."""

from __future__ import annotations

import json

import pytest

from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.check_finding import Severity, finding, render_finding, sort_findings
from pkgafdo.packaging.check_package import (
    check_api_headers,
    check_srcinfo,
    check_sums,
    check_version,
    needs_sum,
    source_name,
)
from pkgafdo.packaging.check_rules import RULES
from pkgafdo.packaging.check_tools import (
    bash_command,
    check_bash,
    check_shellcheck,
    parse_shellcheck,
)
from pkgafdo.packaging.pkgbuild_values import Values
from pkgafdo.runner.command import Result
from tests.fakes.runner import FakeRunner
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

ON = {"_autofdo": ("yes",), "_autofdo_profile_name": ("x.afdo",)}


def found(text: str, **values: tuple[str, ...]) -> dict[str, tuple[Severity, int]]:
    shape = shape_of(text, **values)
    every = [one for rule in RULES for one in rule(shape)]
    return {one.rule: (one.severity, one.line) for one in every}


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_traps_are_warnings_while_autofdo_is_off() -> None:
    rules = found(SWITCHED)
    assert set(rules) == {
        "environment-option", "gcc-with-autofdo", "flags-lost", "profile-without-sum",
        "called-too-early", "ci-variable", "stripped-vmlinux",
    }  # fmt: skip
    assert all(severity is not Severity.ERROR for severity, _ in rules.values())


def test_traps_that_lose_the_profile_are_errors_once_it_is_set() -> None:
    rules = found(SWITCHED, **ON)
    errors = {rule for rule, (severity, _) in rules.items() if severity is Severity.ERROR}
    assert errors == {"flags-lost", "profile-without-sum"}


def test_findings_name_their_lines() -> None:
    rules = found(SWITCHED)
    assert rules["flags-lost"][1] == line_of(SWITCHED, "CLANG_AUTOFDO_PROFILE")
    assert rules["ci-variable"][1] == line_of(SWITCHED, "$CI")
    assert rules["called-too-early"][1] == line_of(SWITCHED, '_die "There is no')
    assert rules["stripped-vmlinux"][1] == line_of(SWITCHED, "strip -v")


def test_gcc_with_autofdo_on_is_an_error() -> None:
    rules = found(SWITCHED, **ON, BUILD_FLAGS=(), _use_llvm_lto=("none",))
    assert rules["gcc-with-autofdo"] == (
        Severity.ERROR,
        line_of(SWITCHED, 'make "${BUILD_FLAGS[@]}" -j'),
    )


@pytest.mark.parametrize("lto", ["full", "thin-dist"])
def test_an_lto_that_ignores_the_profile_is_an_error_when_it_is_on(lto) -> None:
    assert found(SWITCHED, **ON, _use_llvm_lto=(lto,))["lto-ignores-profile"][0] is Severity.ERROR
    assert found(SWITCHED, _use_llvm_lto=(lto,))["lto-ignores-profile"][0] is Severity.WARNING
    assert "lto-ignores-profile" not in found(SWITCHED, **ON)


def test_full_lto_that_prepare_enables_is_found() -> None:
    text = ARCH.replace(
        "  make olddefconfig",
        "  scripts/config -e AUTOFDO_CLANG -e LTO_CLANG_FULL\n  make olddefconfig",
    )
    assert found(text)["lto-ignores-profile"][0] is Severity.ERROR


def test_a_kernel_without_autofdo_is_only_told_so() -> None:
    rules = found(PLAIN_OPTIONS)
    assert rules["no-autofdo"][0] is Severity.NOTE
    assert set(rules) == {"no-autofdo", "ci-variable", "stripped-vmlinux"}


def test_missing_strip_option_is_found_where_options_are() -> None:
    rules = found(ARCH)
    assert rules["gnu-strip"] == (Severity.WARNING, line_of(ARCH, "options=("))


def test_gnu_strip_at_modules_install_is_found_where_clang_builds() -> None:
    text = ARCH.replace("  make all", "  make LLVM=1 all").replace("!debug", "!strip")
    assert found(text, options=("!strip",))["gnu-strip"][1] == line_of(text, "ZSTD_CLEVEL")
    mended = text.replace("INSTALL_MOD_STRIP=1", "STRIP=llvm-strip INSTALL_MOD_STRIP=1")
    assert "gnu-strip" not in found(mended, options=("!strip",))


def test_an_exported_llvm_reaches_every_call_of_make() -> None:
    text = ARCH.replace("source=(", "export LLVM=1\nsource=(", 1)
    assert "gnu-strip" not in found(text, LLVM=("1",), options=("!strip",))


def test_a_compiler_that_is_decided_elsewhere_is_said_to_be() -> None:
    text = AUR.replace(
        "  make LLVM=$_LLVM olddefconfig",
        "  scripts/config -e AUTOFDO_CLANG\n  make LLVM=$_LLVM olddefconfig",
    )
    assert found(text)["gcc-with-autofdo"][0] is Severity.WARNING


def test_a_wrapper_of_make_is_seen_through() -> None:
    text = (
        '_kmake() {\n  make LLVM="$_llvm" "$@"\n}\nprepare() {\n  _kmake olddefconfig\n}\n'
        "build() {\n  _kmake all\n}\npackage() {\n  _kmake modules_install\n}\n"
    )
    shape = shape_of(text, _llvm=("-19",))
    assert shape.is_kernel
    assert shape.build_make is not None
    assert shape.build_make.clang
    assert shape.settling_make is not None


def test_flags_that_a_wrapper_spreads_with_a_star_are_seen() -> None:
    text = WRAPPED.replace('"$(<version)" "$@"', '"$(<version)" ${FLAGS[*]} "$@"')
    shape = shape_of(text, FLAGS=("CC=clang", "LLVM=1"))
    assert shape.build_make is not None
    assert shape.build_make.clang
    assert "gnu-strip" not in found(text, FLAGS=("LLVM=1",), options=("!strip",))


EARLY = "  scripts/config -e AUTOFDO_CLANG\n"


@pytest.mark.parametrize(
    "reset",
    [
        "make mrproper", "make defconfig", "cp ../config.x86_64 .config", "cp -f ../x '.config'",
        "zcat /proc/config.gz > ./.config", "cat ../config ../more >.config",
        "scripts/kconfig/merge_config.sh -m ../config ../more", "install -m644 ../config .config",
        "merge_config.sh -O .config ../config .config", "mv ../config .config",
        "mv ../.config.x .config", "cp ../.config ./.config", "grep -v LTO .config > .config",
    ],
)  # fmt: skip
def test_an_option_that_another_configuration_replaces_is_found(reset) -> None:
    text = ARCH.replace("  make olddefconfig", f"{EARLY}  {reset}\n  make olddefconfig")
    assert found(text)["enabled-too-early"] == (Severity.ERROR, line_of(text, EARLY))
    nested = text.replace(reset, f"if x; then {reset}; fi")
    assert found(nested)["enabled-too-early"][0] is Severity.WARNING


@pytest.mark.parametrize(
    "harmless",
    ["cat .config > ../config.last", "cp .config ../config.old", "make -s kernelrelease > version",
     "diff -u ../config .config", "make LSMOD=x localmodconfig", "echo x >> .config",
     "scripts/kconfig/merge_config.sh -m .config ../frag.config", "merge_config.sh ./.config ../frag",
     "merge_config.sh -m -O . '.config' ../frag", "echo x | tee -a .config",
     'install -Dm644 .config "$srcdir/keep/.config"', 'cp .config "$srcdir/.config"',
     'cp -t "$srcdir" Makefile .config', 'install -Dt ../keep -m644 .config',
     "cp --target-directory=../keep Makefile .config", "cat .config > ../x/.config",
     "sed -i s/x/y/ .config", "sed s/x/y/ .config > .config.new; mv .config.new .config"],
)  # fmt: skip
def test_an_option_that_stays_is_no_finding(harmless) -> None:
    text = ARCH.replace("  make olddefconfig", f"{EARLY}  {harmless}\n  make olddefconfig")
    assert "enabled-too-early" not in found(text)
    again = ARCH.replace("  cp ../config .config\n", f"{EARLY}  cp ../config .config\n{EARLY}")
    assert "enabled-too-early" not in found(again)


def test_a_pipeline_that_ends_in_another_configuration_is_found() -> None:
    lines = f"{EARLY}  zcat ../config.gz | tee .config\n  make olddefconfig"
    assert "enabled-too-early" in found(ARCH.replace("  make olddefconfig", lines))


@pytest.mark.parametrize(
    "line",
    ["scripts/config -e AUTOFDO_CLANG > .config",
     "{ cat ../config; scripts/config -e AUTOFDO_CLANG; } > .config"],
)  # fmt: skip
def test_a_command_that_enables_an_option_and_replaces_the_file_is_found(line) -> None:
    text = ARCH.replace("  make olddefconfig", f"  {line}\n  make olddefconfig")
    assert found(text)["enabled-too-early"] == (Severity.ERROR, line_of(text, line))


def test_what_clang_gets_only_with_lto_is_found_once_autofdo_is_on() -> None:
    clang = {"BUILD_FLAGS": ("LLVM=1",), "_use_llvm_lto": ("none",)}
    rules = found(WITH_PARTS, **ON, **clang)
    assert rules["clang-only-with-lto"][0] is Severity.WARNING
    assert "clang-only-with-lto" not in found(WITH_PARTS, **clang, _autofdo=("no",))
    thin = {**clang, "_use_llvm_lto": ("thin",)}
    assert "clang-only-with-lto" not in found(WITH_PARTS, **ON, **thin)


@pytest.mark.parametrize(
    ("pkgver", "old"),
    [("6.12.47", True), ("5.15", True), ("6.13rc1", False), ("7.2.4.arch1", False), ("r5", False)],
)
def test_a_kernel_older_than_autofdo_is_a_warning(pkgver, old) -> None:
    rules = found(ARCH, pkgver=(pkgver,))
    assert ("kernel-too-old" in rules) is old
    if old:
        assert rules["kernel-too-old"] == (Severity.WARNING, line_of(ARCH, "pkgver="))


def test_a_debug_package_that_is_built_carries_vmlinux() -> None:
    names = ("linux-example", "linux-example-dbg", "linux-example-headers")
    assert "stripped-vmlinux" not in found(SWITCHED, pkgname=names)


def test_variables_of_a_ci_that_are_unset_are_no_finding() -> None:
    text = SWITCHED.replace("# Do not touch", "unset CI GITHUB_RUN_ID\n# Do not touch")
    assert "ci-variable" not in found(text)


@pytest.mark.parametrize("text", ["pkgname=x\nbuild() {\n  make\n}\n", "pkgname=x\n", ""])
def test_what_is_no_kernel_is_an_error(text) -> None:
    assert found(text)["not-a-kernel"][0] is Severity.ERROR


def test_a_missing_build_is_an_error() -> None:
    assert found("prepare() {\n  make olddefconfig\n}\n")["no-build"][0] is Severity.ERROR


SOURCE = ("https://x/a.tar.xz", "https://x/a.tar.sign", "git+https://x/y.git#tag=1", "config")


def sums(**arrays: tuple[str, ...]) -> list[tuple[str, Severity]]:
    script = parse_script(b"source=(x)\nb2sums=(x)\n")
    values = Values(arrays={"source": SOURCE, "arch": ("x86_64",), **arrays})
    return [(one.rule, one.severity) for one in check_sums(script, values)]


def test_sums_are_counted_for_every_array() -> None:
    good = ("aa", "SKIP", "SKIP", "bb")
    assert sums(b2sums=good) == []
    assert sums(b2sums=good, sha256sums=good[:3]) == [("sums-count", Severity.ERROR)]
    assert sums() == [("sums-missing", Severity.ERROR)]
    of_arch = {"source_x86_64": ("c",), "b2sums": good}
    assert sums(**of_arch) == [("sums-missing", Severity.ERROR)]
    assert sums(**of_arch, b2sums_x86_64=("cc",)) == []


def test_each_source_array_needs_one_kind_of_sums_as_makepkg_does() -> None:
    good = {"b2sums": ("aa", "SKIP", "SKIP", "bb"), "sha256sums": ("aa", "SKIP", "SKIP", "bb")}
    of_arch = {"source_x86_64": ("c",), "b2sums_x86_64": ("cc",)}
    assert sums(**good, **of_arch) == []
    assert sums(**good, **of_arch, cksums_x86_64=("1", "2")) == [("sums-count", Severity.ERROR)]


def test_sums_of_one_architecture_need_not_have_all_kinds() -> None:
    shape = shape_of(BY_ARCH)
    assert list(check_sums(shape.script, shape.values)) == []


def test_a_tarball_without_a_sum_is_a_warning() -> None:
    assert sums(b2sums=("SKIP",) * 4) == [("sums-skip", Severity.WARNING)] * 2


@pytest.mark.parametrize(
    ("entry", "name", "summed"),
    [
        ("https://x/a.tar.xz", "a.tar.xz", True),
        ("b.patch::https://x/1", "b.patch", True),
        ("linux::git+https://x/y#tag=v1", "linux", False),
        ("https://x/a.sig", "a.sig", False),
        ("config", "config", True),
    ],
)
def test_entries_of_source_are_understood(entry, name, summed) -> None:
    assert (source_name(entry), needs_sum(entry)) == (name, summed)


def version(pkgver: str, *newer_than: str) -> list[Severity]:
    values = Values(arrays={"pkgver": (pkgver,)})
    return [
        one.severity
        for one in check_version(
            parse_script(b"pkgver=1\n"), values, lambda _, other: 1 if other in newer_than else -1
        )
    ]


def test_a_release_candidate_that_sorts_after_its_release_is_found() -> None:
    assert version("7.2.rc7", "7.2") == [Severity.WARNING]
    assert version("7.2_rc7", "7.2", "7.2.0") == [Severity.ERROR]
    assert version("7.2rc7") == []
    assert version("7.2.13", "7.2.13") == []


def test_a_package_that_replaces_the_api_headers_is_found() -> None:
    for values in ({"pkgname": ("linux-x-api-headers",)}, {"conflicts": ("linux-api-headers<7",)}):
        (one,) = check_api_headers(shape_of(ARCH, **values))
        assert one.severity is Severity.ERROR
    assert list(check_api_headers(shape_of(ARCH))) == []


def test_srcinfo_is_compared_line_by_line() -> None:
    assert list(check_srcinfo("pkgbase = x\n\n\tpkgver = 1\n", "pkgbase = x\n\tpkgver = 1\n")) == []
    (one,) = check_srcinfo("pkgbase = x\n\tpkgver = 1\n", "pkgbase = x\n\tpkgver = 2\n")
    assert (one.rule, one.severity, one.line) == ("srcinfo-stale", Severity.ERROR, 2)
    assert "pkgver = 2" in one.message
    assert [one.rule for one in check_srcinfo(None, "x")] == ["srcinfo-missing"]
    assert [one.rule for one in check_srcinfo("x", None)] == ["srcinfo-unchecked"]


def test_bash_names_the_line_of_a_syntax_error(tmp_path) -> None:
    stderr = "/x/PKGBUILD: line 12: syntax error near unexpected token `}'\n"
    runner = FakeRunner(answers={"bash": Result(returncode=2, stderr=stderr)})
    (one,) = check_bash(runner, tmp_path / "PKGBUILD")
    assert (one.rule, one.line, one.severity) == ("syntax", 12, Severity.ERROR)
    assert runner.queried == [bash_command(tmp_path / "PKGBUILD")]


def test_shellcheck_is_passed_on_one_grade_lower() -> None:
    comments = [
        {"line": 3, "level": "error", "code": 1009, "message": "bad"},
        {"line": 4, "level": "warning", "code": 2046, "message": "quote"},
        {"line": 5, "level": "style", "code": 2006, "message": "old"},
    ]
    every = list(parse_shellcheck(json.dumps({"comments": comments})))
    assert [(one.line, one.severity) for one in every] == [
        (3, Severity.WARNING),
        (4, Severity.NOTE),
    ]
    assert list(parse_shellcheck("no json")) == list(parse_shellcheck("[]")) == []


def test_shellcheck_is_not_needed(tmp_path) -> None:
    assert list(check_shellcheck(FakeRunner(missing={"shellcheck"}), tmp_path)) == []


def test_findings_are_printed_as_compilers_do() -> None:
    one = finding("rule", Severity.ERROR, 7, "it is wrong", "Mend it.")
    assert render_finding(one) == "PKGBUILD:7: error: it is wrong [rule]\n    → Mend it."
    assert render_finding(finding("r", Severity.NOTE, 0, "x")) == "PKGBUILD: note: x [r]"


def test_findings_are_sorted_and_come_once() -> None:
    late, early = (finding("r", Severity.NOTE, line, "x") for line in (9, 2))
    assert sort_findings([late, early, late]) == (early, late)
