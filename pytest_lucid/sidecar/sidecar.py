"""The container beside the target: it shares the target's processes and network, and can read its files.

It is made on first use and removed with the run; when nobody has used it for a while, it ends and removes itself. What
runs in it belongs to the session.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.missing import no_container, not_running
from pytest_lucid.errors import EngineError, MissingError
from pytest_lucid.sidecar.placement import Placement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run

# The tag whose busybox is static: it runs in any root.
TOOLBOX = "busybox:1.36.1-musl"
SIDECAR_LABEL = "lucid.sidecar"
# To follow /proc/1/root, to change into it, and to read what only its owner may read; nothing that can write. With
# their numbers in linux/capability.h.
CAPABILITIES = {"SYS_PTRACE": 19, "SYS_CHROOT": 18, "DAC_READ_SEARCH": 2}
# How the kernel shows them as a process's bounding set: by this, a sidecar's processes are known.
BOUNDING_SET = sum(1 << number for number in CAPABILITIES.values())
PIDS = 64
# A machine of 1 GiB has several sidecars beside its services. Output is not kept in the sidecar.
MEMORY_BYTES = 64 * 1024 * 1024
# Where the programs are written: three, each of one page, which has 64 KiB at most; and a copy on the way.
SCRATCH = {"/run": "rw,exec,nosuid,nodev,size=320k,mode=0700"}
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
# Ends what runs in one session. The session's shell adopts whatever that leaves, ends it in turn, and waits for all.
END = """
for _ in 1 2 3 4 5 6 7 8 9 10; do
    children=
    for stat in /proc/[0-9]*/stat; do
        { read -r line <$stat; } 2>/dev/null || continue
        case "${line##*) }" in [A-Z]" $1 "*) children="$children ${line%% *}" ;; esac
    done
    [ "$children" ] || exit 0
    kill -9 $children 2>/dev/null
    usleep 20000
done
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
        self._placement: Placement | None = None
        self.name = f"{target}-sidecar-{run.id}"

    @property
    def placement(self) -> Placement:
        """Where the target is; raises MissingError where it was not seen running yet, and does not run."""
        return self._placement or self._look()

    @property
    def target_id(self) -> str:
        """The id of the target."""
        return self.placement.id

    def ensure(self) -> str:
        """Have it running, and return its id.

        Raises MissingError where the target does not run: there is nothing to look into then. Raises EngineError where
        the engine has no such toolbox, or refuses otherwise.
        """
        with engine_errors(f"starting {self.name}"):
            # Mostly there is none yet, and on the way to another machine each question takes its time.
            if made := self._make(self._look().id):
                return made
            deadline = time.monotonic() + READY_SECONDS
            while True:
                target = self._look().id
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

    def is_running(self, identity: str) -> bool:
        """Whether the sidecar of this id still runs."""
        with engine_errors(f"looking for {self.name}"):
            document = self._inspect()
        return bool(document and document["Id"] == identity and document["State"]["Running"])

    def demand_target(self) -> None:
        """Raise an error that says what happened to the target, if it is not as it was when the sidecar was made."""
        before = self._placement
        with engine_errors(f"looking at {self.target}"):
            document = self.engine.client.api.inspect_container(self.target)
        state = document["State"]
        self._demand_running(state)
        if before and before.started != state["StartedAt"]:
            raise EngineError(f"{self.target} was restarted meanwhile ({before.started}, {state['StartedAt']})")

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

    def _demand_running(self, state: Mapping[str, Any]) -> None:
        if not state["Running"]:
            why = " since it ran out of memory" if state.get("OOMKilled") else ""
            raise not_running(self.target, f"{self.target} is {state['Status']}{why}")

    def _look(self) -> Placement:
        """Find the target running, and keep where it is."""
        try:
            document = self.engine.client.api.inspect_container(self.target)
        except NotFound as error:
            raise no_container(self.target) from error
        if document["Name"] != f"/{self.target}":
            raise MissingError(
                f"there is no container called {self.target}; expected a name. {self.target} is the beginning of the "
                f"id of {document['Name'].removeprefix('/')}.",
                about=f"container {self.target}",
            )
        self._demand_running(document["State"])
        self._placement = placement = Placement.of(self.target, document)
        return placement

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
            security_opt=["no-new-privileges:true", *self.placement.security],
            pids_limit=PIDS,
            mem_limit=MEMORY_BYTES,
            memswap_limit=MEMORY_BYTES,
            tmpfs=SCRATCH,
            auto_remove=True,
            **self.placement.options,
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
