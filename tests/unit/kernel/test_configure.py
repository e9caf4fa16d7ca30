from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel import configure, kconfig
from pkgafdo.kernel.make import Kbuild
from pkgafdo.kernel.settings import KernelSettings
from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.virtme import NEEDED
from tests.fakes import kernel_tree
from tests.fakes.runner import FakeRunner

NOWHERE = configure.RunningKernel(
    release="7.0-running", proc_config=Path("/none"), boot=Path("/none"), modules=Path("/none")
)


@pytest.fixture
def kbuild(tmp_path) -> Kbuild:
    (tmp_path / "objects").mkdir()
    return Kbuild(
        tree=kernel_tree.make_tree(tmp_path / "tree"),
        objects=tmp_path / "objects",
        toolchain=Toolchain(make_value="-19", version=(19, 1, 7), tools={}),
        jobs=2,
        timestamp=0,
    )


def obedient_make(kbuild: Kbuild, drop: str = "") -> FakeRunner:
    """A make that takes every option except `drop`."""

    def answer(command: Command) -> Result:
        source = command.env.get("KCONFIG_ALLCONFIG", str(kbuild.objects / ".config"))
        text = Path(source).read_text() if Path(source).is_file() else "CONFIG_BASE=y\n"
        kept = [line for line in text.splitlines() if not drop or drop not in line]
        (kbuild.objects / ".config").write_text("\n".join([*kept, "CONFIG_CC_IS_CLANG=y\n"]))
        return Result(returncode=0)

    return FakeRunner(answers={"make": answer})


def targets(runner: FakeRunner) -> list[str]:
    return [command.argv[-1] for command in runner.ran]


def test_the_small_configuration_goes_over_allnoconfig(kbuild):
    runner = obedient_make(kbuild)
    configure.configure(runner, kbuild, KernelSettings(), running=NOWHERE)
    assert targets(runner) == ["allnoconfig"]
    options = configure.built_config(kbuild.objects)
    assert options["SERIAL_8250_CONSOLE"] == "y"
    assert options["BUILD_SALT"] == '"pkgafdo:baseline"'
    assert options["LTO_CLANG_THIN"] == "y"


def test_the_profile_of_a_rebuild_is_written_into_the_kernel(kbuild):
    runner = obedient_make(kbuild)
    configure.configure(
        runner, kbuild, KernelSettings(lto="none"), running=NOWHERE, profile_sha256="f" * 64
    )
    options = configure.built_config(kbuild.objects)
    assert options["BUILD_SALT"] == f'"pkgafdo:autofdo:{"f" * 16}"'
    assert (options["LTO_NONE"], options["LTO_CLANG_THIN"]) == ("y", "n")


def test_a_users_fragment_wins_over_the_base_and_ours_over_it(kbuild, tmp_path):
    fragment = tmp_path / "user.config"
    fragment.write_text("CONFIG_NR_CPUS=64\n# CONFIG_AUTOFDO_CLANG is not set\n")
    settings = KernelSettings(fragments=(fragment,))
    configure.configure(obedient_make(kbuild), kbuild, settings, running=NOWHERE)
    options = configure.built_config(kbuild.objects)
    assert (options["NR_CPUS"], options["AUTOFDO_CLANG"]) == ("64", "y")


def test_the_built_in_fragment_has_a_name_that_a_file_may_take(kbuild, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = KernelSettings(fragments=(Path("virtme"),))
    configure.configure(obedient_make(kbuild), kbuild, settings, running=NOWHERE)
    assert configure.built_config(kbuild.objects)["9P_FS"] == "y"
    Path("virtme").write_text("CONFIG_NR_CPUS=64\n")
    assert configure.fragment_text(Path("virtme")) == "CONFIG_NR_CPUS=64\n"


def test_the_built_in_fragment_sets_all_that_the_guest_needs():
    options = kconfig.parse_config(configure.fragment_text(Path("virtme")))
    assert set(NEEDED) <= {name for name, value in options.items() if value == "y"}


def test_a_file_as_base_is_completed_by_olddefconfig(kbuild, tmp_path):
    base = tmp_path / "my.config"
    base.write_text("CONFIG_NR_CPUS=4\n")
    runner = obedient_make(kbuild)
    configure.configure(runner, kbuild, KernelSettings(base=str(base)), running=NOWHERE)
    assert targets(runner) == ["olddefconfig"]
    assert configure.built_config(kbuild.objects)["NR_CPUS"] == "4"


def test_defconfig_is_made_first_and_then_completed(kbuild):
    runner = obedient_make(kbuild)
    configure.configure(runner, kbuild, KernelSettings(base="defconfig"), running=NOWHERE)
    assert targets(runner) == ["defconfig", "olddefconfig"]
    assert configure.built_config(kbuild.objects)["BASE"] == "y"


def test_a_module_list_leaves_out_other_modules(kbuild, tmp_path):
    modules = tmp_path / "modprobed.db"
    modules.write_text("ext4\nnvme\n")
    settings = KernelSettings(base="defconfig", localmodconfig=str(modules))
    runner = obedient_make(kbuild)
    configure.configure(runner, kbuild, settings, running=NOWHERE)
    assert targets(runner) == ["defconfig", "olddefconfig", "localmodconfig", "olddefconfig"]
    local = runner.ran[2]
    assert Path(local.env["LSMOD"]).read_text() == "ext4\nnvme\n"
    assert local.stdin is not None
    assert set(local.stdin) == {"\n"}


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_an_unusable_module_list_is_refused(tmp_path, content):
    path = tmp_path / "modules"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="modules"):
        configure.read_module_list(path)


def test_an_option_that_kconfig_drops_stops_the_build(kbuild):
    with pytest.raises(ConfigError, match="LTO_CLANG_THIN"):
        configure.configure(
            obedient_make(kbuild, drop="CONFIG_LTO_CLANG_THIN="),
            kbuild,
            KernelSettings(),
            running=NOWHERE,
        )


def test_the_running_kernels_configuration_is_found_packed_or_plain(tmp_path):
    running = configure.RunningKernel(
        release="7.0-x",
        proc_config=tmp_path / "config.gz",
        boot=tmp_path,
        modules=tmp_path / "modules",
    )
    (tmp_path / "config-7.0-x").write_text("CONFIG_FROM_BOOT=y\n")
    assert "FROM_BOOT" in configure.running_config(running)
    (tmp_path / "config.gz").write_bytes(gzip.compress(b"CONFIG_FROM_PROC=y\n"))
    assert "FROM_PROC" in configure.running_config(running)


def test_a_machine_without_its_configuration_hears_where_it_was_looked_for():
    with pytest.raises(ConfigError, match="nowhere") as caught:
        configure.running_config(NOWHERE)
    assert "/none/config-7.0-running" in caught.value.details
    assert "kernel.base" in caught.value.hint


@pytest.mark.parametrize("data", [b"hello\n", b"", b"\x1f\x8bbroken", b"\xff\xfe\x00"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, data):
    path = tmp_path / "my.config"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"my\.config"):
        configure.read_config(path)


def test_an_object_folder_without_configuration_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match=r"no \.config"):
        configure.built_config(tmp_path)


def test_the_built_in_configuration_sets_nothing_that_we_set_ourselves():
    ours = {item.option for item in kconfig.wanted_options(
        lto="thin", localversion="-x", profile_sha256=None)}  # fmt: skip
    built_in = kconfig.parse_config(configure.small_config())
    assert ours & built_in.keys() <= {"MODULES"}


def test_the_recorder_s_option_is_set_and_insisted_on(kbuild):
    runner = obedient_make(kbuild)
    configure.configure(runner, kbuild, KernelSettings(), running=NOWHERE, recorder="AMD BRS")
    assert configure.built_config(kbuild.objects)["PERF_EVENTS_AMD_BRS"] == "y"
    with pytest.raises(ConfigError, match="did not take PERF_EVENTS_AMD_BRS"):
        configure.configure(
            obedient_make(kbuild, drop="AMD_BRS"), kbuild, KernelSettings(),
            running=NOWHERE, recorder="AMD BRS",
        )  # fmt: skip
