from __future__ import annotations

import io
import tarfile

from pytest_lucid.standin.file_tree import FileTree


def written(tree: FileTree) -> bytes:
    out = io.BytesIO()
    tree.write(out)
    return out.getvalue()


def archive(*members: tuple[str, bytes | None], mtime: int = 1, hard_link: tuple[str, str] | None = None) -> io.BytesIO:
    """Return a tar archive of files, and of directories where the bytes are None, all owned by somebody."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.mtime, info.uname, info.size = mtime, "somebody", len(data or b"")
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            tar.addfile(info, io.BytesIO(data or b""))
        if hard_link:
            info = tarfile.TarInfo(hard_link[0])
            info.type, info.linkname = tarfile.LNKTYPE, hard_link[1]
            tar.addfile(info)
    return io.BytesIO(out.getvalue())


def test_the_bytes_do_not_depend_on_the_order_of_what_was_added() -> None:
    one, two = FileTree(), FileTree()
    one.file("b", "2")
    one.directory("a")
    one.link("a/c", "/b")
    two.link("a/c", "/b")
    two.directory("a")
    two.file("b", "2")
    assert written(one) == written(two)


def test_the_bytes_depend_on_content_mode_and_owner() -> None:
    seen = set()
    for data, mode, owner in (("1", 0o644, 0), ("2", 0o644, 0), ("1", 0o600, 0), ("1", 0o644, 65532)):
        tree = FileTree()
        tree.file("f", data, mode=mode)
        tree.directory("d", owner=owner)
        seen.add(written(tree))
    assert len(seen) == 4


def test_what_is_written_can_be_read() -> None:
    tree = FileTree()
    tree.directory("tmp", mode=0o1777)
    tree.file("etc/passwd", "root:x:0:0::/root:/sbin/nologin\n")
    tree.link("usr/bin/python", "/usr/bin/python3.11")
    with tarfile.open(fileobj=io.BytesIO(written(tree))) as tar:
        assert tar.getnames() == ["etc/passwd", "tmp", "usr/bin/python"]
        assert tar.getmember("tmp").mode == 0o1777
        assert tar.getmember("usr/bin/python").linkname == "/usr/bin/python3.11"
        assert {(member.uid, member.gid, member.uname, member.mtime) for member in tar} == {(0, 0, "", 0)}


def test_members_lose_their_dot_and_pass_the_change() -> None:
    def change(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        info.mtime = 7
        return None if info.name == "left/out" else info

    tree = FileTree()
    tree.unpack(archive(("./", None), ("./left", None), ("./left/out", b"x"), ("./kept", b"data")), change)
    assert list(tree) == ["kept", "left"]
    assert tree.read("kept") == b"data"
    assert {info.mtime for info, _ in tree.entries.values()} == {7}


def test_a_directory_that_is_there_keeps_its_mode() -> None:
    tree = FileTree()
    tree.directory("tmp", mode=0o1777)
    tree.unpack(archive(("tmp", None)), lambda info: info)
    assert tree.entries["tmp"][0].mode == 0o1777


def test_a_hard_link_becomes_a_file_wherever_it_sorts() -> None:
    tree = FileTree()
    tree.unpack(archive(("./z", b"same"), hard_link=("./a", "./z")), lambda info: info)
    with tarfile.open(fileobj=io.BytesIO(written(tree))) as tar:
        first, second = tar.getmembers()
        assert first.isreg()
        assert second.isreg()
        assert tree.read("a") == tree.read("z") == b"same"
