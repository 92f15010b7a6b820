"""Assembles the service mesh controller and runs it; logic belongs in modules of its own."""

from lucid_service.start import start

from lucid_service_mesh_controller.consul_api import OPERATIONS

start(needs=("consul",), operations=OPERATIONS)
