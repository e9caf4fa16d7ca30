"""The shipped workload suites: real programs doing fixed amounts of kernel work.

*train* is what the default profile is recorded with; *heldout* shares no program with it and is only
measured, so that a profile that fits nothing but its own training shows. Operations are fixed and seeded:
under `-icount` the same kernel executes the same instructions in every run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.errors import ConfigError

if TYPE_CHECKING:
    from pkgafdo.vm.settings import WorkloadSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One window of a suite.

    script is a shell script for the guest; prepare runs before the window opens; operations is how many
    units of work the script does (0: no natural unit), unit names it.
    """

    name: str
    script: str
    prepare: str = ""
    operations: int = 0
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """Steps in order, and the host's programs and files that they need."""

    name: str
    about: str
    steps: tuple[Step, ...]
    files: tuple[str, ...]


def _stress(
    name: str,
    *stressors: tuple[str, int] | tuple[str, int, str],
    prepare: str = "",
    folder: str = "/tmp",  # noqa: S108  the guest's
) -> Step:
    """Make a step that runs stress-ng's stressors side by side, one worker each, a fixed number of ops.

    A stressor's further options stand right behind it: stress-ng gives them to the last one named.
    """
    words = [
        " ".join([f"--{stressor} 1 --{stressor}-ops {ops}", *more])
        for stressor, ops, *more in stressors
    ]
    return Step(
        name=name,
        script=f"exec stress-ng --quiet --seed 7 --temp-path {folder} {' '.join(words)}",
        prepare=prepare,
        operations=sum(ops for _, ops, *_ in stressors),
        unit="bogo-op",
    )


_SHELL_TRAINING: Final = """
mkdir -p w/a w/b; cd w
for i in 1 2 3 4 5 6 7 8; do
  for j in 1 2 3 4; do echo "line $i $j" > a/f$i$j; done
  cp a/f* b; ls -l a b > list; cat a/f* | wc -l >> list; cut -c1-20 list | wc >> list
  mv b/f${i}1 b/g$i; ln a/f${i}2 b/h$i; chmod 600 a/f*; touch b/*; stat a/* > list2; rm -f b/f*
done
"""

TRAIN: Final = Suite(
    name="train",
    about="system calls, processes, files, pipes, sockets, memory, timers: "
    "perf bench, hackbench, stress-ng, bash with coreutils, ext4 on a RAM disk",
    files=(
        "perf", "hackbench", "stress-ng", "bash", "mkfs.ext4",
        "cp", "ls", "cat", "wc", "cut", "mv", "ln", "chmod", "touch", "stat", "rm", "mkdir",
    ),
    steps=(
        Step(name="syscall", script="exec perf bench syscall basic --loop 30000",
             operations=30000, unit="getppid"),
        Step(name="pipe", script="exec perf bench sched pipe -l 3000",
             operations=3000, unit="round trip"),
        Step(name="sockets", script="exec hackbench -g 2 -f 5 -l 40",
             operations=400, unit="message"),
        Step(name="threads-pipes", script="exec hackbench -g 2 -f 5 -l 60 -p -T",
             operations=600, unit="message"),
        _stress("processes", ("fork", 60), ("vfork", 100), ("pthread", 60), ("exec", 20)),
        _stress("network", ("sock", 15), ("sockpair", 200), ("pipe", 2000)),
        _stress("datagrams", ("udp", 1000), ("epoll", 40)),
        _stress("ipc", ("futex", 1000), ("eventfd", 1000), ("poll", 300), ("msg", 2000),
                ("sem-sysv", 3000)),
        _stress("memory", ("mmap", 2, "--mmap-bytes 1m"), ("fault", 400), ("brk", 2000),
                ("mremap", 5, "--mremap-bytes 1m")),
        _stress("directories", ("dentry", 800), ("dir", 500), ("rename", 800), ("open", 1000),
                ("access", 40), ("dirmany", 200)),
        _stress("file-io", ("hdd", 200, "--hdd-bytes 1m"), ("sendfile", 20), ("splice", 200),
                ("seek", 300)),
        _stress("timers-signals", ("timer", 500), ("timerfd", 1000), ("nanosleep", 10),
                ("kill", 1000), ("sigq", 1000), ("switch", 1000)),
        Step(name="shell", script=f"exec bash -c '{_SHELL_TRAINING}'"),
        _stress("ext4", ("hdd", 100, "--hdd-bytes 1m"), ("dentry", 300), ("rename", 300),
                prepare="mkfs.ext4 -q /dev/ram0 && mount -t ext4 /dev/ram0 /mnt", folder="/mnt"),
    ),
)  # fmt: skip

HELDOUT: Final = Suite(
    name="heldout",
    about="programs that training never sees: busybox tar, find, grep, ps, sort, md5sum; git; "
    "a web server and its client over loopback; cyclictest",
    files=("git", "cyclictest"),
    steps=(
        Step(
            name="archive",
            prepare="mkdir -p t; for i in $(seq 1 80); do busybox head -c 3000 /bin/busybox > t/$i; done",
            script="busybox tar cf a.tar t; busybox tar xf a.tar; busybox gzip -1 a.tar; busybox rm -r t",
        ),
        Step(
            name="search",
            script="for i in 1 2 3 4 5 6; do busybox find / -xdev -type f | busybox grep -c lib; "
            "busybox grep -r root /etc /proc/self/status | busybox sort | busybox wc -l; "
            "busybox ps | busybox sort | busybox head -n 3; busybox du -s /usr /bin; done",
        ),
        Step(
            name="copy-digest",
            script="for i in 1 2 3 4; do busybox dd if=/dev/zero of=z$i bs=4k count=300 2>&1; "
            "busybox cp z$i y$i; busybox md5sum z$i y$i; done; busybox sync; busybox rm z* y*",
        ),
        Step(
            name="git",
            prepare="export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' "
            "GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'",
            script="git init -q r && cd r && git config user.name n && git config user.email e@x\n"
            "for i in 1 2 3; do for j in $(busybox seq 1 20); do echo $i $j > f$j; done; "
            "git add . ; git -c gc.auto=0 commit -q -m $i; git status --short; done\n"
            "git --no-pager log --stat",
        ),
        Step(
            name="web",
            prepare="mkdir -p www; busybox head -c 20000 /bin/busybox > www/page; "
            "busybox httpd -p 127.0.0.1:8080 -h www; sleep 0.1",
            script="for i in $(busybox seq 1 25); do "
            "busybox wget -q -O page http://127.0.0.1:8080/page || exit 1; done",
            operations=25, unit="request",
        ),
        Step(name="timers", script="exec cyclictest -q -t 2 -i 1000 -l 400",
             operations=800, unit="wake-up"),
    ),
)  # fmt: skip

OWN: Final = "own"
"""The name of a suite that is a user's own command."""
SUITES: Final = {suite.name: suite for suite in (TRAIN, HELDOUT)}


def require_suite(name: str) -> Suite:
    """Return a shipped suite by name. Raises ConfigError when there is none of that name."""
    if name in SUITES:
        return SUITES[name]
    raise ConfigError(
        f"there is no workload suite “{name}”", hint=f"Shipped are: {', '.join(SUITES)}."
    )


def origin_of(suite: Suite) -> dict[str, str]:
    """Return what a recording keeps of the suite that it was made with."""
    origin = {"workload": suite.name, "suite": files.sha256_json(asdict(suite))}
    return origin | ({"workload-command": suite.about} if suite.name == OWN else {})


def suite_of(settings: WorkloadSettings) -> Suite:
    """Return the suite that the settings ask for: a shipped one, or the user's own command."""
    if not settings.command:
        return require_suite(settings.suite)
    step = Step(
        name="command",
        script=settings.command,
        operations=settings.operations,
        unit=settings.unit if settings.operations else "",
    )
    return Suite(name=OWN, about=settings.command, steps=(step,), files=settings.files)
