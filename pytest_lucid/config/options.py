"""The options as data, so that each exists on the command line, in the environment, in the ini file and in the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Option:
    """One option: `--lucid-NAME` on the command line, LUCID_NAME in the environment, lucid_NAME in the ini file."""

    name: str
    kind: Literal["flag", "value", "list", "path"]
    help: str
    metavar: str | None = None

    @property
    def flag(self) -> str:
        """The command-line form."""
        return f"--lucid-{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment form."""
        return f"LUCID_{self.name.upper()}"

    @property
    def ini(self) -> str:
        """The ini form."""
        return f"lucid_{self.name}"


OPTIONS = (
    Option("up", "flag", "build the images, bring the stack up, check it, tear it down"),
    Option("build", "flag", "build the images and check them, without bringing anything up"),
    Option(
        "build_on",
        "value",
        "where the images for another machine are built: 'there' (the default), or 'here', from where the layers that "
        "it does not have are sent",
        "PLACE",
    ),
    Option("keep", "flag", "with --lucid-up: leave the stack running; the next --lucid-up replaces it"),
    Option(
        "host",
        "list",
        "check what already runs on HOST: a name for ssh, ssh://user@host:port, a Docker context, tcp://, unix://, "
        "npipe://, or 'local', this machine; repeatable, or several with commas between",
        "HOST",
    ),
    Option("service", "list", "only the service NAME; may be repeated", "NAME"),
    Option(
        "image",
        "list",
        "check an image as that of NAME: the one in a PATH (`docker save` or OCI layout), or the one that the engine "
        "knows by a tag or digest; repeatable",
        "NAME=IMAGE",
    ),
    Option(
        "against",
        "list",
        "what the files of container-structure-test and goss that pytest is given are run against: an image, by its "
        "name or by the PATH of a saved one, or lucid://CONTAINER, which runs; repeatable",
        "IMAGE",
    ),
    Option(
        "collect",
        "list",
        "the names of such files, as patterns, that are collected in folders, too, such as '*_structure.yaml'",
        "PATTERN",
    ),
    Option("vars", "path", "the values that templates in goss files know as .Vars, in YAML or JSON", "FILE"),
    Option("no_cache", "flag", "read images as a whole, and not only the layers that no earlier run has read"),
    Option("matrix", "path", "the service matrix (default: lucid.toml of the project, else the packaged one)", "FILE"),
    Option("project", "path", "root of the Lucid tree (default: pytest's rootdir)", "DIR"),
    Option("all_dockerfiles", "flag", "review every Dockerfile of the project, also those without a row in the matrix"),
    Option(
        "fail_on",
        "value",
        "the least severity that fails the run: low (the default), medium, high or critical; the rest is reported",
        "SEVERITY",
    ),
    Option("explain", "value", "print what the check ID claims, why it matters and what to do, and exit", "ID"),
    Option("report", "path", "write the report as one HTML file that needs no network", "FILE"),
    Option("json", "path", "write all that is known of the run as JSON (docs/report.schema.json)", "FILE"),
    Option("junit", "path", "write the cells as JUnit XML, as GitLab, GitHub and Jenkins read it", "FILE"),
    Option("sarif", "path", "write the findings in files as SARIF 2.1.0, for code scanning", "FILE"),
    Option("code_quality", "path", "write the findings in files as GitLab and Code Climate read code quality", "FILE"),
    Option("checkstyle", "path", "write the findings in files as Checkstyle's XML, for Jenkins and reviewers", "FILE"),
    Option("summary", "path", "write the report as Markdown, for the summary of a job", "FILE"),
    Option("prometheus", "path", "write the outcomes as a Prometheus text file", "FILE"),
    Option("csv", "path", "write the cells as CSV", "FILE"),
    Option(
        "baseline",
        "path",
        "say what is new, fixed and unchanged since the run that wrote FILE with --lucid-json",
        "FILE",
    ),
    Option("new_only", "flag", "with --lucid-baseline: only what is new fails the run"),
    Option("trace", "flag", "show the whole traceback of a check whose claim does not hold, too"),
    Option(
        "journey",
        "flag",
        "with --lucid-host: store and anchor a session there, too, as --lucid-up always does; it stays on the chain",
    ),
    Option(
        "chaos",
        "flag",
        "stop, freeze and kill the containers one after the other, too, and watch health degrade and recover",
    ),
    Option("timeout", "value", "how long the stack may take to become healthy (default: 90)", "SECONDS"),
)
