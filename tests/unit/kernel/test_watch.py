from __future__ import annotations

import pytest

from pkgafdo.errors import CommandError
from pkgafdo.kernel import watch as watches

FAILING_LOG = """\
  CC      kernel/fork.o
/src/linux/kernel/fork.c:12:3: error: use of undeclared identifier 'x'
   12 |   x = 1;
1 error generated.
make[3]: *** [/src/linux/scripts/Makefile.build:1: kernel/fork.o] Error 1
  CC      mm/error.o
  LD [M]  fs/ext4/ext4.o
ld.lld-19: error: undefined symbol: foo
ERROR: modpost: "bar" [fs/ext4/ext4.ko] undefined!
"""


def test_objects_are_counted_and_named():
    watch = watches.BuildWatch(done=10)
    lines = (
        "  CC      kernel/fork.o", "  CC [M]  fs/ext4/dir.o", "  HOSTCC  scripts/sorttable",
        "  AS      a.o", "  LD [M]  b.ko", "  AR      built-in.a", "nothing of interest",
    )  # fmt: skip
    named = [watch.feed(line) for line in lines]
    assert named == ["kernel/fork.o", "fs/ext4/dir.o", None, "a.o", "b.ko", "built-in.a", None]
    assert watch.done == 15


def errors_of(text: str) -> list[str]:
    watch = watches.BuildWatch()
    for line in text.splitlines():
        watch.feed(line)
    return watch.errors


def test_the_failing_lines_are_picked_out_of_the_log():
    assert errors_of(FAILING_LOG) == [
        "/src/linux/kernel/fork.c:12:3: error: use of undeclared identifier 'x'",
        "make[3]: *** [/src/linux/scripts/Makefile.build:1: kernel/fork.o] Error 1",
        "ld.lld-19: error: undefined symbol: foo",
        'ERROR: modpost: "bar" [fs/ext4/ext4.ko] undefined!',
    ]


@pytest.mark.parametrize(
    "line",
    [
        "==> ERROR: A failure occurred in build().",
        "clang: error: unable to execute command: Killed",
        "bsdtar: Write error: No space left on device",
        "a.c:1:10: fatal error: 'x.h' file not found",
        "error: unknown warning option",
        "make: *** [Makefile:248: __sub-make] Error 2",
    ],
)
def test_lines_of_every_program_in_a_build_are_known_as_failures(line):
    assert errors_of(line) == [line]


def test_only_the_first_failures_are_kept():
    assert len(errors_of("a.c:1:1: error: no\n" * 500)) == 20


def test_a_failed_build_shows_its_failing_lines_and_still_names_the_log():
    watch = watches.BuildWatch()
    for line in FAILING_LOG.splitlines():
        watch.feed(line)
    failure = CommandError(
        "make failed",
        details="tail",
        hint="The whole output is in /l.",
        command="make",
        returncode=2,
    )
    with pytest.raises(CommandError, match="the kernel did not build") as caught, \
            watches.explaining(watch):  # fmt: skip
        raise failure
    assert caught.value.details.startswith("/src/linux/kernel/fork.c:12:3: error")
    assert caught.value.hint == "The whole output is in /l."
    assert (caught.value.command, caught.value.returncode) == ("make", 2)


def test_a_failure_without_recognised_lines_keeps_the_output():
    failure = CommandError("make failed", details="tail")
    with pytest.raises(CommandError) as caught, watches.explaining(watches.BuildWatch()):
        raise failure
    assert caught.value is failure
