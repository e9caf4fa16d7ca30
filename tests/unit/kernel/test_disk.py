from __future__ import annotations

from pkgafdo.kernel import disk

GIB = 1 << 30


def test_a_distributions_configuration_needs_far_more_than_the_small_one():
    small = disk.estimate_disk("small")
    running = disk.estimate_disk("running")
    assert small < 2 * GIB
    assert running > 40 * GIB
    assert disk.estimate_disk("/etc/my.config") == running
    assert small < disk.estimate_disk("running", localmodconfig=True) < running
    assert disk.estimate_disk("small", builds=1) * 2 == small
