"""What a user may ask of the virtual machine and the workload."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pkgafdo.vm.settings import VmSettings, WorkloadSettings


def test_the_defaults_are_valid_and_train() -> None:
    assert WorkloadSettings().suite == "train"
    assert VmSettings().qemu == "qemu-system-x86_64"


@pytest.mark.parametrize(
    "wrong",
    [{"memory": 255}, {"memory": 10**6}, {"timeout": 9}, {"cpu": ""}, {"cpu": "-help"}, {"qemu": ""},
     {"modules": ("a b",)}, {"modules": ("../x",)}, {"cpu_features": ("fsrm,nosmp",)},
     {"colour": "red"}],
)  # fmt: skip
def test_an_impossible_machine_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        VmSettings(**wrong)


def test_files_need_a_command_of_ones_own() -> None:
    with pytest.raises(ValidationError, match="belong to a command of your own"):
        WorkloadSettings(files=("/bin/ls",))
    with pytest.raises(ValidationError, match="operations belong to a command"):
        WorkloadSettings(operations=5)
    assert WorkloadSettings(command="ls", files=("/bin/ls",)).files == ("/bin/ls",)


@pytest.mark.parametrize(
    "wrong",
    [{"command": "a\0b"}, {"command": "a", "files": ("x\ny",)}, {"command": "a", "files": ("\0",)},
     {"step_timeout": 0}],
)  # fmt: skip
def test_a_workload_that_cannot_be_written_down_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        WorkloadSettings(**wrong)
