"""What virtme-ng is asked for, and which kernels and machines it cannot serve."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pkgafdo.errors import ConfigError, HostError
from pkgafdo.vm.settings import VmSettings
from pkgafdo.vm.virtme import (
    NEEDED,
    Visit,
    missing_options,
    require_options,
    require_shareable,
    require_virtme,
    virtme_command,
)
from tests.fakes.runner import FakeRunner

ABLE = dict.fromkeys(NEEDED, "y")


def visit(**changes: Any) -> Visit:
    """Return a boot with these changes."""
    usual: dict[str, Any] = {
        "program": "/usr/bin/virtme-run",
        "image": Path("/boot/a, b/vmlinuz"),
        "share": Path("/tmp/share"),
        "plugin": "file=/cache/vlbr.so,mode=record",
        "qemu": "/usr/bin/qemu",
    }
    return Visit(**(usual | changes))


def words_after(argv: tuple[str, ...], name: str) -> list[str]:
    """Return what follows each occurrence of an option."""
    return [after for word, after in pairwise(argv) if word == name]


def test_every_word_is_an_argument_of_its_own():
    argv = virtme_command(VmSettings(), visit()).argv
    assert words_after(argv, "--kimg") == ["/boot/a, b/vmlinuz"]
    assert words_after(argv, "--rwdir") == ["/run/pkgafdo=/tmp/share"]
    assert words_after(argv, "--script-sh") == ["sh /run/pkgafdo/errand.sh"]


def test_the_plugin_and_emulation_come_last_where_qemu_takes_all():
    argv = virtme_command(VmSettings(cpu="Skylake-Server"), visit()).argv
    qemu = argv[argv.index("--qemu-opts") + 1 :]
    assert words_after(qemu, "-plugin") == ["file=/cache/vlbr.so,mode=record"]
    assert words_after(qemu, "-accel") == ["tcg,thread=single"]
    assert words_after(qemu, "-cpu") == ["Skylake-Server"]
    assert "--disable-kvm" in argv[: argv.index("--qemu-opts")]


def test_addresses_are_link_addresses():
    assert "nokaslr" in words_after(virtme_command(VmSettings(), visit()).argv, "--kopt")


def test_features_of_the_processor_are_named_only_when_there_are_some():
    with_some = virtme_command(VmSettings(cpu_features=("fsrm", "fsrs")), visit()).argv
    assert "setcpuid=fsrm,fsrs" in words_after(with_some, "--kopt")
    without = virtme_command(VmSettings(cpu_features=()), visit()).argv
    assert not [word for word in without if word.startswith("setcpuid")]


def test_the_processor_s_own_lbr_takes_the_place_of_emulation_and_plugin():
    argv = virtme_command(VmSettings(), visit(plugin="", lbr_format=5)).argv
    qemu = argv[argv.index("--qemu-opts") + 1 :]
    assert qemu == ("-cpu", "host,pmu=on,lbr-fmt=0x5")
    assert "--disable-kvm" not in argv
    assert "nolapic_timer" not in argv


@pytest.mark.parametrize(("modules", "word"), [(True, "auto"), (False, "none")])
def test_modules_are_looked_for_only_where_that_writes_nothing(modules, word):
    argv = virtme_command(VmSettings(), visit(modules=modules)).argv
    assert words_after(argv, "--mods") == [word]


def test_each_folder_that_the_guest_s_init_writes_to_gets_a_layer():
    argv = virtme_command(VmSettings(), visit(layers=("/etc", "/lib"))).argv
    assert words_after(argv, "--overlay-rwdir") == ["/etc", "/lib"]


def test_a_module_is_as_good_as_built_in():
    assert missing_options(ABLE | {"9P_FS": "m"}) == ()


def test_an_option_that_is_off_or_unknown_is_missing():
    options = ABLE | {"9P_FS": "n"}
    del options["OVERLAY_FS"]
    assert missing_options(options) == ("9P_FS", "OVERLAY_FS")


def test_a_kernel_that_cannot_is_refused_with_its_options_and_the_fragment():
    with pytest.raises(HostError) as caught:
        require_options(ABLE | {"9P_FS": "n"}, "/boot/vmlinuz")
    assert caught.value.message.startswith("/boot/vmlinuz cannot")
    assert caught.value.details == "CONFIG_9P_FS is not set: the host's root in the guest"
    assert "'kernel.fragments=[\"virtme\"]'" in caught.value.hint


def test_a_kernel_that_can_is_not_refused():
    require_options(ABLE, "/boot/vmlinuz")


def test_virtme_is_taken_from_path_first(tmp_path):
    (tmp_path / "virtme-run").touch()
    assert require_virtme(FakeRunner(), tmp_path) == "/usr/bin/virtme-run"


def test_virtme_of_our_own_environment_serves_when_path_has_none(tmp_path):
    (tmp_path / "virtme-run").touch()
    runner = FakeRunner(missing={"virtme-run"})
    assert require_virtme(runner, tmp_path) == str(tmp_path / "virtme-run")


def test_without_virtme_the_packages_are_named(tmp_path):
    with pytest.raises(HostError) as caught:
        require_virtme(FakeRunner(missing={"virtme-run"}), tmp_path)
    for name in ("Arch: virtme-ng", "Debian 13: virtme-ng", "pkgafdo[vng]"):
        assert name in caught.value.hint


def test_a_folder_that_virtme_would_refuse_is_refused_before(tmp_path):
    require_shareable(Path("/tmp/pkgafdo-x_1"))
    with pytest.raises(ConfigError, match="cannot share"):
        require_shareable(Path("/tmp/ö=1"))
