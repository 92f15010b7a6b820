"""What may be demanded of a service. Every key is optional: what is not written is not demanded, and not checked."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import Field

from pytest_lucid.matrix.types import ContainerPath, Model, ProjectPath, Reference, UserAndGroup, Variable


class Health(Model):
    """How the service shows that it is healthy."""

    check: bool | None = Field(None, description="The engine's own health check passes.")
    path: ContainerPath | None = Field(None, description="GET of this path answers `status` on the HTTP port.")
    port: int | None = Field(None, ge=1, le=65535, strict=True, description="The port asked; else the first of HTTP.")
    status: int = Field(200, ge=100, le=599, strict=True, description="The HTTP status that means healthy.")
    fields: tuple[str, ...] | None = Field(None, description="Fields that the JSON object of the answer has.")
    body: dict[str, Any] | None = Field(
        None, description="Field of the answer → the value that it must have; a list means any of these."
    )
    service: str | None = Field(None, description="The field of the answer that holds the name of the service.")
    version: str | None = Field(None, description="The field that holds the version of the image's label.")
    timestamp: str | None = Field(None, description="The field that holds the present time, with a zone.")
    dependencies: str | None = Field(None, description="The field that says of each need whether it is healthy.")
    healthy: str = Field("healthy", description="What a dependency that is healthy is called there.")
    interval: float | None = Field(None, gt=0, description="Seconds between two probes of the image's HEALTHCHECK.")
    timeout: float = Field(30, gt=0, description="Seconds after which a probe of it has failed.")
    retries: int = Field(3, ge=1, strict=True, description="How many probes in a row must fail.")
    start_period: float | None = Field(None, gt=0, description="The shortest start period that HEALTHCHECK may give.")


class ContractVariables(Model):
    """The variables that give every service its name and its port."""

    service: Variable | None = Field(None, description="The variable that holds the name of the service.")
    port: Variable | None = Field(None, description="The variable that holds the number of its HTTP port.")


class Interface(Model):
    """What the service promises of its HTTP interface, besides health."""

    openapi: ContainerPath | None = Field(None, description="The path of its OpenAPI 3.1 document, which it keeps.")
    metrics: ContainerPath | None = Field(None, description="The path of its metrics, in Prometheus's text format.")
    errors: bool | None = Field(None, description="Every error has Lucid's form, those of the server underneath too.")
    gateway: bool | None = Field(
        None, description="Clients ask it for everything: it limits their rates, and demands tokens for writes."
    )


class Hardening(Model):
    """How little the container may do."""

    read_only: bool | None = Field(None, description="Its root file system is read-only.")
    tmpfs: tuple[ContainerPath, ...] | None = Field(None, description="Mounted as tmpfs with noexec and nosuid.")
    capabilities: tuple[str, ...] | None = Field(None, description="The capabilities that it may keep, without CAP_.")
    no_new_privileges: bool | None = Field(None, description="No program inside can gain privileges.")
    seccomp: bool | None = Field(None, description="A seccomp filter judges its system calls.")
    limits: bool | None = Field(None, description="Its memory and its number of processes are limited.")
    only_command: bool | None = Field(None, description="Nothing runs inside but the declared command.")
    storage_only: bool | None = Field(None, description="What it can write, and outlives it, is its storage.")
    unchanged: bool | None = Field(None, description="Nothing in its own layer differs from the image.")
    own_namespaces: bool | None = Field(None, description="It shares no namespace with the host or another container.")
    as_declared: bool | None = Field(
        None, description="Its creation gave it nothing (program, variables, mounts, settings) beyond image and matrix."
    )
    no_engine_socket: bool | None = Field(None, description="No socket of anybody else is mounted into it.")


class ImagePolicy(Model):
    """What is demanded of the content of the image."""

    size_mib: int | None = Field(None, ge=1, strict=True, description="Its size at most, in MiB.")
    layers: int | None = Field(None, ge=1, strict=True, description="Layers above the base, at most.")
    architecture: str | None = Field(None, description="As engines name it; without it, that of the engine.")
    requirements: ProjectPath | None = Field(
        None, description="Pinned requirements of every service; the packages inside are these and the row's own."
    )
    writable: tuple[ContainerPath, ...] | None = Field(
        None, description="Directories that everybody may write to, sticky; anything else is a finding."
    )
    licences: tuple[str, ...] | None = Field(None, description="Allowed licences of Python packages, as SPDX has them.")
    pinned: bool | None = Field(None, description="Its reference has a digest, or a tag other than latest.")
    distroless: bool | None = Field(None, description="It calls itself Distroless, and its packages are unchanged.")
    python: bool | None = Field(None, description="Its Python packages are whole, visible, and what they say.")
    complete: bool | None = Field(None, description="What starts in it has its interpreter, loader and libraries.")
    exposes: bool | None = Field(None, description="It declares the ports of the row, and no others.")
    sets_environment: bool | None = Field(None, description="It sets the demanded variables itself.")
    provenance: bool | None = Field(None, description="Its labels tell version and commit.")
    stop_signal: str | None = Field(None, description="The signal that stops it, such as SIGTERM.")
    scripts: ContainerPath | None = Field(None, description="Where PATH begins: the place of the service's programs.")
    code: tuple[ContainerPath, ...] | None = Field(
        None, description="Folders of the service's code, which it cannot change; it owns nothing but its storage."
    )
    multi_stage: bool | None = Field(None, description="Its Dockerfile builds in one stage and runs in another.")
    hashed: bool | None = Field(None, description="What pip installs is pinned and hashed, without development tools.")
    no_shell: bool | None = Field(None, description="No shell, and no command that would need one.")
    no_package_manager: bool | None = Field(None, description="No package manager.")
    no_core_utilities: bool | None = Field(None, description="No core utilities, nor other interpreters.")
    no_compiler: bool | None = Field(None, description="No compiler, assembler or linker.")
    no_debugger: bool | None = Field(None, description="No debugger or tracer.")
    no_download_tool: bool | None = Field(None, description="No program that fetches from the network.")
    no_setid: bool | None = Field(None, description="No setuid or setgid file, in any layer.")
    no_capabilities: bool | None = Field(None, description="No file that brings capabilities.")
    no_devices: bool | None = Field(None, description="No device nodes, pipes or sockets.")
    no_secrets: bool | None = Field(None, description="No secret in files, layers, history or variables.")
    no_litter: bool | None = Field(None, description="No version history, cache or test.")


class Demands(Model):
    """What may stand at the top, for all services, or in a row, for one: the row's own keys win, tables key by key."""

    base: Reference | None = Field(None, description="The base image, without its tag.")
    user: UserAndGroup | None = Field(None, description="The user and group that it runs as, by number.")
    labels: tuple[str, ...] | None = Field(None, description="Labels of the image that are there and not empty.")
    prefix: str | None = Field(None, description="How the names of containers and images begin.")
    environment: dict[Variable, str] | None = Field(None, description="Variables, and their values.")
    contract: ContractVariables | None = Field(None, description="The variables that name a service; see below.")
    health: Health | None = Field(None, description="How it shows that it is healthy; see below.")
    api: Interface | None = Field(None, description="What its HTTP interface promises; see below.")
    hardening: Hardening | None = Field(None, description="How little its container may do; see below.")
    storage: tuple[ContainerPath, ...] | None = Field(None, description="Where volumes are mounted; its own alone.")
    paths: tuple[ContainerPath, ...] | None = Field(None, description="What must answer 200 to GET, besides health.")
    registered: bool | None = Field(None, description="It is registered in Consul.")
    without: tuple[str, ...] = Field(
        (), description="Keys that are not taken over from above (`user`, `content.no_shell`), and ids of checks."
    )


T = TypeVar("T", bound=Demands)


def inherit(row: T, above: Demands, content: ImagePolicy | None) -> T:
    """The row with what it does not say itself taken from `above`, and the demands on its image from `content`.

    Tables are merged key by key. What the row, or all of the matrix, is `without` is not taken over.
    """
    without = (*above.without, *row.without)
    taken: dict[str, object] = {"without": without}
    inherited: dict[str, object] = {name: getattr(above, name) for name in Demands.model_fields if name != "without"}
    for name, value in {**inherited, "content": content}.items():
        merged = _merged(getattr(row, name), None if name in without else value)
        if isinstance(merged, Model):
            dropped = {key: None for each in without if (key := each.removeprefix(f"{name}.")) != each}
            merged = merged.model_copy(update=dropped)
        taken[name] = merged
    return row.model_copy(update=taken)


def is_key(key: str) -> bool:
    """Whether a row can be without `key`: a demand such as `user`, or a key of a table such as `content.no_shell`."""
    first, _, rest = key.partition(".")
    tables: dict[str, type[Model]] = {
        "api": Interface,
        "contract": ContractVariables,
        "health": Health,
        "hardening": Hardening,
        "content": ImagePolicy,
    }
    if rest:
        return first in tables and rest in tables[first].model_fields
    return first in tables or first in Demands.model_fields


def _merged(own: object, inherited: object) -> object:
    if isinstance(own, Model) and isinstance(inherited, Model):
        return inherited.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
    if isinstance(own, dict) and isinstance(inherited, dict):
        return {**inherited, **own}
    return inherited if own is None else own
