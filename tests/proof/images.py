"""Defects in what images declare; those in their files have tests of their own, with the inventory."""

from __future__ import annotations

from mutation import ImageMutation, ids

NO_MODULE = "IMG-PY-IMPORT IMG-PY-VISIBLE"

IMAGES = (
    ImageMutation(name="healthy: a label more", instructions='LABEL note="anything"'),
    ImageMutation(name="image runs as root", kills=ids("IMG-USER"), instructions="USER root"),
    ImageMutation(name="image runs as a name", kills=ids("IMG-USER"), instructions="USER nonroot"),
    ImageMutation(name="image without a group", kills=ids("IMG-USER"), instructions="USER 65532"),
    ImageMutation(
        name="command is a string",
        kills=ids(f"IMG-ARGV IMG-PROGRAM IMG-PY-COMPILED {NO_MODULE}"),
        instructions="ENTRYPOINT /home/app/.local/bin/python -m x",
        note="the shell is not there, and what it would start cannot be seen",
    ),
    ImageMutation(
        name="interpreter as argument of the interpreter",
        kills=ids(f"IMG-ARGV {NO_MODULE}"),
        instructions='ENTRYPOINT ["/usr/bin/python3.11"]\nCMD ["python", "-m", "x"]',
        note="there is no module to import",
    ),
    ImageMutation(
        name="no command",
        kills=ids(f"IMG-ARGV IMG-PY-COMPILED {NO_MODULE}"),
        instructions="ENTRYPOINT []\nCMD []",
        note="there is no module to import",
    ),
    ImageMutation(name="declares a port more", kills=ids("IMG-PORTS"), instructions="EXPOSE 9999"),
    ImageMutation(name="declares UDP", kills=ids("IMG-PORTS"), instructions="EXPOSE 8087/udp"),
    ImageMutation(name="another log level in the image", kills=ids("IMG-ENV"), instructions="ENV LOG_LEVEL=DEBUG"),
    ImageMutation(name="another service name", kills=ids("IMG-ENV"), instructions="ENV SERVICE_NAME=lucid"),
    ImageMutation(
        name="scripts not first on PATH", kills=ids("IMG-PATH"), instructions="ENV PATH=/usr/bin:/home/app/.local/bin"
    ),
    ImageMutation(name="empty label", kills=ids("IMG-LABELS"), instructions='LABEL maintainer=""'),
    ImageMutation(name="blank label", kills=ids("IMG-LABELS"), instructions='LABEL description="  "'),
    ImageMutation(name="labelled for another phase", kills=ids("IMG-IDENTITY"), instructions='LABEL phase="3"'),
    ImageMutation(name="labelled as another service", kills=ids("IMG-IDENTITY"), instructions='LABEL service="other"'),
    ImageMutation(name="no health check in the image", kills=ids("IMG-HEALTH"), instructions="HEALTHCHECK NONE"),
    ImageMutation(
        name="health check in a shell",
        kills=ids("IMG-HEALTH"),
        instructions="HEALTHCHECK --interval=30s --timeout=10s --retries=3 CMD python -m lucid_service.probe",
    ),
    ImageMutation(
        name="health check too rare",
        kills=ids("IMG-HEALTH"),
        instructions='HEALTHCHECK --interval=5m --timeout=10s CMD ["/home/app/.local/bin/python", "-m", "x"]',
    ),
    ImageMutation(name="variable of TRON", kills=ids("IMG-TRON"), instructions="ENV USDT_CONTRACT=x"),
    ImageMutation(name="healthy: neutron is not TRON", instructions="ENV NEUTRON_URL=http://patron"),
)
