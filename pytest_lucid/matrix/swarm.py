"""What a matrix says of a cluster: which kind of engine runs the services, and how their tasks are replaced."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pytest_lucid.matrix.types import Model, Name

# As Docker Swarm reads a constraint: `node.role==manager`, `node.labels.disk != slow`.
Constraint = Annotated[str, StringConstraints(pattern=r"^(node|engine)\.[A-Za-z0-9_.-]+ *(==|!=) *[^\s=!]\S*$")]


class Stack(Model):
    """The services as a stack of a cluster, which `python -m pytest_lucid stack` writes."""

    engine: Literal["swarm"] = Field(description="What runs it: Docker Swarm.")
    name: Name = Field("lucid", description="What the stack is called.")
    publish: Literal["mesh", "host"] = Field(
        "mesh",
        description="Where published ports answer: on every node, or on those with a task, which then see who asks. "
        "Nodes without IPVS in their kernel can only do the latter.",
    )
    encrypted: bool = Field(default=False, description="Nodes encrypt what the networks carry between them.")
    update_parallelism: int = Field(1, ge=1, strict=True, description="Tasks of a service replaced at a time.")
    update_delay: int = Field(0, ge=0, strict=True, description="Seconds between two of these.")
