from __future__ import annotations

import os

from pkgafdo import files
from pkgafdo.kernel import identity
from pkgafdo.runner.command import Result
from tests.fakes import kernel_tree
from tests.fakes.runner import FakeRunner


def test_a_folders_digest_follows_names_sizes_and_times(tmp_path):
    tree = kernel_tree.make_tree(tmp_path / "tree")
    first = identity.folder_digest(tree)
    assert identity.folder_digest(tree) == first
    os.utime(tree / "Kconfig", ns=(1, 1))
    touched = identity.folder_digest(tree)
    (tree / "Kconfig").rename(tree / "Kconfig.old")
    assert len({first, touched, identity.folder_digest(tree)}) == 3


def test_gits_own_files_and_dangling_links_do_not_disturb_the_digest(tmp_path):
    tree = kernel_tree.make_tree(tmp_path / "tree")
    (tree / "dangling").symlink_to("nowhere")
    first = identity.folder_digest(tree)
    kernel_tree.write_files(tree, {".git/index": "changes all the time"})
    assert identity.folder_digest(tree) == first


def git_runner(status: str = "") -> FakeRunner:
    return FakeRunner(
        answers={
            "rev-parse": Result(returncode=0, stdout="0123abcd\n"),
            "status": Result(returncode=0, stdout=status),
        }
    )


def test_a_clean_git_tree_is_its_commit(tmp_path):
    (tmp_path / ".git").mkdir()
    assert identity.identify(git_runner(), tmp_path) == ("0123abcd", "git")


def test_changes_in_a_git_tree_change_its_digest(tmp_path):
    runner = git_runner(" M Makefile\0 D gone\0")
    (tmp_path / "Makefile").write_text("a")
    one = identity.git_digest(runner, tmp_path)
    assert one.startswith("0123abcd-dirty-")
    os.utime(tmp_path / "Makefile", ns=(1, 1))
    assert identity.git_digest(runner, tmp_path) == one
    assert identity.git_digest(git_runner("M  Makefile\0D  gone\0"), tmp_path) == one
    (tmp_path / "Makefile").write_text("b")
    assert identity.git_digest(runner, tmp_path) != one


def test_an_untracked_file_counts_by_more_than_its_name(tmp_path):
    kernel_tree.write_files(tmp_path, {"drivers/new.c": "int a;", "inner/x.c": "int x;"})
    runner = git_runner("?? drivers/new.c\0?? inner/\0?? gone\0")
    first = identity.git_digest(runner, tmp_path)
    assert first.startswith("0123abcd-dirty-")
    assert identity.git_digest(runner, tmp_path) == first
    (tmp_path / "drivers/new.c").write_text("int a, b;")
    edited = identity.git_digest(runner, tmp_path)
    (tmp_path / "inner/x.c").write_text("int x, y;")
    assert len({first, edited, identity.git_digest(runner, tmp_path)}) == 3


def test_a_tarball_is_read_again_only_when_it_may_be_another(tmp_path):
    path = tmp_path / "linux.tar.gz"
    path.write_bytes(b"one")
    first = identity.tarball_identity(path, {})
    assert first["sha256"] == files.sha256_bytes(b"one")
    known = first | {"sha256": "remembered"}
    assert identity.tarball_identity(path, known) == known
    (tmp_path / "other").write_bytes(b"two")
    os.utime(tmp_path / "other", ns=(first["mtime_ns"], first["mtime_ns"]))
    (tmp_path / "other").replace(path)  # as large and as old
    assert identity.tarball_identity(path, known)["sha256"] == files.sha256_bytes(b"two")


def test_git_is_asked_without_touching_the_index(tmp_path):
    runner = git_runner("")
    identity.git_digest(runner, tmp_path)
    assert not runner.ran
    assert all("--no-optional-locks" in command.argv for command in runner.queried)


def test_without_git_a_clone_is_identified_like_any_folder(tmp_path):
    (tmp_path / ".git").mkdir()
    kernel_tree.make_tree(tmp_path)
    digest, kind = identity.identify(FakeRunner(missing={"git"}), tmp_path)
    assert kind == "folder"
    assert digest == identity.folder_digest(tmp_path)
