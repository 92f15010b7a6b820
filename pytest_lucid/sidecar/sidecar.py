"""The container beside the target: it shares the target's processes and network, and can read its files.

It is made on first use and removed with the run; when nobody has used it for a while, it ends and removes itself. What
runs in it belongs to the session.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError, MissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run

# The tag whose busybox is static: it runs in any root.
TOOLBOX = "busybox:1.36.1-musl"
SIDECAR_LABEL = "lucid.sidecar"
# To follow /proc/1/root, to change into it, and to read what only its owner may read; nothing that can write.
CAPABILITIES = ("SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH")
PIDS = 64
CONFLICT = 409
READY_SECONDS = 20.0
POLL_SECONDS = 0.05
# Builtins only: a child of this shell would become an orphan of the target when the sidecar is removed.
LINGER = """
alone=0
while [ $alone -lt 6 ]; do
    read -r -t 5 _
    alone=$((alone + 1))
    for process in /proc/[0-9]*; do
        [ $process/ns/mnt -ef /proc/self/ns/mnt ] && [ ${process#/proc/} != $$ ] && alone=0
    done
done
"""
# Ends the processes of one session, the youngest generation first, so that each is still waited for by its parent: an
# orphan would stay in the target, as a child of a first process that does not expect it.
END = """
session=$1
for _ in 1 2 3 4 5 6 7 8 9 10; do
    processes= parents=
    for stat in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null <$stat || continue
        process=${line%% *}
        set -- ${line##*) }
        [ "$4" = $session ] && [ $process != $session ] || continue
        [ $2 != $session ] || kill $process 2>/dev/null
        processes="$processes $process" parents="$parents $2 "
    done
    [ "$processes" ] || exit 0
    for process in $processes; do
        case "$parents" in *" $process "*) ;; *) kill -9 $process 2>/dev/null ;; esac
    done
    usleep 20000
done
kill -9 $processes
"""


class Sidecar:
    """The sidecar of the container called `target`, made from the image `toolbox`, labelled as something of `run`.

    `get_toolbox` returns when the engine has that image.
    """

    def __init__(
        self,
        engine: Engine,
        target: str,
        run: Run,
        toolbox: str = TOOLBOX,
        get_toolbox: Callable[[], object] | None = None,
    ) -> None:
        self.engine = engine
        self.target = target
        self.toolbox = toolbox
        self._run = run
        self._get_toolbox = get_toolbox
        self.name = f"{target}-sidecar-{run.id}"

    def ensure(self) -> str:
        """Have it running, and return its id.

        Raises MissingError where the target does not run: there is nothing to look into then. Raises EngineError where
        the engine has no such toolbox, or refuses otherwise.
        """
        with engine_errors(f"starting {self.name}"):
            # Mostly there is none yet, and on the way to another machine each question takes its time.
            if made := self._make(self._running_target()):
                return made
            deadline = time.monotonic() + READY_SECONDS
            while True:
                target = self._running_target()
                sidecar = self._inspect()
                if sidecar is None:
                    self._create(target)
                elif sidecar["Config"]["Labels"].get(SIDECAR_LABEL) != target:
                    raise EngineError(f"{self.name} belongs to something else; expected the name to be free.")
                elif sidecar["State"]["Status"] == "created":
                    self._start(sidecar["Id"])
                elif sidecar["State"]["Running"]:
                    return str(sidecar["Id"])
                elif time.monotonic() > deadline:
                    raise EngineError(f"{self.name} is {sidecar['State']['Status']}; expected it to run or be gone")
                else:
                    # It ended with an earlier life of its target, and the engine is about to remove it.
                    time.sleep(POLL_SECONDS)

    def end_commands_of(self, session: int) -> None:
        """Kill what runs in the session of process `session`, but not that process itself."""
        with engine_errors(f"ending commands in {self.name}"):
            api = self.engine.client.api
            try:
                command = ["/bin/busybox", "sh", "-c", END, "end", str(session)]
                api.exec_start(api.exec_create(self.name, command, user="0:0")["Id"])
            except NotFound:
                return
            except APIError as error:
                # It has ended, and so have the commands.
                if error.status_code != CONFLICT:
                    raise

    def remove(self) -> None:
        """Remove it, running or not; one that is gone, or just going, is no error."""
        with engine_errors(f"removing {self.name}"):
            try:
                self.engine.client.api.remove_container(self.name, force=True, v=True)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != CONFLICT:
                    raise

    def _running_target(self) -> str:
        try:
            document = self.engine.client.api.inspect_container(self.target)
        except NotFound as error:
            raise MissingError(f"there is no container called {self.target}; expected it to run") from error
        if document["Name"] != f"/{self.target}" or not document["State"]["Running"]:
            raise MissingError(f"{self.target} is {document['State']['Status']}; expected it to run")
        return str(document["Id"])

    def _inspect(self) -> dict[str, Any] | None:
        try:
            document: dict[str, Any] = self.engine.client.api.inspect_container(self.name)
        except NotFound:
            return None
        return document

    def _make(self, target: str) -> str | None:
        """Create and start it; None where there is one already."""
        if self._get_toolbox:
            self._get_toolbox()
        sidecar = self._create(target)
        return sidecar if sidecar and self._start(sidecar) else None

    def _create(self, target: str) -> str | None:
        """Create it; returns its id, None where its name is taken."""
        api = self.engine.client.api
        host_config = api.create_host_config(
            pid_mode=f"container:{target}",
            network_mode=f"container:{target}",
            cap_drop=["ALL"],
            cap_add=list(CAPABILITIES),
            read_only=True,
            security_opt=["no-new-privileges:true"],
            pids_limit=PIDS,
            auto_remove=True,
        )
        try:
            created = api.create_container(
                self.toolbox,
                entrypoint=["/bin/busybox", "sh", "-c"],
                command=[LINGER],
                user="0:0",
                # An input that never ends and never says anything, to wait on.
                stdin_open=True,
                detach=True,
                labels={**self._run.labels, SIDECAR_LABEL: target},
                name=self.name,
                host_config=host_config,
            )
        except APIError as error:
            # Another process of this run was quicker, or an ended sidecar is just being removed.
            if error.status_code != CONFLICT:
                raise
            return None
        return str(created["Id"])

    def _start(self, sidecar: str) -> bool:
        """Start it; returns whether it was there."""
        try:
            self.engine.client.api.start(sidecar)
        except NotFound:
            return False
        return True
