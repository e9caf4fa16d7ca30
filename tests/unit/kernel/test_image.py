from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import image
from tests.fakes.kernel_tree import write_files
from tests.unit.elf_files import NOTE, PROGBITS, Part, elf, note

BUILD_ID = "ab" * 20


@pytest.fixture
def objects(tmp_path):
    write_files(
        tmp_path,
        {
            ".config": "CONFIG_64BIT=y\n",
            "include/config/kernel.release": "7.2.13-pkgafdo\n",
            "arch/x86/boot/bzImage": "image",
            "modules.order": "fs/ext4/ext4.o\nlib/crc/crc16.o\n",
        },
    )
    build_id = note(b"GNU", 3, bytes.fromhex(BUILD_ID))
    (tmp_path / "vmlinux").write_bytes(elf(Part(".notes", NOTE, build_id)))
    return tmp_path


def test_a_finished_build_is_read_from_its_objects(objects):
    built = image.read_kernel(objects)
    assert built.release == "7.2.13-pkgafdo"
    assert built.image == objects / "arch/x86/boot/bzImage"
    assert (built.vmlinux.build_id, built.vmlinux.release) == (BUILD_ID, built.release)
    assert built.modules == (objects / "fs/ext4/ext4.ko", objects / "lib/crc/crc16.ko")


def test_the_order_may_name_modules_or_their_objects(objects):
    (objects / "modules.order").write_text("fs/ext4/ext4.ko\n")
    assert image.modules(objects) == (objects / "fs/ext4/ext4.ko",)


def test_a_kernel_without_modules_has_none(objects):
    (objects / "modules.order").unlink()
    assert image.read_kernel(objects).modules == ()


@pytest.mark.parametrize(
    "name", ["include/config/kernel.release", "vmlinux", "arch/x86/boot/bzImage", ".config"]
)
def test_an_unfinished_build_says_what_is_missing(objects, name):
    (objects / name).unlink()
    with pytest.raises(ArtifactError, match="no finished kernel") as caught:
        image.read_kernel(objects)
    assert name in caught.value.details


def test_a_vmlinux_without_build_id_is_refused(objects):
    (objects / "vmlinux").write_bytes(elf())
    with pytest.raises(ArtifactError, match="no build-id"):
        image.read_kernel(objects)


def with_sections(path, *names):
    path.write_bytes(elf(*(Part(name, PROGBITS, bytes(8)) for name in names)))


@pytest.mark.parametrize(
    ("unstripped", "vmlinux", "chosen"),
    [
        ((".text", image.ADDRESS_MAP), (".text",), "vmlinux.unstripped"),
        ((".text", image.ADDRESS_MAP), (".text", image.ADDRESS_MAP), "vmlinux.unstripped"),
        (None, (".text", image.ADDRESS_MAP), "vmlinux"),
    ],
)
def test_the_vmlinux_with_the_map_is_found(tmp_path, unstripped, vmlinux, chosen):
    with_sections(tmp_path / "vmlinux", *vmlinux)
    if unstripped:
        with_sections(tmp_path / "vmlinux.unstripped", *unstripped)
    assert image.require_mapped(tmp_path) == tmp_path / chosen


@pytest.mark.parametrize("names", [["vmlinux"], ["vmlinux", "vmlinux.unstripped"]])
def test_a_build_without_a_map_is_refused(tmp_path, names):
    for name in names:
        with_sections(tmp_path / name, ".text")
    with pytest.raises(ArtifactError, match="no basic-block address map") as caught:
        image.require_mapped(tmp_path)
    assert "CONFIG_PROPELLER_CLANG=y" in caught.value.hint
