"""Questions to testinfra, in nothing but its own words, and what is so in the scene. `host` is whatever runs this."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

# Each line is an expression, and the literal that it equals. /tmp is mounted noexec.
TABLE = r"""
host.file("/tmp/scene/file").exists == True
host.file("/tmp/scene/nothing").exists == False
host.file("/tmp/scene/file").is_file == True
host.file("/tmp/scene/directory").is_directory == True
host.file("/tmp/scene/pipe").is_pipe == True
host.file("/tmp/scene/socket").is_socket == True
host.file("/tmp/scene/link").is_symlink == True
host.file("/tmp/scene/link").linked_to == '/tmp/scene/file'
host.file("/tmp/scene/program").is_executable == False
host.file("/usr/bin/python3").is_executable == True
host.file("/tmp/scene/file").user == 'nonroot'
host.file("/tmp/scene/file").uid == 65532
host.file("/tmp/scene/file").group == 'nonroot'
host.file("/tmp/scene/file").gid == 65532
host.file("/tmp/scene/file").mode == 416
host.file("/tmp/scene/file").size == 6
host.file("/tmp/scene/file").mtime.timestamp() == 1700000000.0
host.file("/tmp/scene/file").md5sum == '6e99834b7c3e3fd53529a5489725d7e8'
host.file("/tmp/scene/file").sha256sum == '7b49b9e063bd91a4f9252b413261f5557b9c570aa61516989499f64a62dbcdd6'
host.file("/tmp/scene/file").contains("caf.") == True
host.file("/tmp/scene/file").contains("tea") == False
host.file("/tmp/scene/file").content == b'caf\xc3\xa9\n'
host.file("/tmp/scene/file").content_string == 'café\n'
sorted(host.file("/tmp/scene").listdir()) == ['directory', 'file', 'link', 'pipe', 'program', 'socket']
sorted(host.check_output("find /tmp/scene -type f").split()) == ['/tmp/scene/file', '/tmp/scene/program']
len(host.process.filter(ppid=0, pid=1)) == 1
host.process.get(pid=1).user == 'nonroot'
host.process.get(pid=1).uid == 65532
host.process.get(pid=1).group == 'nonroot'
host.process.get(pid=1).nlwp == 1
host.process.get(pid=1).args.split()[1:4] == ['-c', 'import', 'os,']
host.socket("tcp://0.0.0.0:7001").is_listening == True
host.socket("tcp://7001").is_listening == False
host.socket("tcp://:::7002").is_listening == True
host.socket("tcp://7003").is_listening == True
host.socket("tcp://0.0.0.0:7003").is_listening == True
host.socket("tcp://:::7003").is_listening == True
host.socket("tcp://127.0.0.1:7004").is_listening == True
host.socket("tcp://0.0.0.0:7004").is_listening == False
host.socket("tcp://::1:7005").is_listening == True
host.socket("udp://0.0.0.0:7006").is_listening == True
host.socket("udp://0.0.0.0:7007").is_listening == True
host.socket("udp://:::7007").is_listening == True
host.socket("tcp://7999").is_listening == False
host.socket("unix:///tmp/scene/socket").is_listening == True
host.socket("unix:///tmp/scene/nothing").is_listening == False
[client[0] for client in host.socket("tcp://127.0.0.1:7004").clients] == ['127.0.0.1']
host.user("nonroot").exists == True
host.user("nobody2").exists == False
host.user().name == 'nonroot'
host.user("nonroot").uid == 65532
host.user("nonroot").gid == 65532
host.user("nonroot").gids == [65532]
host.user("nonroot").group == 'nonroot'
host.user("nonroot").groups == ['nonroot']
host.user("nonroot").home == '/home/nonroot'
host.user("nonroot").shell == '/sbin/nologin'
host.user("nonroot").gecos == 'nonroot'
host.group("nonroot").exists == True
host.group("nonroot2").exists == False
host.group("nonroot").gid == 65532
host.group("nonroot").members == []
host.interface("eth0").exists == True
host.interface("eth9").exists == False
sorted(host.interface.names()) == ['eth0', 'lo']
sorted(host.interface("lo").addresses) == ['127.0.0.1', '::1']
host.interface("lo", "inet6").addresses == ['::1']
host.interface.default().name == 'eth0'
host.interface("lo").link[0]["mtu"] == 65536
host.interface("eth0").link[0]["operstate"] == 'UP'
[route["dst"] for route in host.interface("eth0").routes()][:1] == ['default']
host.interface("eth0").routes("link")[0]["dst"] == '10.231.77.0/24'
host.addr("localhost").is_resolvable == True
host.addr("localhost").ipv4_addresses == ['127.0.0.1']
host.addr("lucid-scratch-nothing").is_resolvable == False
len(host.addr("lucid-scratch-debian").ipv4_addresses) == 1
host.addr("lucid-scratch-debian").port(7001).is_reachable == True
host.addr("lucid-scratch-debian").port(7999).is_reachable == False
host.environment()["SCENE"] == 'one two'
host.mount_point("/").filesystem == 'overlay'
host.mount_point("/tmp").exists == True
host.mount_point("/tmp").filesystem == 'tmpfs'
"noexec" in host.mount_point("/tmp").options == True
host.mount_point("/nothing").exists == False
host.sysctl("net.ipv6.conf.all.disable_ipv6") == 0
host.system_info.type == 'linux'
host.system_info.distribution == 'debian'
host.system_info.release == '12'
host.package("libc6").is_installed == True
host.package("libc6").version.partition("-")[0] == '2.36'
host.package("nothing").is_installed == False
host.run("exit 3").rc == 3
host.run("echo out; echo err >&2").stderr == 'err\n'
host.run("printf %s", "a'b").stdout == "a'b"
host.exists("python3") == True
host.exists("nothing") == False
"""


@dataclass(frozen=True)
class Question:
    """An expression on `host`, and its answer."""

    ask: str
    answer: Any

    @property
    def module(self) -> str:
        """The testinfra module that is asked."""
        return self.ask.partition("host.")[2].partition("(")[0].partition(".")[0]

    def put(self, host: Host) -> Any:
        """The answer of `host`."""
        return eval(self.ask, {"host": host, "sorted": sorted, "len": len})  # noqa: S307 - the expressions above


QUESTIONS = tuple(
    Question(ask, ast.literal_eval(answer))
    for ask, _, answer in (line.partition(" == ") for line in TABLE.split("\n") if line)
)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.ask)
def test_answer_is_right(host: Host, question: Question) -> None:
    assert question.put(host) == question.answer
