"""The vmlinux with the address map, kept for the layout."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.workflows.kept_packages import keep_address_map
from tests.unit.elf_files import PROGBITS, Part, elf

MAPPED = elf(Part(".llvm_bb_addr_map", PROGBITS, bytes(8)))
PLAIN = elf(Part(".text", PROGBITS, bytes(8)))


@pytest.mark.parametrize(
    "built",
    [
        {"vmlinux.unstripped": MAPPED, "vmlinux": PLAIN},
        {"vmlinux": MAPPED},
    ],
)
def test_the_map_is_kept_under_one_name_whichever_file_has_it(tmp_path, built) -> None:
    for name, content in built.items():
        (tmp_path / name).write_bytes(content)
    kept = keep_address_map(tmp_path, tmp_path / "packages", "optimised")
    assert kept == {"address_map": tmp_path / "packages/optimised.vmlinux.unstripped"}
    assert kept["address_map"].read_bytes() == MAPPED


def test_a_build_without_a_map_leaves_nothing_behind(tmp_path) -> None:
    (tmp_path / "vmlinux").write_bytes(PLAIN)
    with pytest.raises(ArtifactError, match="no basic-block address map"):
        keep_address_map(tmp_path, tmp_path / "packages", "optimised")
    assert [path.name for path in tmp_path.iterdir()] == ["vmlinux"]
