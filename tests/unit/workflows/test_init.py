"""A configuration that fits the machine, and that our own loader takes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest

from pkgafdo.config.load import load_config
from pkgafdo.errors import ConfigError
from pkgafdo.host.facts import Family, folders_of
from pkgafdo.workflows.init import Choice, choose, write_new
from pkgafdo.workflows.init_text import render
from pkgafdo.workflows.recorder import Road
from tests.unit.host import machines
from tests.unit.host.test_doctor import FACTS

if TYPE_CHECKING:
    from pathlib import Path

HOST = Road(name="host", why="AMD LBR v2 is announced")
VM = Road(name="vm", why="as configured")
DEBIAN = replace(
    FACTS,
    distribution="debian",
    family=Family.DEBIAN,
    release="6.1.0-42-amd64",
    pacman_managed=False,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    machines.announce(tmp_path, "systemd-boot 257", features=machines.ONE_SHOT)
    return tmp_path


def test_a_cachyos_machine_takes_cachyoss_tree_and_records_where_it_runs(root: Path) -> None:
    choices = choose(FACTS, HOST, here=root, filesystem=root)
    assert choices.location.value == "https://github.com/CachyOS/linux"
    assert choices.branch == "7.2/base"
    assert (choices.base.value, choices.lto.value) == ("running", "thin")
    assert (choices.road.value, choices.install.value) == ("host", "yes")
    assert "systemd-boot 257 boots it once" in choices.install.why


def test_an_arch_machine_takes_the_tag_of_its_kernel(root: Path) -> None:
    arch = replace(FACTS, distribution="arch", release="7.2.4-arch1-2")
    choices = choose(arch, HOST, here=root, filesystem=root)
    assert (choices.location.value, choices.branch) == (
        "https://github.com/archlinux/linux",
        "v7.2.4-arch1",
    )
    custom = choose(replace(arch, release="7.2.4-mine"), HOST, here=root, filesystem=root)
    assert (custom.location.value, custom.branch) == ("auto", "")


def test_a_debian_machine_builds_a_small_kernel_for_the_vm(root: Path) -> None:
    choices = choose(DEBIAN, HOST, here=root, filesystem=root)
    assert choices.location.value == "auto"
    assert choices.base.value == "small"
    assert (choices.road.value, choices.install.value) == ("vm", "no")
    assert "pacman does not manage" in choices.road.why


def test_secure_boot_or_a_container_lead_to_the_vm(root: Path) -> None:
    machines.secure_boot(root, on=True)
    assert "Secure Boot" in choose(FACTS, HOST, here=root, filesystem=root).road.why
    machines.write(root, "run/.containerenv")
    choices = choose(FACTS, HOST, here=root, filesystem=root)
    assert (choices.road.value, choices.road.why) == ("vm", "in a Podman container")


def test_little_memory_goes_without_thinlto(root: Path) -> None:
    small = replace(FACTS, memory=4 << 30)
    assert choose(small, HOST, here=root, filesystem=root).lto.value == "none"


def test_the_list_of_modprobed_db_is_used_where_it_is(root: Path, tmp_path: Path) -> None:
    home = replace(FACTS, folders=folders_of({}, home=str(tmp_path)))
    assert choose(home, HOST, here=root, filesystem=root).module_list == ""
    machines.write(tmp_path, ".config/modprobed.db", "ext4\n")
    choices = choose(home, HOST, here=root, filesystem=root)
    assert choices.module_list == str(tmp_path / ".config/modprobed.db")
    assert "localmodconfig" in render(choices)


@pytest.mark.parametrize(
    ("facts", "road", "route", "install"),
    list(product((FACTS, DEBIAN), (HOST, VM), ("pacman-pkg", "pkgbuild"), ("yes", "no"))),
)
def test_every_file_is_taken_by_the_loader_and_says_what_was_chosen(
    root: Path, tmp_path: Path, facts, road: Road, route: str, install: str
) -> None:
    choices = replace(
        choose(facts, road, here=root, filesystem=root),
        route=Choice(value=route, why="x"),
        install=Choice(value=install, why="x"),
        folder="/src/linux-mine" if route == "pkgbuild" else "",
    )
    path = tmp_path / "pkgafdo.toml"
    write_new(path, choices)
    config = load_config(path)
    if route == "pacman-pkg":
        assert config.source.location == choices.location.value
        assert config.source.branch == choices.branch
        assert config.kernel.base == choices.base.value
        assert config.kernel.lto == choices.lto.value
    assert (config.package.route, config.package.folder) == (route, choices.folder)
    assert config.record.road == choices.road.value
    assert config.workload.suite == "train"
    assert len(config.record.workloads) > 1
    assert config.install.system is (install == "yes")


def test_the_file_says_that_the_road_was_announced_and_who_tries_it(root: Path) -> None:
    text = render(choose(FACTS, HOST, here=root, filesystem=root))
    assert "sudo pkgafdo doctor" in text.partition('road = "host"')[2].splitlines()[1]
    assert "sudo pkgafdo doctor" not in render(choose(FACTS, VM, here=root, filesystem=root))


def test_a_file_that_is_there_is_never_overwritten(root: Path, tmp_path: Path) -> None:
    path = machines.write(tmp_path, "pkgafdo.toml", "# mine\n")
    with pytest.raises(ConfigError, match="left as it is"):
        write_new(path, choose(FACTS, HOST, here=root, filesystem=root))
    assert path.read_text(encoding="utf-8") == "# mine\n"
    dangling = tmp_path / "link.toml"
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError):
        write_new(dangling, choose(FACTS, HOST, here=root, filesystem=root))


def test_what_the_loader_refuses_is_not_left_behind(root: Path, tmp_path: Path) -> None:
    odd = replace(choose(FACTS, HOST, here=root, filesystem=root), base=Choice(value="small", why=""),
                  module_list="/m")  # fmt: skip
    with pytest.raises(ConfigError, match="1 fault"):
        write_new(tmp_path / "new.toml", odd)
    assert not list(tmp_path.glob("*new.toml*"))


def test_hostile_names_stay_in_their_comments_and_strings(root: Path, tmp_path: Path) -> None:
    odd = replace(
        choose(FACTS, HOST, here=root, filesystem=root),
        machine="evil\n[kernel]\nlto = 3",
        location=Choice(value='/a "b"\\c\x7f', why="new\nline"),
        branch="",
    )
    write_new(tmp_path / "odd.toml", odd)
    assert load_config(tmp_path / "odd.toml").source.location == '/a "b"\\c\x7f'


def test_a_kernels_pkgbuild_here_is_built_by_makepkg(root: Path, tmp_path: Path) -> None:
    machines.write(tmp_path, "here/PKGBUILD", "pkgbase=linux-mine\n")
    machines.write(tmp_path, "other/PKGBUILD", "pkgname=bash\n")
    choices = choose(FACTS, HOST, here=tmp_path / "here", filesystem=root)
    assert (choices.route.value, choices.folder) == ("pkgbuild", str(tmp_path / "here"))
    choices = choose(FACTS, HOST, here=tmp_path / "other", filesystem=root)
    assert (choices.route.value, choices.folder) == ("pacman-pkg", "")
