"""Which kernel a command runs on in the VM, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo import files
from pkgafdo.errors import ArtifactError, ConfigError, HostError
from pkgafdo.pipeline.workdir import KIND, Workdir
from pkgafdo.vm.virtme import NEEDED
from pkgafdo.workflows.vm_kernel import (
    config_beside,
    kernel_of_files,
    kernel_of_run,
    require_able,
)
from tests.unit import elf_files
from tests.unit.workflows.entries import built

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "7.2.13-pkgafdo-base"
ABLE = "".join(f"CONFIG_{name}=y\n" for name in NEEDED)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has built and installed its baseline kernel."""
    folder = tmp_path / "work"
    files.mark_folder(folder, KIND)
    modules = folder / "root/usr/lib/modules" / RELEASE
    (modules / "build").mkdir(parents=True)
    (modules / "vmlinuz").write_bytes(b"kernel")
    (modules / "build/vmlinux").write_bytes(b"vmlinux")
    (folder / "packages").mkdir()
    (folder / "packages/baseline.config").write_text(ABLE)
    for entry in built(folder, "baseline", "linux-pkgafdo-base", RELEASE).values():
        Workdir(path=folder).journal.write(entry)
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A kernel's image in a folder of its own."""
    path = tmp_path / "one/two/three/vmlinuz-7.2.13"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"kernel")
    return path


def test_the_baseline_of_a_run_is_taken_with_its_configuration(run):
    kernel = kernel_of_run(run)
    assert kernel.image == run / f"root/usr/lib/modules/{RELEASE}/vmlinuz"
    assert kernel.vmlinux.release == RELEASE
    assert kernel.config is not None
    assert kernel.config["9P_FS"] == "y"
    assert kernel.modules


def test_a_run_without_a_kernel_says_how_to_get_one(run):
    Workdir(path=run).journal.remove("install-baseline")
    with pytest.raises(ConfigError) as caught:
        kernel_of_run(run)
    assert "pkgafdo build" in caught.value.hint


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no run"):
        kernel_of_run(tmp_path / "nowhere")


def test_an_image_needs_its_vmlinux(image, tmp_path):
    with pytest.raises(ConfigError, match="needs its vmlinux"):
        kernel_of_files(image, None)
    with pytest.raises(ConfigError, match="there is no kernel image"):
        kernel_of_files(tmp_path / "nothing", tmp_path / "vmlinux")
    (tmp_path / "vmlinux").write_bytes(b"no ELF")
    with pytest.raises(ArtifactError):
        kernel_of_files(image, tmp_path / "vmlinux")


def test_a_kernel_by_itself_has_the_build_id_of_its_vmlinux(image, tmp_path):
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux(build_id=bytes.fromhex("ab" * 20)))
    kernel = kernel_of_files(image, tmp_path / "vmlinux")
    assert kernel.vmlinux.build_id == "ab" * 20
    assert kernel.config is None


@pytest.mark.parametrize(
    "place", ["config", "build/.config", "config-7.2.13", "../../.config", "../../../.config"]
)
def test_a_configuration_is_found_where_kernels_keep_it(image, place):
    config = (image.parent / place).resolve()
    config.parent.mkdir(exist_ok=True)
    config.write_text(ABLE)
    assert config_beside(image) == config


def test_in_a_build_folder_modules_are_left_alone(tmp_path):
    image = tmp_path / "arch/x86/boot/bzImage"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"kernel")
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    (tmp_path / ".config").write_text(ABLE)
    kernel = kernel_of_files(image, tmp_path / "vmlinux")
    assert not kernel.modules
    assert kernel.config is not None


def test_a_kernel_whose_configuration_says_that_it_cannot_is_refused(run):
    (run / "packages/baseline.config").write_text("CONFIG_TMPFS=y\n# CONFIG_9P_FS is not set\n")
    with pytest.raises(HostError, match="cannot run commands of this machine"):
        require_able(kernel_of_run(run))
    (run / "packages/baseline.config").write_text(ABLE)
    require_able(kernel_of_run(run))


def test_a_kernel_of_unknown_configuration_is_tried_with_a_note(image, tmp_path, capsys):
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    require_able(kernel_of_files(image, tmp_path / "vmlinux"))
    assert "trying it all the same" in capsys.readouterr().err
