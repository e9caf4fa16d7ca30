"""Loading the configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from pkgafdo.config import load as subject
from pkgafdo.config.model import Config
from pkgafdo.errors import ConfigError

FULL = """
[source]
location = "https://example.org/linux-7.2.tar.xz"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

[kernel]
base = "running"
fragments = ["/etc/one.config", "two.config"]
localmodconfig = "/root/modprobed.db"
lto = "none"
localversion = "-mine"

[toolchain]
llvm = "19"

[build]
jobs = 4
user = "builder"
pkgbase = "linux-mine"
packager = "Me <me@example.org>"
pkgext = ".pkg.tar.zst"
sign = true
makepkg_options = ["--nocheck"]

[install]
system = true

[vm]
qemu = "/opt/qemu"
cpu = "Skylake-Client"
memory = 2048
modules = ["ext4"]
timeout = 60

[workload]
command = "make -C /src"
files = ["/usr/bin/make"]
step_timeout = 10

[profile]
min_functions = 10
min_samples = 100
min_found_share = 0.5

[measure]
heldout = "train"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_file(text: str | bytes) -> Path:
        path = tmp_path / "pkgafdo.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write_file


def faults(*overrides: str, path: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        subject.load_config(path, overrides)
    assert "config schema" in caught.value.hint
    return caught.value.details


def test_without_a_file_the_defaults_hold() -> None:
    assert subject.load_config(None) == Config()


def test_an_empty_file_means_the_defaults(write) -> None:
    assert subject.load_config(write("")) == Config()


def test_a_full_file_is_read_with_every_key(write) -> None:
    config = subject.load_config(write(FULL))
    assert config.kernel.fragments == (Path("/etc/one.config"), Path("two.config"))
    assert config.build.jobs == 4
    assert config.vm.modules == ("ext4",)
    assert config.profile.min_found_share == 0.5
    assert config.measure.heldout == "train"
    assert config.install.system


def test_a_configuration_written_out_and_read_again_is_the_same(write) -> None:
    config = subject.load_config(write(FULL))
    assert subject.build_config(subject.as_plain(config), origin="x") == config
    assert subject.as_plain(Config())["vm"]["memory"] == 1024


def test_an_unknown_key_is_refused_with_what_was_probably_meant() -> None:
    assert faults("vm.memori=5") == "vm.memori: unknown key; did you mean memory?"
    assert faults("toolchian.llvm=1") == "toolchian: unknown key; did you mean toolchain?"
    assert faults("vm.xyzzy=5") == "vm.xyzzy: unknown key"


def test_a_near_name_is_looked_for_in_the_right_section_only() -> None:
    assert "did you mean" not in faults("vm.pkgbase=5")
    assert faults("build.pkgbas=5") == "build.pkgbas: unknown key; did you mean pkgbase?"


def test_all_faults_are_told_at_once(write) -> None:
    path = write(
        '[vm]\nmemory = 1\ncpus = 3\n[build]\njobs = "many"\n[workload]\nfiles = ["x"]\n[tool]\n'
    )
    lines = faults(path=path).splitlines()
    assert [line.partition(":")[0] for line in sorted(lines)] == [
        "build.jobs",
        "tool",
        "vm.cpus",
        "vm.memory",
        "workload",
    ]
    with pytest.raises(ConfigError, match=rf"{path} has 5 faults"):
        subject.load_config(path)


def test_one_fault_is_called_one() -> None:
    with pytest.raises(ConfigError, match=r"the command line has 1 fault$"):
        subject.load_config(None, ["build.jobs=-1"])


@pytest.mark.parametrize(
    ("override", "evidence"),
    [
        ("vm.memory=64", "vm.memory: Input should be greater than or equal to 256 (it is 64)"),
        ('vm.memory="big"', 'vm.memory: Input should be a valid integer (it is "big")'),
        ("build.sign=1", "build.sign: Input should be a valid boolean (it is 1)"),
        ("vm.modules=ext4", "vm.modules: "),
        ("vm=5", "vm: "),
        ("kernel.lto=fat", "kernel.lto: "),
        ("source.sha256=12", "source.sha256: a SHA-256 has 64 hexadecimal digits"),
        ("profile.min_found_share=1.5", "profile.min_found_share: "),
    ],
)
def test_a_wrong_value_is_shown_with_its_place(override: str, evidence: str) -> None:
    assert faults(override).startswith(evidence)


def test_a_fault_across_keys_names_the_section() -> None:
    assert faults('workload.files=["x"]').startswith("workload: files belong to a command")


def test_a_fault_of_an_override_is_not_blamed_on_the_file(write) -> None:
    with pytest.raises(ConfigError, match=r"^the command line has 1 fault$"):
        subject.load_config(write(FULL), ["kernel.lto=fat"])


def test_a_fault_of_the_file_is_not_blamed_on_an_override(write) -> None:
    path = write("[vm]\nmemory = 1\n")
    with pytest.raises(ConfigError, match=f"^{path} has 1 fault$"):
        subject.load_config(path, ["build.jobs=2"])


def test_faults_of_both_are_told_apart(write) -> None:
    path = write("[vm]\nmemory = 1\n")
    with pytest.raises(ConfigError, match=f"^{path} and the command line have 2 faults") as caught:
        subject.load_config(path, ["kernel.lto=fat"])
    of_set, of_file = sorted(caught.value.details.splitlines())
    assert of_set.startswith("kernel.lto: ")
    assert of_set.endswith(" – on the command line")
    assert of_file.endswith("(it is 1)")


def test_a_key_without_its_section_is_recognised() -> None:
    assert faults("lto=thin") == "lto: unknown key; did you mean kernel.lto?"
    assert faults("functions=source").endswith("did you mean propeller.layout.functions?")


def test_an_array_is_shown_as_it_is_written() -> None:
    fault = faults("kernel.fragments=virtme")
    assert fault == 'kernel.fragments: this is an array, written ["virtme"] (it is "virtme")'


def test_overrides_win_over_the_file_and_later_ones_over_earlier(write) -> None:
    config = subject.load_config(write(FULL), ["build.jobs=8", "build.jobs=9", "vm.cpu=max"])
    assert config.build.jobs == 9
    assert config.vm.cpu == "max"
    assert config.vm.memory == 2048


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("build.jobs=4", (["build", "jobs"], 4)),
        ("build.sign=true", (["build", "sign"], True)),
        ('vm.modules=["a", "b"]', (["vm", "modules"], ["a", "b"])),
        ('kernel.localversion="-x"', (["kernel", "localversion"], "-x")),
        ("kernel.localversion=-x", (["kernel", "localversion"], "-x")),
        ("workload.command=perf bench a=b", (["workload", "command"], "perf bench a=b")),
        ("workload.command=", (["workload", "command"], "")),
        (" a . b =1", (["a ", " b"], 1)),
        ("top=1.5", (["top"], 1.5)),
    ],
)
def test_an_override_is_toml_or_else_text(text: str, parsed) -> None:
    assert subject.parse_override(text) == parsed


@pytest.mark.parametrize("text", ["", "vm.cpu", "=5", "  =5"])
def test_an_override_without_a_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not section\.key=value") as caught:
        subject.load_config(None, [text])
    assert "--set" in caught.value.hint


def test_an_override_below_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"vm in “vm\.cpu=x” is a value"):
        subject.override({"vm": 5}, ["vm.cpu=x"])


@pytest.mark.parametrize("text", ["19", "true", "2020-01-01", '"19"', " 19 "])
def test_a_text_key_takes_an_override_as_text_whatever_it_looks_like(text: str) -> None:
    config = subject.load_config(None, [f"toolchain.llvm={text}"])
    assert config.toolchain.llvm == text.strip(' "')


def test_overrides_leave_the_data_as_it_was() -> None:
    data = {"vm": {"cpu": "max"}}
    assert subject.override(data, ["vm.cpu=x"]) == {"vm": {"cpu": "x"}}
    assert data == {"vm": {"cpu": "max"}}


def test_a_date_is_no_text_but_a_fault_of_its_place(write) -> None:
    assert subject.load_config(write("[toolchain]\nllvm = 2020-01-01")).toolchain.llvm


def test_a_file_that_cannot_be_read_is_told(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        subject.load_config(tmp_path / "absent.toml")
    assert "No such file" in caught.value.details
    assert caught.value.hint


@pytest.mark.parametrize("text", ["[vm", "vm = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_told(write, text) -> None:
    with pytest.raises(ConfigError, match="is not valid TOML") as caught:
        subject.load_config(write(text))
    assert caught.value.details
    assert "config schema" in caught.value.hint  # needs no configuration, other than `show`


def test_the_schema_is_a_json_schema_and_accepts_a_full_file(write) -> None:
    schema = subject.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(subject.read_toml(write(FULL)), schema)
    jsonschema.validate({}, schema)
    jsonschema.validate(subject.as_plain(Config()), schema)


@pytest.mark.parametrize(
    "data",
    [{"vm": {"cpus": 1}}, {"nonsense": {}}, {"vm": {"memory": 1}}, {"build": {"jobs": "x"}}],
)
def test_the_schema_refuses_what_loading_refuses(data) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, subject.schema())
    with pytest.raises(ConfigError):
        subject.build_config(data, origin="x")


def test_every_section_and_key_is_described_in_the_schema() -> None:
    schema = subject.schema()
    kinds = {"": schema, **schema["$defs"]}
    described = {
        f"{name}.{key}": (value | kinds.get(value.get("$ref", "").rpartition("/")[2], {}))
        for name, kind in kinds.items()
        for key, value in kind.get("properties", {}).items()
    }
    assert len(described) > 30
    assert [name for name, value in described.items() if not value.get("description")] == []


def test_a_configuration_cannot_be_changed() -> None:
    config = Config()
    with pytest.raises(AttributeError):
        config.vm.cpu = "x"  # type: ignore[misc]
    assert replace(config.vm, cpu="x").cpu == "x"
