"""Names of mappings."""

from __future__ import annotations

import pytest

from pkgafdo.perf.perfdata.mappings import (
    CodeMapping,
    KernelMapping,
    is_kernel,
    kernel_mapping,
    module_name,
)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("[nf_tables]", "nf_tables"),
        ("/lib/modules/7.2/kernel/drivers/snd-hda-intel.ko", "snd_hda_intel"),
        ("/lib/modules/7.2/kernel/fs/xfs/xfs.ko.zst", "xfs"),
        ("/lib/modules/7.2/kernel/fs/xfs/xfs.ko.xz", "xfs"),
        ("[kernel.kallsyms]_text", None),
        ("[guest.kernel.kallsyms]", None),
        ("[bpf_prog_123]", None),
        ("[__builtin__ftrace]", None),
        ("/usr/lib/libc.so.6", None),
        ("", None),
    ],
)
def test_modules_are_known_by_their_names(name, module) -> None:
    assert module_name(name) == module


@pytest.mark.parametrize(
    "name", ["[kernel.kallsyms]", "[kernel.kallsyms]_stext", "[kernel.vmlinux]"]
)
def test_the_kernel_has_several_names(name) -> None:
    assert is_kernel(name)


@pytest.mark.parametrize(
    ("name", "start", "offset", "expected"),
    [
        ("[kernel.kallsyms]_text", 10, 20, ("_text", 20)),
        ("[kernel.kallsyms]_stext", 10, 30, ("_stext", 30)),
        ("[kernel.kallsyms]_text", 10, 0, ("_text", 10)),
        ("[kernel.kallsyms]", 10, 99, ("_text", 10)),
    ],
)
def test_the_page_offset_is_the_address_of_the_named_symbol(name, start, offset, expected) -> None:
    mapping = CodeMapping(name=name, start=start, length=5, offset=offset, build_id="")
    symbol, address = expected
    assert kernel_mapping(mapping) == KernelMapping(symbol=symbol, address=address, length=5)


def test_a_hidden_kernel_has_no_place() -> None:
    mapping = CodeMapping(name="[kernel.kallsyms]_text", start=0, length=0, offset=0, build_id="")
    assert kernel_mapping(mapping) is None
