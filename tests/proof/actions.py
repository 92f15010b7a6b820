"""What is done to the running stack to hurt it, and to heal it again."""

from __future__ import annotations

import datetime as dt
import io
import time
from typing import TYPE_CHECKING, Any

from pytest_lucid.stack.certificate import certificate_archive

if TYPE_CHECKING:
    from docker import DockerClient
    from mutation import Action

CONSUL = "consul"
PYTHON = "/home/app/.local/bin/python"
NETWORK = "lucid-proof"
HEALTHY_SECONDS = 30


def attach(client: DockerClient, service: str) -> None:
    """Attach the container to a second network."""
    name = f"{NETWORK}-{service}"
    client.networks.create(name, labels={"lucid.test": "proof"}).connect(service)


def detach(client: DockerClient, service: str) -> None:
    """Take it off again, and start it anew: until then Docker 20.10 keeps the second address in its /etc/hosts."""
    network = client.networks.get(f"{NETWORK}-{service}")
    network.disconnect(service, force=True)
    network.remove()
    client.containers.get(service).restart()
    await_healthy(client, service)


def consul(*arguments: str) -> Action:
    """Run Consul's own client in its container; `{}` stands for the service."""

    def act(client: DockerClient, service: str) -> None:
        command = ["consul", *(argument.replace("{}", service) for argument in arguments)]
        code, output = client.containers.get(CONSUL).exec_run(command)
        if code:
            raise SystemExit(f"{command}: {output!r}")

    return act


def process(code: str, **options: Any) -> Action:
    """Start another process in the container, which does `code` and stays."""

    def act(client: DockerClient, service: str) -> None:
        command = [PYTHON, "-c", f"{code}\nimport time; time.sleep(600)"]
        client.containers.get(service).exec_run(command, detach=True, **options)
        time.sleep(0.5)  # a detached exec says nothing once it has started

    return act


def orphan(client: DockerClient, service: str) -> None:
    """Leave the service a child that it never had, and that has ended."""
    do("import os, time; os.fork() or (time.sleep(0.5), os._exit(0))")(client, service)
    time.sleep(1)  # until it has ended: nothing outside the service tells


def again(client: DockerClient, service: str) -> None:
    """Restart the container, which ends all but its own process."""
    client.containers.get(service).restart()


def do(code: str) -> Action:
    """Do `code` in the container, to its end."""

    def act(client: DockerClient, service: str) -> None:
        exit_code, output = client.containers.get(service).exec_run([PYTHON, "-c", code])
        if exit_code:
            raise SystemExit(f"{code}: {output!r}")

    return act


def impostor(client: DockerClient, service: str) -> None:
    """Run a container that answers to the name of the service, too."""
    another(client, service, [service])


def stranger(client: DockerClient, service: str) -> None:
    """Run a container beside the services that answers to its own name only."""
    another(client, service, [])


def another(client: DockerClient, service: str, aliases: list[str]) -> None:
    """Run one more container of the service's image on the network, under `aliases`."""
    network = client.networks.get("lucid-dev")
    container = client.containers.create(
        f"{service}:latest",
        # The service itself would register in Consul, sooner or later than the check asks for that.
        entrypoint=["/home/app/.local/bin/python", "-c", "import time; time.sleep(600)"],
        name=f"proof-{service}",
        labels={"lucid.test": "proof"},
        network="none",
    )
    client.networks.get("none").disconnect(container)
    network.connect(container, aliases=aliases)
    container.start()


def no_impostor(client: DockerClient, service: str) -> None:
    """Remove it."""
    client.containers.get(f"proof-{service}").remove(force=True)


def published_consul(client: DockerClient, service: str) -> None:
    """Replace Consul by one whose port is published."""
    del service
    replace_consul(client, {"8500/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18500"}]})


def private_consul(client: DockerClient, service: str) -> None:
    """Replace it by one whose port is not."""
    del service
    replace_consul(client, {})


def replace_consul(client: DockerClient, ports: dict[str, Any]) -> None:
    """Create Consul anew, with other published ports, and wait until the services have found it."""
    document = client.api.inspect_container(CONSUL)
    config = {**document["Config"], "HostConfig": {**document["HostConfig"], "PortBindings": ports}}
    config["ExposedPorts"] = {port: {} for port in ports}
    # The first one's short id, which the engine would take for a further name of the new one.
    del config["Hostname"]
    client.api.remove_container(CONSUL, force=True)
    client.api.create_container_from_config(config, CONSUL)
    client.api.start(CONSUL)
    time.sleep(15)  # longer than the services' own interval, after which all have registered again


def freeze(client: DockerClient, service: str) -> None:
    """Pause it for longer than Consul's interval and deadline together, after which Consul knows."""
    client.containers.get(service).pause()
    time.sleep(20)


def restart_policy(client: DockerClient, service: str, name: str) -> None:
    """Say whether the engine starts it again when it ends."""
    policy: Any = {"Name": name, "MaximumRetryCount": 0}
    client.api.update_container(service, restart_policy=policy)


def restart_itself(client: DockerClient, service: str) -> None:
    """Let the engine start it again after its process ended."""
    container = client.containers.get(service)
    restart_policy(client, service, "always")
    container.exec_run(["/home/app/.local/bin/python", "-c", "import os; os.kill(1, 15)"])
    deadline = time.monotonic() + 15
    while client.api.inspect_container(service)["RestartCount"] == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    restart_policy(client, service, "no")
    await_healthy(client, service)


def calm(client: DockerClient, service: str) -> None:
    """Start it by hand, which begins counting anew."""
    client.containers.get(service).restart()
    await_healthy(client, service)


def await_healthy(client: DockerClient, service: str) -> None:
    """Wait, within a bound, until the engine's probe has found it healthy after a start."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while (
        client.api.inspect_container(service)["State"]["Health"]["Status"] != "healthy" and time.monotonic() < deadline
    ):
        time.sleep(0.1)


def rebuild(client: DockerClient, service: str) -> None:
    """Build an image of the same name, which the container does not run."""
    text = f"FROM {service}:latest\nLABEL lucid.test=proof\n".encode()
    client.images.build(fileobj=io.BytesIO(text), tag=f"{service}:latest", rm=True)


def take_back(client: DockerClient, service: str) -> None:
    """Give the name back to the image that runs."""
    mutant = client.images.get(f"{service}:latest")
    image = client.api.inspect_container(service)["Image"]
    client.images.get(image).tag(f"{service}:latest")
    client.images.remove(str(mutant.id))


def store(client: DockerClient, service: str, *archives: bytes) -> None:
    """Put files into the volume of the certificate, through another container, and restart the service."""
    carrier = client.containers.create(
        f"{service}:latest", volumes={f"{service}-run-lucid-tls": {"bind": "/certificate"}}
    )
    for archive in archives:
        carrier.put_archive("/certificate", archive)
    carrier.remove()
    client.containers.get(service).restart()
    await_healthy(client, service)


def certificate(*names: str) -> Action:
    """Give the service a certificate for `names`, of an authority that nobody was told of, and restart it."""

    def act(client: DockerClient, service: str) -> None:
        authority = b"".join(client.containers.get(service).get_archive("/run/lucid/tls/ca.pem")[0])
        store(client, service, certificate_archive(names, "65532:65532"), authority)

    return act


def certificate_that_holds(*names: str, days: int) -> Action:
    """Give the service a certificate for `names` that ends in `days`, with the authority that signed it."""

    def act(client: DockerClient, service: str) -> None:
        expires = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=days, hours=1)
        store(client, service, certificate_archive(names, "65532:65532", expires))

    return act


def right_certificate(client: DockerClient, service: str) -> None:
    """Give it a certificate that holds."""
    store(client, service, certificate_archive((service, "localhost", "127.0.0.1"), "65532:65532"))


def rename_back(client: DockerClient, service: str) -> None:
    """Give the container its name back."""
    client.containers.get(f"{service}-2").rename(service)
