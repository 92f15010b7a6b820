from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_lucid.errors import MissingError
from pytest_lucid.inspect.container import Container
from pytest_lucid.inspect.find import hint_for, instances_of, name_of
from pytest_lucid.matrix import Matrix, Service

if TYPE_CHECKING:
    from pytest_lucid.engine.connection import Engine

COMPOSE = "com.docker.compose."


def listed(name: str, **labels: str) -> dict[str, Any]:
    return {
        "Names": [f"/{name}"],
        "State": "running",
        "Labels": {key.replace("__", "."): value for key, value in labels.items()},
    }


def composed(project: str, service: str, number: int = 1, name: str = "", oneoff: str = "False") -> dict[str, Any]:
    made = listed(name or f"{project}-{service}-{number}")
    given = {"project": project, "service": service, "container-number": str(number), "oneoff": oneoff}
    return {**made, "Labels": {COMPOSE + key: value for key, value in given.items()}}


def engine(*containers: dict[str, Any]) -> Engine:
    """An engine that lists these, by labels as engines do."""

    def answer(*, all: bool, filters: dict[str, list[str]]) -> list[dict[str, Any]]:  # noqa: A002 - the SDK's name
        assert all, "what has ended is there, too"
        wanted = [label.partition("=")[::2] for label in filters["label"]]
        return [c for c in containers if all_in(c["Labels"], wanted)]

    return cast("Engine", SimpleNamespace(client=SimpleNamespace(api=SimpleNamespace(containers=answer))))


def all_in(labels: dict[str, str], wanted: list[tuple[str, str]]) -> bool:
    return all(labels.get(key) == value for key, value in wanted)


def row(name: str = "web", **keys: Any) -> Service:
    return Service.model_validate({"name": name, "image": "web:1", **keys})


WEB: dict[str, Any] = {"compose": {"project": "shop", "service": "web"}}


def test_a_name_is_found_without_a_question() -> None:
    nobody = cast("Engine", None)
    assert name_of(nobody, row()) == "web"
    assert name_of(nobody, row(container="shop-web-1")) == "shop-web-1"


@pytest.mark.parametrize("name", ["shop-web-1", "shop_web_1", "0123abcd_shop-web-1"])
def test_compose_calls_it_what_it_will(name: str) -> None:
    there = (composed("other", "web"), composed("shop", "web", 2), composed("shop", "web", name=name))
    assert name_of(engine(*there), row(**WEB)) == name
    assert name_of(engine(*there), row(compose={**WEB["compose"], "number": 2})) == "shop-web-2"


def test_what_was_run_once_is_not_the_service() -> None:
    once = composed("shop", "web", name="shop-web-run-1", oneoff="True")
    with pytest.raises(MissingError, match="there is no container number 1 of service web in the compose project shop"):
        name_of(engine(once), row(**WEB))


def test_a_label_finds_one_and_no_more() -> None:
    one, two = listed("a", app="web"), listed("b", app="web")
    assert name_of(engine(one, listed("c", app="db")), row(label="app=web")) == "a"
    with pytest.raises(MissingError, match="2 containers are with the label app=web: a, b; expected one"):
        name_of(engine(one, two), row(label="app=web"))


@pytest.mark.parametrize(
    ("name", "there", "key"),
    [
        ("web", composed("shop", "web"), 'compose = { project = "shop", service = "web" }'),
        ("web", composed("shop", "web", 2), 'compose = { project = "shop", service = "web", number = 2 }'),
        ("other-web-1", composed("shop", "web"), 'compose = { project = "shop", service = "web" }'),
        ("shop-web-1", composed("shop", "web", name="shop_web_1"), 'compose = { project = "shop", service = "web" }'),
        ("web", listed("my-web"), 'container = "my-web"'),
        ("web", listed("my_web_1"), 'container = "my_web_1"'),
    ],
)
def test_a_near_name_is_told_with_the_key_that_finds_it(name: str, there: dict[str, Any], key: str) -> None:
    hint = hint_for(engine(there, listed("webmail"), composed("shop", "db")), name)
    assert hint == f"There is {there['Names'][0][1:]}; if that is meant, give its row `{key}`"


@pytest.mark.parametrize(
    "there", [listed("webmail"), listed("cobweb"), listed("web-sidecar-1", lucid__run="1"), composed("shop", "db")]
)
def test_another_name_is_no_near_one(there: dict[str, Any]) -> None:
    assert hint_for(engine(there), "web") == ""


def test_a_container_that_is_not_there_says_why() -> None:
    with pytest.raises(MissingError) as caught:
        name_of(engine(composed("other", "web")), row(**WEB))
    told = str(caught.value)
    assert told.endswith('if that is meant, give its row `compose = { project = "other", service = "web" }`')
    with pytest.raises(MissingError, match="if that is meant"):
        Container("web", None, missing=caught.value).demand_running()


def test_one_way_to_find_it_is_enough() -> None:
    with pytest.raises(ValueError, match="one of 'container', 'compose' and 'label'"):
        row(container="shop-web", label="b=c")


@pytest.mark.parametrize(
    ("keys", "there", "names"),
    [
        (
            {"compose": {"project": "shop", "service": "web"}},
            (
                composed("shop", "web", 2),
                composed("shop", "web"),
                composed("other", "web"),
                composed("shop", "web", 10),
            ),
            ("shop-web-1", "shop-web-2", "shop-web-10"),
        ),
        (
            {"label": "app=web"},
            (listed("b", app="web"), listed("a", app="web"), listed("d", app="db"), listed("c", app="web")),
            ("a", "b", "c"),
        ),
    ],
)
def test_each_instance_is_a_row(
    keys: dict[str, Any], there: tuple[dict[str, Any], ...], names: tuple[str, ...]
) -> None:
    rows = row(instances=2, **keys).each_instance()
    assert [(each.name, each.instances) for each in rows] == [("web-1", 2), ("web-2", None)]
    assert [name_of(engine(*there), each) for each in rows] == list(names[:2])
    assert instances_of(engine(*there), rows[0]) == names


def test_what_does_not_run_is_no_instance() -> None:
    stopped = {**composed("shop", "web", 2), "State": "exited"}
    there = engine(composed("shop", "web"), stopped, composed("shop", "web", 3, oneoff="True"))
    assert instances_of(there, row(**WEB, instances=2)) == ("shop-web-1",)
    assert instances_of(there, row(**WEB, instances=2, once=True)) == ("shop-web-1", "shop-web-2")


def test_others_call_all_instances_by_the_name_of_the_row() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "web", "image": "web:1", "instances": 2, **WEB},
        {"name": "db", "image": "db:1", "needs": ["web"], "reaches": ["web:80"], "isolated_from": ["we*"]},
    ]
    made = Matrix.model_validate({"service": rows}).inherited()
    assert made.names == ("web-1", "web-2", "db")
    db = made.service[2]
    assert (db.needs, db.reaches) == (("web-1", "web-2"), ("web-1:80", "web-2:80"))
    assert {peer.name for peer in made.peers(db, db.isolated_from or ())} == {"web-1", "web-2"}
    assert [each.name for each in made.start_order] == ["web-1", "web-2", "db"]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"instances": 2}, "'instances' with 'compose' or 'label'"),
        ({"instances": 2, "ports": ["8080:80"], "label": "a=b"}, "no published port of several instances"),
    ],
)
def test_instances_that_cannot_be_meant(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        row(**keys)


def test_an_instance_takes_its_name_from_no_other_row() -> None:
    rows = [{"name": "web", "image": "web:1", "instances": 2, **WEB}, {"name": "web-2", "image": "web:1"}]
    with pytest.raises(ValueError, match="web-2 is taken by another row"):
        Matrix.model_validate({"service": rows})
