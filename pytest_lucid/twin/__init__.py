"""Looking into running containers that have no shell: a sidecar (the twin), a session in it, and facts read through it.

What a check thinks of those facts does not belong here, nor does pytest.
"""
