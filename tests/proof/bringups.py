"""Stacks that are brought up in another way than the matrix demands."""

from __future__ import annotations

from mutation import DATA, GATEWAY, StackMutation, ids

BRINGUPS = (
    StackMutation(
        name="another subnet",
        brought_up='[network]\nsubnet = "172.31.240.0/24"\n',
        stack=ids("NET-SUBNET"),
        everywhere=ids("NET-ADDRESS"),
        services=(GATEWAY,),
        note="the addresses are of the other subnet",
    ),
    StackMutation(
        name="a network whose name contains the right one",
        brought_up='[network]\nname = "my-lucid-dev"\n',
        stack=ids("NET-EXISTS NET-DRIVER NET-SUBNET NET-STRANGERS NET-ALIASES CSL-RUNNING"),
        everywhere=ids("CTR-NETWORK NET-ADDRESS NET-MEMBER CSL-ADDRESS RUN-DNS RUN-NETWORKS"),
        services=(GATEWAY,),
        note="there is no network of the name, so nothing that is claimed of it holds",
    ),
    StackMutation(
        name="a network that reaches the world",
        claimed="[network]\ninternal = true\n",
        stack=ids("NET-INTERNAL"),
        services=(GATEWAY,),
    ),
    StackMutation(
        name="a port on another address",
        claimed='[[service]]\nname = "lucid-data-chain"\nports = [{ number = 8087, address = "127.0.0.2" }]\n',
        kills=ids("CTR-BOUND"),
        services=(DATA,),
    ),
    StackMutation(
        name="an image of any version",
        claimed='[[service]]\nname = "lucid-data-chain"\ncontent = { pinned = true }\n',
        kills=ids("IMG-PINNED"),
        services=(DATA,),
    ),
    StackMutation(
        name="a neighbour that must not be reached",
        claimed='[[service]]\nname = "lucid-data-chain"\nisolated_from = ["lucid-blockchain-engine"]\n',
        kills=ids("NET-ISOLATED"),
        services=(DATA,),
    ),
    StackMutation(
        name="a neighbour at a port that nobody listens at",
        claimed='[[service]]\nname = "lucid-data-chain"\nreaches = ["lucid-blockchain-engine:8099"]\n',
        kills=ids("NET-REACHES"),
        services=(DATA,),
    ),
    StackMutation(
        name="work that does not end",
        claimed='[[service]]\nname = "lucid-data-chain"\nonce = true\n',
        kills=ids("CTR-ENDED"),
        services=(DATA,),
    ),
    StackMutation(
        name="healthy: as many as have its label",
        claimed='[[service]]\nname = "lucid-api-gateway"\nlabel = "cluster=01-api-gateway"\ninstances = 1\n',
        services=(GATEWAY,),
    ),
    StackMutation(
        name="more containers than it has instances",
        claimed='[[service]]\nname = "lucid-api-gateway"\nlabel = "phase=2"\ninstances = 1\n',
        kills=ids("CTR-INSTANCES"),
        services=(GATEWAY,),
    ),
    StackMutation(
        name="another kind of network",
        claimed='[network]\ndriver = "overlay"\n',
        stack=ids("NET-DRIVER"),
        services=(GATEWAY,),
    ),
)
