from __future__ import annotations

import pytest

from pkgafdo.kernel import disk
from pkgafdo.kernel.configure import RunningKernel
from pkgafdo.kernel.settings import KernelSettings

GIB = 1 << 30
DEBUG = "CONFIG_DEBUG_INFO=y\n"


def config(*, built_in: int, modules: int = 0, debug: bool = False) -> str:
    return "".join(
        [
            *(f"CONFIG_Y{number}=y\n" for number in range(built_in)),
            *(f"CONFIG_M{number}=m\n" for number in range(modules)),
            'CONFIG_CC_VERSION_TEXT="clang version 19.1.7"\n',
            DEBUG if debug else "",
        ]
    )


DISTRIBUTION = config(built_in=3000, modules=6500, debug=True)


def test_a_distributions_configuration_takes_what_was_reported_of_one():
    assert disk.estimate_objects(DISTRIBUTION) == pytest.approx(25 * GIB, rel=0.01)


def test_a_small_configuration_of_ones_own_takes_about_what_the_built_in_one_does():
    assert disk.SMALL <= disk.estimate_objects(config(built_in=700)) < 1.5 * disk.SMALL


@pytest.mark.parametrize(
    "less",
    [
        {"text": DISTRIBUTION.replace(DEBUG, "")},
        {"text": DISTRIBUTION + "CONFIG_DEBUG_INFO_REDUCED=y\n"},
        {"text": DISTRIBUTION, "modules": 150},
        {"text": DISTRIBUTION, "lto": False},
    ],
)
def test_line_tables_a_list_of_modules_and_no_lto_take_less(less):
    assert disk.estimate_objects(**less) < disk.estimate_objects(DISTRIBUTION)


def test_a_list_of_modules_never_makes_more_of_them():
    text = config(built_in=2000, modules=20)
    assert disk.estimate_objects(text, modules=150) == disk.estimate_objects(text)


def test_a_part_of_a_configuration_is_filled_up_by_kconfigs_defaults():
    assert disk.estimate_objects("CONFIG_MODULES=y\n") == disk.DEFCONFIG


def test_an_own_configuration_is_read_with_its_fragments_and_its_list_of_modules(tmp_path):
    base, fragment, modules = (tmp_path / name for name in ("config", "fragment", "modules"))
    base.write_text(DISTRIBUTION)
    fragment.write_text("CONFIG_DEBUG_INFO_NONE=y\n")
    modules.write_text("ext4\nnvme\n")
    running = RunningKernel(release="1", proc_config=base)
    full = disk.objects_of(KernelSettings(base=str(base)), running)
    assert full == disk.estimate_objects(DISTRIBUTION)
    assert disk.objects_of(KernelSettings(base="running"), running) == full
    small = KernelSettings(
        base="running", fragments=(fragment,), localmodconfig=str(modules), lto="none"
    )
    assert disk.objects_of(small, running) < full / 10
