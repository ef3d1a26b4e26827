"""The image, the compose file and the tests name the same parts."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.machine import ROOT


def text(name: str) -> str:
    """A file of the repository."""
    return (ROOT / name).read_text("utf-8")


def stages() -> list[str]:
    """The stages of the Dockerfile, each from its FROM on."""
    return re.split(r"^FROM ", text("deploy/Dockerfile"), flags=re.MULTILINE)[1:]


def test_the_tests_run_the_broker_that_compose_runs() -> None:
    (tested,) = re.findall(
        r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)", text("tests/support/kafka/pom.xml")
    )

    assert f"image: apache/kafka:{tested}\n" in text("docker-compose.yml")
    assert f"kafka_2.13-{tested}.jar\n" in text("tests/support/kafka/jars.sha256")


def test_kernels_are_found_where_they_were_compiled() -> None:
    built, run = stages()

    assert built.split(maxsplit=1)[0] == run.split(maxsplit=1)[0], "one base, or the interpreter moves"
    settings = re.compile(r"^(?:ENV|   ) (NUMBA_\w+=\S+)", re.MULTILINE)
    assert len(settings.findall(run)) == 2
    assert set(settings.findall(built)) == set(settings.findall(run))
    assert "WORKDIR /opt/stream-rcf" in built.split("COPY stream_rcf")[1], (
        "else the sources' own copy is compiled"
    )


def test_the_image_does_not_run_as_root_and_holds_only_its_own_files() -> None:
    assert re.findall(r"^USER (.*)", stages()[-1], re.MULTILINE) == ["10001:10001"]
    kept = [line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")]
    assert [name for name in kept if not Path(ROOT, name).exists()] == []
    assert text(".dockerignore").splitlines()[1] == "*"


def test_every_public_image_has_a_stand_in_of_the_same_name() -> None:
    public = set(re.findall(r"image: (\S+/\S+)", text("docker-compose.yml")))
    public |= {stage.split(maxsplit=1)[0] for stage in stages()}

    made = text("tools/container_stand_ins/build.sh")
    assert {
        name for name in public if f"docker.io/{name}" not in made and f"docker.io/library/{name}" not in made
    } == set()


def test_compose_opens_ports_on_this_machine_alone() -> None:
    published = re.findall(r"^      - (\S+:\d+:\d+)$", text("docker-compose.yml"), re.MULTILINE)

    assert len(published) == 4
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
