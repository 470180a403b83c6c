"""The filter grammar of runs, their order, and pages."""

import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from wire import P, fresh, refused


@pytest.fixture(scope="module")
def several(client):
    """Five runs, told by the last letter of their names; the oldest is `a`."""
    experiment = client.create_experiment(fresh("runs"))
    ids = {}
    for i, letter in enumerate("abCde"):
        tags = {"letter": letter, "mlflow.user": f"user-{letter}", "blank key": letter} if letter != "e" else {}
        run = client.create_run(experiment, run_name=f"run-{letter}", start_time=1000 + i, tags=tags).info.run_id
        ids[letter] = run
        if letter != "e":
            client.log_batch(run, [Metric("acc", i / 10, 1, 0), Metric("a b/c-d", i, 1, 0)], [Param("lr", f"0.{i}"), Param("p.q", "x")])
    client.log_metric(ids["d"], "odd", float("nan"))
    client.log_metric(ids["a"], "odd", 1)
    client.log_metric(ids["b"], "odd", float("inf"))
    client.log_metric(ids["C"], "odd", -5)
    client.set_terminated(ids["a"], "FINISHED", 5000)
    client.set_terminated(ids["b"], "FAILED", 6000)
    for letter in "ab":
        dataset = Dataset(f"data-{letter}", f"digest-{letter}", "local", "{}")
        client.log_inputs(ids[letter], [DatasetInput(dataset, [InputTag("mlflow.data.context", f"context-{letter}")])])
    return experiment, ids


def letters(runs):
    return "".join(run.info.run_name[-1] for run in runs)


FOUND = [
    ("", "abCde"),
    ("metrics.acc = 0.1", "b"),
    ("metrics.acc != 0.1", "aCd"),
    ("metrics.acc > 0.1", "Cd"),
    ("metrics.acc >= 0.1", "bCd"),
    ("metrics.acc < 0.1", "a"),
    ("metrics.acc <= 0.1", "ab"),
    ("metric.acc > 0.1", "Cd"),
    ("metrics.acc > -1", "abCd"),
    ("metrics.acc >= 1e-1", "bCd"),
    ("metrics.`acc` > 0.1", "Cd"),
    ('metrics."acc" > 0.1', "Cd"),
    ("metrics.`a b/c-d` >= 2", "Cd"),
    ('metrics."a b/c-d" >= 2', "Cd"),
    ("metrics.none > 0", ""),
    ("metrics.odd > 0", "ab"),
    ("metrics.odd < 0", "C"),
    ("params.lr = '0.1'", "b"),
    ("param.lr = '0.1'", "b"),
    ("parameter.lr = '0.1'", "b"),
    ("parameters.lr = '0.1'", "b"),
    ('params.lr = "0.1"', "b"),
    ("params.lr != '0.1'", "aCd"),
    ("params.lr LIKE '0.%'", "abCd"),
    ("params.lr LIKE '_.1'", "b"),
    ("params.p.q = 'x'", "abCd"),
    ("params.`p.q` = 'x'", "abCd"),
    ("params.p.q ILIKE 'X'", "abCd"),
    ("params.p.q LIKE 'X'", ""),
    ("params.lr IS NULL", "e"),
    ("params.lr IS NOT NULL", "abCd"),
    ("tags.letter = 'C'", "C"),
    ("tag.letter = 'c'", ""),
    ("tags.letter ILIKE 'c'", "C"),
    ("tags.letter LIKE 'c'", ""),
    ("tags.letter LIKE '%'", "abCd"),
    ("tags.letter != 'a'", "bCd"),
    ("tags.letter IS NULL", "e"),
    ("tags.letter IS NOT NULL", "abCd"),
    ("tags.`blank key` = 'a'", "a"),
    ('tags."blank key" = "a"', "a"),
    ("tags.mlflow.runName = 'run-a'", "a"),
    ("tags.`mlflow.runName` LIKE 'run-%'", "abCde"),
    ("run_name = 'run-b'", "b"),
    ("attributes.run_name = 'run-b'", "b"),
    ("attribute.run_name = 'run-b'", "b"),
    ("attr.run_name = 'run-b'", "b"),
    ("run.run_name = 'run-b'", "b"),
    ("attributes.`run name` = 'run-b'", "b"),
    ("attributes.`Run name` = 'run-b'", "b"),
    ("attributes.`Run Name` = 'run-b'", "b"),
    ("run_name ILIKE 'RUN-c'", "C"),
    ("run_name != 'run-b'", "aCde"),
    ("status = 'FINISHED'", "a"),
    ("status = 'RUNNING'", "Cde"),
    ("status != 'RUNNING'", "ab"),
    ("attributes.status LIKE 'F%'", "ab"),
    ("status ILIKE 'f%'", "ab"),
    ("user_id = 'user-b'", "b"),
    ("user_id LIKE 'user%'", "abCd"),
    ("start_time > 1002", "de"),
    ("start_time >= 1002", "Cde"),
    ("start_time = 1002", "C"),
    ("start_time != 1002", "abde"),
    ("attributes.start_time < 1002", "ab"),
    ("attributes.created < 1002", "ab"),
    ("end_time > 5000", "b"),
    ("end_time <= 6000", "ab"),
    ("run_id = '{a}'", "a"),
    ("run_id != '{a}'", "bCde"),
    ("run_id IN ('{a}', '{b}')", "ab"),
    ("attributes.run_id IN ('{a}')", "a"),
    ("run_id NOT IN ('{a}', '{b}')", "Cde"),
    ("run_id LIKE '%'", "abCde"),
    ("artifact_uri LIKE '%{a}%'", "a"),
    ("dataset.name = 'data-a'", "a"),
    ("datasets.name = 'data-a'", "a"),
    ("dataset.name != 'data-a'", "b"),
    ("dataset.name LIKE 'data-%'", "ab"),
    ("dataset.name ILIKE 'DATA-A'", "a"),
    ("dataset.name IN ('data-a', 'data-b')", "ab"),
    ("dataset.name NOT IN ('data-a')", "b"),
    ("dataset.digest = 'digest-b'", "b"),
    ("dataset.context = 'context-b'", "b"),
    ("dataset.name = 'data-a' AND dataset.context = 'context-a'", "a"),
    ("metrics.acc > 0 AND params.lr = '0.1'", "b"),
    ("metrics.acc > 0 and params.lr = '0.1'", "b"),
    ("metrics.acc > 0 AND metrics.acc < 0.3", "bC"),
    ("metrics.acc > 0 AND params.lr = '0.1' AND tags.letter = 'b' AND status = 'FAILED'", "b"),
    ("  metrics.acc   >   0.2  ", "d"),
    ("metrics.acc>0.2", "d"),
    ("params.lr='0.1'", "b"),
    ("tags.letter = 'it''s'", ""),
    ("params.lr = ''", ""),
]


@pytest.mark.parametrize(("filter", "expected"), FOUND)
def test_search_finds(client, several, filter, expected):
    experiment, ids = several
    found = client.search_runs([experiment], filter.format(**ids))
    assert "".join(sorted(letters(found))) == "".join(sorted(expected))


REFUSED = [
    ("metrics.acc > 'x'", "Expected numeric value type for metric"),
    ("metrics.acc LIKE '1'", ""),
    ("metrics.acc IN (1)", ""),
    ("params.lr = 1", "Expected a quoted string value"),
    ("params.lr > '1'", "Invalid comparator"),
    ("tags.letter >= 'a'", "Invalid comparator"),
    ("tags.letter = a", ""),
    ("nope = 'x'", "Invalid attribute key 'nope' specified. Valid keys are"),
    ("attributes.nope = 'x'", "Invalid attribute key 'nope' specified."),
    ("nopes.x = 'x'", "Invalid entity type 'nopes'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']"),
    ("status > 'x'", "Invalid comparator"),
    ("status = 5", ""),
    ("status IN ('RUNNING')", ""),
    ("start_time = 'x'", ""),
    ("start_time LIKE '1'", ""),
    ("run_id IN ()", ""),
    ("run_id IN (1, 2)", ""),
    ("run_id IN 'x'", ""),
    ("dataset.nope = 'x'", ""),
    ("dataset.name > 'x'", "Invalid comparator"),
    ("metrics.acc > 1 OR metrics.acc < 0", "Invalid clause(s) in filter string"),
    ("NOT metrics.acc > 1", ""),
    ("(metrics.acc > 1)", ""),
    ("metrics.acc > 1; metrics.acc < 0", "Search filter contained multiple expression"),
    ("metrics.acc", ""),
    ("metrics.acc >", ""),
    ("> 1", ""),
    ("metrics.acc == 1", ""),
    ("metrics.acc <> 1", ""),
    ("params.lr = 'x", ""),
    ("params.lr LIKE 5", ""),
    ("metrics.acc IS NULL", ""),
    ("random words", ""),
    ("1 = 1", ""),
    ("SELECT * FROM runs", ""),
    ("'acc' > 1", ""),
]


@pytest.mark.parametrize(("filter", "words"), REFUSED)
def test_search_refuses(client, several, filter, words):
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([several[0]], filter), words)


ORDERED = [
    (None, "edCba"),
    (["start_time ASC"], "abCde"),
    (["start_time DESC"], "edCba"),
    (["attributes.start_time ASC"], "abCde"),
    (["attribute.start_time"], "abCde"),
    (["created ASC"], "abCde"),
    (["run_name ASC"], "Cabde"),
    (["attributes.run_name DESC"], "edbaC"),
    (["metrics.acc ASC"], "abCde"),
    (["metrics.acc DESC"], "dCbae"),
    (["metric.acc desc"], "dCbae"),
    (["metrics.`acc` DESC"], "dCbae"),
    (["metrics.`a b/c-d` DESC"], "dCbae"),
    (["params.lr DESC"], "dCbae"),
    (["param.lr ASC"], "abCde"),
    (["params.`p.q`", "metrics.acc DESC"], "dCbae"),
    (["tags.letter ASC"], "Cabde"),
    (["tag.letter DESC"], "dbaCe"),
    (["tags.`blank key` DESC"], "dbaCe"),
    (["metrics.odd ASC"], "Cabde"),
    (["metrics.odd DESC"], "baCde"),
    (["metrics.none"], "edCba"),
    (["end_time ASC"], "abedC"),
    (["end_time DESC"], "baedC"),
    (["status ASC", "start_time ASC"], "baCde"),
    (["status", "metrics.acc DESC"], "badCe"),
    (["params.p.q", "run_name DESC"], "dbaCe"),
]


@pytest.mark.parametrize(("order", "expected"), ORDERED)
def test_search_orders(client, several, order, expected):
    assert letters(client.search_runs([several[0]], order_by=order)) == expected


@pytest.mark.parametrize("order", [["metrics.acc sideways"], ["nope"], ["nopes.x"], ["metrics.acc ASC DESC"], ["ASC"], ["dataset.name"], [""], ["a b c"]])
def test_search_refuses_an_order(client, several, order):
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([several[0]], order_by=order))


def test_the_same_key_twice_is_refused(api, several):
    # MLflow answers 500, which clients ask again.
    fields = {"experiment_ids": [several[0]], "order_by": ["metrics.acc", "metrics.acc DESC"]}
    answer = api.post(f"{P}/runs/search", fields)
    answer.refused(("INTERNAL_ERROR", "INVALID_PARAMETER_VALUE"), "`order_by` contains duplicate fields", status=(400, 500))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 50_000])
@pytest.mark.parametrize("order", [None, ["metrics.acc DESC"], ["tags.letter", "start_time ASC"]])
def test_search_pages(client, several, size, order):
    whole = letters(client.search_runs([several[0]], order_by=order))
    found, token = "", None
    for _ in range(6):
        page = client.search_runs([several[0]], order_by=order, max_results=size, page_token=token)
        assert len(page) <= size
        found += letters(page)
        token = page.token
        if not token:
            break
    assert found == whole


def test_the_last_page_has_no_token(client, several):
    assert not client.search_runs([several[0]], max_results=5).token
    assert client.search_runs([several[0]], max_results=4).token


@pytest.mark.parametrize("size", [0, -1, 50_001])
def test_search_refuses_a_page_of(api, several, size):
    api.post(f"{P}/runs/search", {"experiment_ids": [several[0]], "max_results": size}).refused("INVALID_PARAMETER_VALUE", "max_results")


@pytest.mark.parametrize("token", ["nonsense", "e30=", "\u00fc"])
def test_search_refuses_a_token_that_is_none(api, several, token):
    answer = api.post(f"{P}/runs/search", {"experiment_ids": [several[0]], "page_token": token})
    # MLflow fails on some with 500.
    assert answer.status in (400, 500)


def test_a_write_is_searched_at_once(client, experiment, run):
    for i in range(10):
        client.log_metric(run, "m", i, step=i)
        assert len(client.search_runs([experiment], f"metrics.m = {i}")) == 1
    client.set_tag(run, "t", "now")
    assert len(client.search_runs([experiment], "tags.t = 'now'")) == 1
    client.delete_tag(run, "t")
    assert client.search_runs([experiment], "tags.t = 'now'") == []


def test_several_experiments_are_searched_together(client, several, experiment, run):
    found = client.search_runs([several[0], experiment])
    assert len(found) == 6 and found[0].info.run_id == run


def test_an_unknown_experiment_has_no_runs(client):
    assert client.search_runs(["987654321"]) == []


def test_what_is_found_is_whole(client, several):
    [run] = client.search_runs([several[0]], "run_name = 'run-a'")
    assert run.to_dictionary() == client.get_run(run.info.run_id).to_dictionary()


@pytest.mark.parametrize("word", ["it's", 'say "x"', "back`tick", "100%", "under_score", "semi;colon", "ünï", "日本", "--", "a\\b", "a AND b"])
def test_any_text_can_be_looked_for(client, experiment, run, word):
    client.set_tag(run, "t", word)
    quote = '"' if "'" in word else "'"
    assert len(client.search_runs([experiment], f"tags.t = {quote}{word}{quote}")) == 1
