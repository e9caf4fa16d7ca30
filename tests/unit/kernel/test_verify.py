from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import verify
from tests.fakes.kernel_tree import cmd_file

PROFILE = Path("/run/kernel-0123.afdo")
CC = "clang-19 -c -O2 -fdebug-info-for-profiling"
LD = "ld.lld-19 -r -plugin-opt=thinlto"


def build(objects: Path, profile: Path | None) -> Path:
    use = f" -fprofile-sample-use={profile} -ffunction-sections" if profile else ""
    link = f" --lto-sample-profile={profile}" if profile else ""
    cmd_file(objects, "kernel/fork.o", f"{CC}{use} -o kernel/fork.o a.c")
    cmd_file(objects, "mm/mmap.o", f"{CC}{use} -o mm/mmap.o b.c")
    cmd_file(objects, "arch/x86/boot/main.o", "clang-19 -c -O2 main.c")
    cmd_file(objects, "vmlinux.o", f"{LD}{link} -o vmlinux.o")
    return objects


def test_a_build_with_the_profile_is_proved_by_its_commands(tmp_path):
    found = verify.require_guided(build(tmp_path, PROFILE), PROFILE)
    assert [(finding.name, finding.ok, finding.got) for finding in found] == [
        ("compile commands", True, "2 of 2"),
        ("ThinLTO link commands", True, "1 of 1"),
    ]


def test_a_baseline_is_proved_to_have_used_none(tmp_path):
    found = verify.verify_objects(build(tmp_path, None), None)
    assert all(finding.ok for finding in found)


LAYOUT = Path("/run/propeller-4567")


def laid_out(objects: Path, *, linked: Path = LAYOUT) -> Path:
    clusters = f"-fbasic-block-sections=list={LAYOUT}_cc_profile.txt"
    use = f"-fprofile-sample-use={PROFILE}"
    link = f"--lto-sample-profile={PROFILE} --lto-basic-block-sections={linked}_cc_profile.txt"
    cmd_file(objects, "kernel/fork.o", f"{CC} {use} {clusters} -o kernel/fork.o a.c")
    cmd_file(objects, "kernel/trace/ftrace.o", f"{CC} {use} -o kernel/trace/ftrace.o b.c")
    cmd_file(objects, "vmlinux.o", f"{LD} {link} -o vmlinux.o")
    return objects


def test_a_build_with_a_layout_is_proved_by_its_commands(tmp_path):
    found = verify.require_guided(laid_out(tmp_path), PROFILE, LAYOUT)
    assert [(finding.name, finding.got) for finding in found[2:]] == [
        ("compile commands with clusters", "1 of 1"),
        ("ThinLTO links with clusters", "1 of 1"),
    ]


def test_a_link_that_ignores_the_layout_is_found(tmp_path):
    objects = laid_out(tmp_path)
    cmd_file(objects, "vmlinux.o", f"{LD} --lto-sample-profile={PROFILE} -o vmlinux.o")
    with pytest.raises(ArtifactError, match="not wholly built with propeller-4567") as caught:
        verify.require_guided(objects, PROFILE, LAYOUT)
    assert "no profile (1)" in caught.value.details


def test_a_build_in_which_no_command_has_clusters_is_found(tmp_path):
    with pytest.raises(ArtifactError, match="not wholly built") as caught:
        verify.require_guided(build(tmp_path, PROFILE), PROFILE, LAYOUT)
    assert "0 of 0" in caught.value.details


def test_a_link_with_an_older_layout_is_found(tmp_path):
    with pytest.raises(ArtifactError, match="not wholly built"):
        verify.require_guided(laid_out(tmp_path, linked=Path("/run/old")), PROFILE, LAYOUT)


def test_a_kernel_without_a_profile_has_nothing_to_prove(tmp_path):
    assert verify.require_guided(tmp_path, None) == ()


def test_a_baseline_does_not_pass_as_optimised(tmp_path):
    with pytest.raises(ArtifactError, match="not wholly built with") as caught:
        verify.require_guided(build(tmp_path, None), PROFILE)
    assert "0 of 2" in caught.value.details
    assert "no profile (2)" in caught.value.details


def test_an_optimised_build_does_not_pass_as_a_baseline(tmp_path):
    found = verify.verify_objects(build(tmp_path, PROFILE), None)
    assert not any(finding.ok for finding in found)


def test_one_object_of_an_older_profile_is_found(tmp_path):
    objects = build(tmp_path, PROFILE)
    cmd_file(objects, "mm/slub.o", f"{CC} -fprofile-sample-use=/run/kernel-9999.afdo s.c")
    compiled, _linked = verify.verify_objects(objects, PROFILE)
    assert not compiled.ok
    assert compiled.got == "2 of 3"
    assert "/run/kernel-9999.afdo (1)" in compiled.why


def test_a_link_without_the_profile_is_found(tmp_path):
    objects = build(tmp_path, PROFILE)
    cmd_file(objects, "vmlinux.o", f"{LD} -o vmlinux.o")
    compiled, linked = verify.verify_objects(objects, PROFILE)
    assert (compiled.ok, linked.ok) == (True, False)


def test_a_build_without_lto_has_no_link_commands_to_check(tmp_path):
    cmd_file(tmp_path, "a.o", f"{CC} -fprofile-sample-use={PROFILE} a.c")
    found = verify.verify_objects(tmp_path, PROFILE)
    assert [finding.name for finding in found] == ["compile commands"]


def test_a_folder_without_an_autofdo_build_is_refused(tmp_path):
    cmd_file(tmp_path, "a.o", "gcc -c a.c")
    with pytest.raises(ArtifactError, match="no objects of an AutoFDO build"):
        verify.verify_objects(tmp_path, PROFILE)
