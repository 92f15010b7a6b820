"""Defects in our own tree: in the text of Dockerfiles, and in lucid.toml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mutation import DATA, ENGINE, GATEWAY, MESH, TreeMutation, ids

if TYPE_CHECKING:
    from collections.abc import Callable


def replace(pattern: str, replacement: str) -> Callable[[str], str]:
    """Replace the first match of a regular expression, in which ^ and $ are the ends of a line."""
    return lambda text: re.sub(pattern, lambda _: replacement, text, count=1, flags=re.MULTILINE)


def append(line: str) -> Callable[[str], str]:
    """Add a last line."""
    return lambda text: f"{text.rstrip()}\n{line}\n"


def one_stage(text: str) -> str:
    """Leave the builder out, and what is copied from it."""
    without = re.sub(r"^FROM debian.*?(?=^FROM gcr)", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^COPY --from=builder.*\n", "", without, flags=re.MULTILINE)


DOCKERFILES = (
    TreeMutation(name="healthy: a comment more", edit=append("# The end.")),
    TreeMutation(name="healthy: CRLF", edit=lambda text: text.replace("\n", "\r\n")),
    TreeMutation(
        name="healthy: debian12 said outright",
        edit=lambda text: text.replace("debian${DEBIAN}:nonroot", "debian12:nonroot"),
    ),
    TreeMutation(
        name="unknown instruction",
        note="hadolint sees it, too",
        kills=ids("DKF-PARSE DKF-HADOLINT"),
        edit=append("RUNN true"),
    ),
    TreeMutation(
        name="base is another",
        note="the other base is supported, so its waiver is not needed",
        kills=ids("DKF-BASE DKF-SUPPORT"),
        edit=replace(r"^FROM gcr\S+", "FROM debian:12-slim"),
    ),
    TreeMutation(
        name="user is root",
        note="hadolint sees it, too",
        kills=ids("DKF-USER DKF-HADOLINT"),
        edit=replace(r"^USER 65532:65532$", "USER root"),
    ),
    TreeMutation(
        name="user is a name",
        note="hadolint sees it, too",
        kills=ids("DKF-USER DKF-HADOLINT"),
        edit=replace(r"^USER 65532:65532$", "USER nonroot"),
    ),
    TreeMutation(
        name="user is set back",
        note="hadolint sees it, too",
        kills=ids("DKF-USER DKF-HADOLINT"),
        edit=append("USER 0:0"),
    ),
    TreeMutation(name="no user", kills=ids("DKF-USER"), edit=replace(r"^USER 65532:65532$", "")),
    TreeMutation(name="a port more", kills=ids("DKF-PORTS"), edit=append("EXPOSE 9999")),
    TreeMutation(name="no port", kills=ids("DKF-PORTS"), edit=replace(r"^EXPOSE .*$", "")),
    TreeMutation(name="another log level", kills=ids("DKF-ENV"), edit=replace("LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG")),
    TreeMutation(
        name="another port for the service",
        note="it is not exposed",
        kills=ids("DKF-ENV DKF-AGREE"),
        edit=replace(r" PORT=80\d\d \\$", " PORT=1 \\"),
    ),
    TreeMutation(name="another consensus", kills=ids("DKF-ENV"), edit=replace("=PoOT", "=PoW"), services=(ENGINE,)),
    TreeMutation(
        name="another service discovery",
        note="nothing listens on that port",
        kills=ids("DKF-ENV DKF-PEERS"),
        edit=replace("http://consul:8500", "http://consul:8501"),
        services=(MESH,),
    ),
    TreeMutation(name="no maintainer", kills=ids("DKF-LABELS"), edit=replace('maintainer="[^"]*"', 'maintainer=""')),
    TreeMutation(name="label of another phase", kills=ids("DKF-LABELS"), edit=replace('phase="2"', 'phase="3"')),
    TreeMutation(
        name="no health check declared",
        note="hadolint sees two, too",
        kills=ids("DKF-HEALTH DKF-HADOLINT"),
        edit=append("HEALTHCHECK NONE"),
    ),
    TreeMutation(
        name="health check declared too rare", kills=ids("DKF-HEALTH"), edit=replace("--interval=30s", "--interval=1h")
    ),
    TreeMutation(
        name="start period too short for a Pi",
        kills=ids("DKF-HEALTH"),
        edit=replace("--start-period=15s", "--start-period=5s"),
    ),
    TreeMutation(
        name="logs in a folder that nothing makes", kills=ids("DKF-STORAGE"), edit=append("ENV LOG_DIR=/app/logs")
    ),
    TreeMutation(name="no Dockerfile", kills=ids("DKF-FILE"), edit=lambda _: None),
    TreeMutation(
        name="started by a shell",
        note="hadolint sees it, too",
        kills=ids("DKF-EXEC DKF-HADOLINT"),
        edit=replace(r"^ENTRYPOINT .*$", "ENTRYPOINT /home/app/.local/bin/python -m x"),
    ),
    TreeMutation(
        name="changes its folder",
        kills=ids("DKF-HADOLINT"),
        edit=replace(r"^COPY common", "RUN cd /tmp && ls\nCOPY common"),
    ),
    TreeMutation(
        name="one stage",
        note="what the builder made is not there; storage would not be there either",
        kills=ids("DKF-STAGES DKF-PROBE DKF-START"),
        edit=one_stage,
        services=(MESH, GATEWAY),
    ),
    TreeMutation(
        name="excuse that nothing needs",
        kills=ids("DKF-EXCUSES"),
        edit=replace("^USER ", "# lucid: ignore=DKF-TAG it was for debugging once\nUSER "),
    ),
    TreeMutation(
        name="waiver that has expired",
        stack=ids("WVR-FORCE"),
        file="lucid.toml",
        edit=append('[[waiver]]\ncheck = "CTR-*"\nreason = "r"\nexpires = 2020-01-01'),
    ),
    TreeMutation(
        name="waiver for nobody",
        stack=ids("WVR-SERVICE"),
        file="lucid.toml",
        edit=append('[[waiver]]\ncheck = "CTR-*"\nservice = "nobody"\nreason = "r"\nexpires = 2999-01-01'),
    ),
    TreeMutation(
        name="waiver of no check",
        stack=ids("WVR-CHECK"),
        file="lucid.toml",
        edit=append('[[waiver]]\ncheck = "CTX-USER"\nreason = "r"\nexpires = 2999-01-01'),
    ),
    TreeMutation(
        name="ignore that nothing needs",
        stack=ids("WVR-IGNORE"),
        file="lucid.toml",
        edit=append('[[ignore]]\ncheck = "DKF-TAG"\npath = "**"\nreason = "It was for debugging once."'),
    ),
    TreeMutation(
        name="source misspelt",
        kills=ids("DKF-SOURCES"),
        edit=replace("^COPY common/lucid_service ", "COPY common/lucid_sevice "),
    ),
    TreeMutation(
        name="source that a build makes first",
        kills=ids("DKF-BUILT"),
        edit=append("ARG TARGETARCH\nCOPY tool-${TARGETARCH} /tool"),
    ),
    TreeMutation(
        name="namesake beside the Dockerfile",
        kills=ids("DKF-AMBIGUOUS"),
        file="service-mesh/common/requirements.txt",
        edit=lambda _: "x==1\n",
        services=(MESH,),
    ),
    TreeMutation(name="no .dockerignore", everywhere=ids("DKF-IGNORE"), file=".dockerignore", edit=lambda _: None),
    TreeMutation(
        name="a key is copied",
        note="and .dockerignore let it through",
        everywhere=ids("DKF-CARRIED DKF-IGNORE"),
        file="common/lucid_service/id_rsa",
        edit=lambda _: "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    ),
    TreeMutation(
        name="imports TRON",
        kills=ids("DKF-TRON"),
        file="blockchain/lucid_data_chain/pay.py",
        edit=lambda _: "from tronpy import Tron\n",
        services=(DATA,),
    ),
    TreeMutation(
        name="variable of TRON declared",
        note="an API key is a secret, too",
        kills=ids("DKF-TRON DKF-HADOLINT DKF-SECRET"),
        edit=append("ENV TRONGRID_API_KEY=unset"),
    ),
    TreeMutation(
        name="dependencies installed elsewhere",
        kills=ids("DKF-PACKAGES"),
        edit=replace("install --no-cache-dir", "install --target /home/app/lib --no-cache-dir"),
    ),
    TreeMutation(
        name="requirement not pinned",
        everywhere=ids("DKF-PINNED DKF-HASHED"),
        note="what has no version has no hash",
        file="common/requirements.txt",
        edit=append("requests"),
    ),
    TreeMutation(
        name="requirement without a hash",
        everywhere=ids("DKF-HASHED"),
        file="common/requirements.txt",
        edit=append("requests==2.32.4"),
    ),
    TreeMutation(
        name="tool for development installed",
        everywhere=ids("DKF-DEVTOOLS"),
        file="common/requirements.txt",
        edit=append(f"pytest==9.0.0 --hash=sha256:{'0' * 64}"),
    ),
    TreeMutation(
        name="label of another service",
        note="it is not the row's either",
        kills=ids("DKF-NAME DKF-LABELS"),
        edit=replace('service="lucid-[a-z-]+"', 'service="x"'),
    ),
    TreeMutation(
        name="code belongs to the user",
        kills=ids("DKF-CODE"),
        edit=replace("^COPY --from=builder /service /$", "COPY --from=builder --chown=65532:65532 /service /"),
    ),
    TreeMutation(
        name="no storage",
        kills=ids("DKF-STORAGE"),
        edit=replace(r"install -d -o 65532 -g 65532 -m 0700 [^&]*&&", "true &&"),
        services=(DATA, ENGINE),
    ),
    TreeMutation(
        name="variant for debugging",
        kills=ids("DKF-TAG"),
        edit=replace(":nonroot", ":debug-nonroot"),
    ),
    TreeMutation(
        name="stage misspelt",
        note="hadolint sees it, too",
        kills=ids("DKF-FROM DKF-HADOLINT"),
        edit=replace("--from=builder /dep", "--from=bulider /dep"),
    ),
    TreeMutation(
        name="runs a shell in distroless",
        note="hadolint wants a pipefail there, too",
        kills=ids("DKF-SHELL DKF-HADOLINT"),
        edit=append("RUN echo done"),
    ),
    TreeMutation(
        name="support has ended, and nobody waives it",
        everywhere=ids("DKF-SUPPORT"),
        file="lucid.toml",
        edit=lambda text: text[: text.index("[[waiver]]")],
    ),
    TreeMutation(
        name="builder of another release",
        kills=ids("DKF-PYTHON DKF-RELEASE DKF-SCRIPTS"),
        note="another release has another Python",
        edit=replace(r"^FROM debian\S+", "FROM debian:13-slim"),
    ),
    TreeMutation(
        name="builder floats", kills=ids("DKF-RELEASE"), edit=replace(r"^FROM debian\S+", "FROM debian:stable-slim")
    ),
    TreeMutation(
        name="starts what is not there",
        kills=ids("DKF-START"),
        edit=replace(r"^ENTRYPOINT .*$", 'ENTRYPOINT ["/usr/local/bin/uvicorn", "x"]'),
    ),
    TreeMutation(
        name="starts a module that is not there",
        kills=ids("DKF-MODULE"),
        edit=replace(r"^(ENTRYPOINT .*)$", 'ENTRYPOINT ["/home/app/.local/bin/python", "-m", "lucid_nothing"]'),
    ),
    TreeMutation(
        name="starts the interpreter twice, and a module that is not there",
        kills=ids("DKF-START DKF-MODULE"),
        edit=replace(
            r"^(ENTRYPOINT .*)$",
            'ENTRYPOINT ["/home/app/.local/bin/python", "/home/app/.local/bin/python", "-m", "lucid_nothing"]',
        ),
        note="what cannot start for one reason is judged for the other, too",
    ),
    TreeMutation(
        name="probe misspelt", kills=ids("DKF-PROBE"), edit=replace("lucid_service.probe", "lucid_service.prob")
    ),
    TreeMutation(
        name="argument not declared",
        kills=ids("DKF-ARG"),
        edit=replace(r"SERVICE_VERSION=\$\{VERSION:-unknown\}", "SERVICE_VERSION=${VERSIO}"),
    ),
    TreeMutation(
        name="secret declared",
        note="hadolint sees it, too",
        kills=ids("DKF-SECRET DKF-HADOLINT"),
        edit=append("ENV JWT_SECRET=Zx8kQ2vLr9TmW4yB7"),
    ),
    TreeMutation(
        name="peer that is not there", kills=ids("DKF-PEERS"), edit=append("ENV WALLET_URL=http://lucid-wallet:8090")
    ),
)
