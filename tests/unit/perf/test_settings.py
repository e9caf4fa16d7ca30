"""What a user may ask of recordings on a real machine."""

from __future__ import annotations

from typing import Any

import pytest

from pkgafdo.config.load import build_config
from pkgafdo.errors import ConfigError


def record(**values: Any):
    return build_config({"record": values}, origin="the test").record


def test_the_vm_is_the_default() -> None:
    assert record().road == "vm"
    assert record().period == 500_009


def test_all_may_be_chosen() -> None:
    chosen = record(road="auto", event="--pfm-events X:k", workloads=["2,network"], max_lost=0.5)
    assert chosen.workloads == ("2,network",)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"road": "car"}, "record.road"),
        ({"event": "cycles"}, "not of the kernel alone"),
        ({"workloads": ["nonsense"]}, "no workload"),
        ({"workloads": ["0,network"]}, "no weight"),
        ({"period": 100}, "record.period"),
        ({"max_lost": 1.0}, "record.max_lost"),
        ({"seconds": -1}, "record.seconds"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        record(**values)
    assert fault in refusal.value.details
