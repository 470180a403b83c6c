"""Experiments: names, tags, life and death, search."""

import time

import pytest
from mlflow.entities import ViewType
from wire import P, fresh, refused


def named(client, *names, **more):
    return [client.create_experiment(name, **more) for name in names]


def test_a_new_experiment_is_active_and_has_its_words(client):
    name = fresh("new")
    before = int(time.time() * 1000)
    id = client.create_experiment(name, tags={"a": "b", "c d": "e/f"})
    got = client.get_experiment(id)
    assert (got.name, got.lifecycle_stage, got.tags) == (name, "active", {"a": "b", "c d": "e/f"})
    assert before - 1000 <= got.creation_time <= got.last_update_time + 1000
    assert got.artifact_location == f"mlflow-artifacts:/{id}"
    assert id.isdigit()


@pytest.mark.parametrize("name", ["plain", "with blank", "slash/es", "ünï-cødé", "'quotes\"`", "<b>html</b>", "%41", "a:b", "日本", "x" * 480])
def test_names_of_all_kinds_are_kept(client, name):
    name = f"{name}{fresh('')}"[:500]
    id = client.create_experiment(name)
    assert client.get_experiment(id).name == name
    assert client.get_experiment_by_name(name).experiment_id == id


@pytest.mark.parametrize("length", [499, 500])
def test_names_may_have_500_characters(client, length):
    name = fresh("n").ljust(length, "x")
    assert client.get_experiment(client.create_experiment(name)).name == name


def test_a_name_of_501_characters_is_refused(client):
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_experiment("x" * 501), "exceeds the maximum length of 500 characters")


@pytest.mark.parametrize("name", ["", None])
def test_an_experiment_needs_a_name(client, name):
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_experiment(name), "name")


def test_names_are_unique_among_active_and_deleted(client):
    name = fresh("unique")
    id = client.create_experiment(name)
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment(name), f"Experiment(name={name}) already exists")
    client.delete_experiment(id)
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment(name))


def test_names_differ_by_case(client):
    name = fresh("case")
    assert client.create_experiment(name) != client.create_experiment(name.upper())


def test_default_is_there(client):
    default = client.get_experiment("0")
    assert default.name == "Default" and default.lifecycle_stage == "active"


def test_an_unknown_id_is_told(client):
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("987654321"), "No Experiment with id=987654321 exists")


@pytest.mark.parametrize("id", ["-1", "-1337", "007654321"])
def test_an_integer_that_names_none_is_told(client, id):
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment(id), "No Experiment with id=")


@pytest.mark.parametrize("id", ["abc", "a b", "1.5", "x" * 65])
def test_an_id_that_is_none_is_refused(client, id):
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_experiment(id), "experiment ID")


def test_an_unknown_name_is_none_to_the_client(client, api):
    name = fresh("none")
    assert client.get_experiment_by_name(name) is None
    answer = api.get(f"{P}/experiments/get-by-name", {"experiment_name": name})
    answer.refused("RESOURCE_DOES_NOT_EXIST", f"Could not find experiment with name '{name}'", status=404)


def test_a_deleted_one_is_found_by_name_and_id(client, experiment):
    name = client.get_experiment(experiment).name
    client.delete_experiment(experiment)
    assert client.get_experiment_by_name(name).lifecycle_stage == "deleted"
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"


def test_deletion_and_restore_take_the_runs_along(client, experiment, run):
    client.delete_experiment(experiment)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "active"
    assert client.get_run(run).info.lifecycle_stage == "active"


def test_deletion_and_restore_move_the_time_of_update(client, experiment):
    made = client.get_experiment(experiment).last_update_time
    time.sleep(0.002)
    client.delete_experiment(experiment)
    deleted = client.get_experiment(experiment).last_update_time
    time.sleep(0.002)
    client.restore_experiment(experiment)
    assert made < deleted < client.get_experiment(experiment).last_update_time


@pytest.mark.parametrize("call", ["delete", "restore"])
def test_an_unknown_one_is_neither_deleted_nor_restored(client, call):
    method = getattr(client, f"{call}_experiment")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: method("987654321"), "No Experiment with id=987654321 exists")


def test_none_is_deleted_or_restored_twice(client, experiment):
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.restore_experiment(experiment))
    client.delete_experiment(experiment)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_experiment(experiment))


def test_rename(client, experiment):
    name = fresh("renamed")
    before = client.get_experiment(experiment)
    time.sleep(0.002)
    client.rename_experiment(experiment, name)
    after = client.get_experiment(experiment)
    assert after.name == name and after.last_update_time > before.last_update_time
    assert client.get_experiment_by_name(before.name) is None
    assert client.get_experiment_by_name(name).experiment_id == experiment
    assert client.create_experiment(before.name) != experiment


def test_rename_to_a_taken_name_is_refused(client, api, experiment):
    name = fresh("taken")
    client.create_experiment(name)
    # MLflow says BAD_REQUEST; the surface document allows either name of the error.
    answer = api.post(f"{P}/experiments/update", {"experiment_id": experiment, "new_name": name})
    answer.refused(("BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE"))
    assert client.get_experiment(experiment).name != name


def test_rename_of_a_deleted_one_is_refused(client, api, experiment):
    client.delete_experiment(experiment)
    answer = api.post(f"{P}/experiments/update", {"experiment_id": experiment, "new_name": fresh("x")})
    # 400 would keep clients from asking again; MLflow answers 500.
    answer.refused(("INVALID_STATE", "INVALID_PARAMETER_VALUE"), "Cannot rename a non-active experiment.", status=(400, 500))


def test_tags_are_set_changed_and_deleted(client, experiment):
    client.set_experiment_tag(experiment, "k", "v")
    client.set_experiment_tag(experiment, "k", "w")
    client.set_experiment_tag(experiment, "number", 5)
    client.set_experiment_tag(experiment, "lines", "a\nb\nü")
    client.set_experiment_tag(experiment, "empty", "")
    assert client.get_experiment(experiment).tags == {"k": "w", "number": "5", "lines": "a\nb\nü", "empty": ""}
    client.delete_experiment_tag(experiment, "k")
    assert "k" not in client.get_experiment(experiment).tags


@pytest.mark.parametrize("key", ["a/b", "a.b", "a b", "a-b_c:d", "é", "x" * 250])
def test_tag_keys(client, experiment, key):
    client.set_experiment_tag(experiment, key, "v")
    assert client.get_experiment(experiment).tags == {key: "v"}


@pytest.mark.parametrize("key", ["", "/a", "../a", "a//b", ".", "a/../b", "a#b", "a\\b", "a?b", "x" * 251])
def test_bad_tag_keys_are_refused(client, experiment, key):
    refused("INVALID_PARAMETER_VALUE", lambda: client.set_experiment_tag(experiment, key, "v"))
    assert client.get_experiment(experiment).tags == {}


def test_a_tag_holds_20000_characters(client, experiment):
    client.set_experiment_tag(experiment, "k", "ü" * 20_000)
    assert client.get_experiment(experiment).tags["k"] == "ü" * 20_000
    refused(
        "INVALID_PARAMETER_VALUE",
        lambda: client.set_experiment_tag(experiment, "k", "x" * 20_001),
        "exceeds the maximum length of 20000 characters",
    )


def test_tags_of_a_deleted_one_are_as_they_are(client, experiment):
    client.delete_experiment(experiment)
    refused("INVALID_PARAMETER_VALUE", lambda: client.set_experiment_tag(experiment, "k", "v"), "must be in the 'active' state")


def test_an_absent_tag_is_not_deleted(client, experiment):
    words = f"No tag with name: zz in experiment with id {experiment}"
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_experiment_tag(experiment, "zz"), words)


@pytest.mark.parametrize("call", ["set_experiment_tag", "delete_experiment_tag"])
def test_tags_of_an_unknown_experiment(client, call):
    arguments = ("987654321", "k", "v") if call == "set_experiment_tag" else ("987654321", "k")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: getattr(client, call)(*arguments))


@pytest.mark.parametrize("location", ["s3://bucket/key", "mlflow-artifacts:/elsewhere", "gs://b/deep/er"])
def test_artifacts_may_lie_elsewhere(client, location):
    id = client.create_experiment(fresh("place"), artifact_location=location)
    assert client.get_experiment(id).artifact_location == location
    run = client.create_run(id)
    assert run.info.artifact_uri == f"{location}/{run.info.run_id}/artifacts"


@pytest.mark.parametrize(
    "location",
    [
        "s3://b/k#fragment",
        "s3://b/k?a=/../b",
        "runs:/abc/x",
        "s3://b/" + "x" * 2048,
    ],
)
def test_places_with_tricks_are_refused(client, location):
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_experiment(fresh("place"), artifact_location=location))


@pytest.mark.parametrize("location", ["mlflow-artifacts:/../x", "mlflow-artifacts:/%2e%2e/x"])
def test_no_place_climbs_out_of_the_root(client, api, location):
    # MLflow takes such a place, and refuses what is written there; ours refuses the place.
    answer = api.post(f"{P}/experiments/create", {"name": fresh("place"), "artifact_location": location})
    if answer.status == 200:
        run = client.create_run(answer.json["experiment_id"])
        with pytest.raises(Exception, match="Invalid path|Invalid artifact path|400|404"):
            client.log_text(run.info.run_id, "x", "a.txt")
    else:
        answer.refused("INVALID_PARAMETER_VALUE", "artifact location")


def test_view_types(client):
    active, deleted = fresh("view"), fresh("view")
    id = client.create_experiment(active)
    client.delete_experiment(client.create_experiment(deleted))

    def found(view):
        return {e.name for e in client.search_experiments(view_type=view, max_results=1000)} & {active, deleted}

    assert found(ViewType.ACTIVE_ONLY) == {active}
    assert found(ViewType.DELETED_ONLY) == {deleted}
    assert found(ViewType.ALL) == {active, deleted}
    assert client.get_experiment(id).name == active


@pytest.fixture(scope="module")
def several(client):
    """Prefix of the names of four experiments, ids by their last letter."""
    prefix = fresh("find")
    ids = {}
    for letter in "abCd":
        ids[letter] = client.create_experiment(f"{prefix}-{letter}", tags={"letter": letter, f"only {letter}": "x"})
        time.sleep(0.002)
    return prefix, ids


FOUND = [
    ("name = '{p}-a'", "a"),
    ("name = \"{p}-a\"", "a"),
    ("attribute.name = '{p}-a'", "a"),
    ("`name` = '{p}-a'", "a"),
    ("name != '{p}-a' AND name LIKE '{p}%'", "bCd"),
    ("name LIKE '{p}-%'", "abCd"),
    ("name LIKE '{p}-c'", ""),
    ("name ILIKE '{p}-c'", "C"),
    ("name LIKE '{p}__'", "abCd"),
    ("tags.letter = 'b'", "b"),
    ("tag.letter = 'b'", "b"),
    ("tags.letter != 'b' and name LIKE '{p}%'", "aCd"),
    ("tags.letter ILIKE 'c' AND name LIKE '{p}%'", "C"),
    ("tags.letter LIKE 'c' AND name LIKE '{p}%'", ""),
    ("tags.`only a` = 'x' AND name LIKE '{p}%'", "a"),
    ("tags.\"only a\" = 'x' AND name LIKE '{p}%'", "a"),
    ("tags.`only a` IS NULL AND name LIKE '{p}%'", "bCd"),
    ("tags.`only a` IS NOT NULL AND name LIKE '{p}%'", "a"),
    ("creation_time > 0 AND name LIKE '{p}%'", "abCd"),
    ("creation_time < 5 AND name LIKE '{p}%'", ""),
    ("last_update_time >= 1 AND name LIKE '{p}%'", "abCd"),
    ("experiment_id = '{a}'", "a"),
    ("experiment_id != '{a}' AND name LIKE '{p}%'", "bCd"),
    ("experiment_id IN ('{a}', '{b}')", "ab"),
    ("experiment_id NOT IN ('{a}', '{b}') AND name LIKE '{p}%'", "Cd"),
    ("tags.letter = 'a' AND tags.`only a` = 'x' AND name LIKE '{p}%'", "a"),
]


@pytest.mark.parametrize(("filter", "letters"), FOUND)
def test_search_finds(client, several, filter, letters):
    prefix, ids = several
    found = client.search_experiments(filter_string=filter.format(p=prefix, **ids), max_results=1000)
    assert sorted(e.name[-1] for e in found if e.name.startswith(prefix)) == sorted(letters)


@pytest.mark.parametrize(
    ("order", "letters"),
    [
        (None, "dCba"),
        (["name ASC"], "Cabd"),
        (["name DESC"], "dbaC"),
        (["creation_time ASC"], "abCd"),
        (["creation_time DESC"], "dCba"),
        (["experiment_id"], "abCd"),
        (["experiment_id DESC"], "dCba"),
        (["last_update_time DESC"], "dCba"),
        (["attribute.name desc"], "dbaC"),
        (["creation_time", "name"], "abCd"),
    ],
)
def test_search_orders(client, several, order, letters):
    prefix, _ = several
    found = client.search_experiments(filter_string=f"name LIKE '{prefix}%'", order_by=order)
    assert "".join(e.name[-1] for e in found) == letters


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_search_pages(client, several, size):
    prefix, _ = several
    letters, token = "", None
    for _ in range(5):
        page = client.search_experiments(filter_string=f"name LIKE '{prefix}%'", max_results=size, page_token=token, order_by=["name"])
        assert len(page) <= size
        letters += "".join(e.name[-1] for e in page)
        token = page.token
        if not token:
            break
    assert letters == "Cabd"


@pytest.mark.parametrize(
    "filter",
    [
        "nope = 'x'",
        "name = 5",
        "name > 'a'",
        "name IN ('a')",
        "name = 'a' OR name = 'b'",
        "NOT name = 'a'",
        "name",
        "= 'a'",
        "name == 'a'",
        "metrics.x > 1",
        "params.x = '1'",
        "creation_time = 'x'",
        "creation_time LIKE '1'",
        "tags.x > '1'",
        "tags.x = 1",
        "experiment_id IN ()",
        "name = 'a'; name = 'b'",
        "(name = 'a')",
    ],
)
def test_search_refuses(client, filter):
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_experiments(filter_string=filter))


@pytest.mark.parametrize("order", [["nope"], ["name SIDEWAYS"], ["tags.x"], ["metrics.x DESC"], ["name ASC DESC"]])
def test_search_refuses_an_order(client, order):
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_experiments(order_by=order))


@pytest.mark.parametrize("size", [0, -1, 50_001, None])
def test_search_refuses_a_page_of(api, size):
    fields = {} if size is None else {"max_results": size}
    api.post(f"{P}/experiments/search", fields).refused("INVALID_PARAMETER_VALUE", "max_results")


def test_search_refuses_a_token_that_is_none(client):
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_experiments(page_token="nonsense"))


def test_search_may_be_a_get(api, several):
    prefix, _ = several
    found = api.get(f"{P}/experiments/search", {"max_results": 10, "filter": f"name LIKE '{prefix}%'", "order_by": ["name DESC"]}).ok()
    assert [e["name"][-1] for e in found["experiments"]] == list("dbaC")
