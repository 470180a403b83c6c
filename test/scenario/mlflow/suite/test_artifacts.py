"""The artifact proxy: bytes up and down, ranges, lists, deletion, parts, and paths that climb."""

import hashlib
import os
import re

import mlflow
import pytest
import requests
from wire import A, P, fresh

F = f"{A}/artifacts"


@pytest.fixture
def folder():
    return fresh("folder")


def put(api, path, data=b"bytes", **more):
    return api.send("PUT", f"{F}/{path}", data=data, **more)


@pytest.mark.parametrize("size", [0, 1, 1000, 1_048_576, 3_000_001])
def test_bytes_come_back(api, folder, size):
    data = os.urandom(size)
    assert put(api, f"{folder}/a.bin", data).status == 200
    back = api.get(f"{F}/{folder}/a.bin")
    assert (back.status, len(back.bytes)) == (200, size) and back.bytes == data


def test_a_file_is_replaced(api, folder):
    put(api, f"{folder}/a.txt", b"one")
    put(api, f"{folder}/a.txt", b"two!")
    assert api.get(f"{F}/{folder}/a.txt").bytes == b"two!"


@pytest.mark.parametrize("name", ["plain.txt", "a b.txt", "ünï.txt", "日本.bin", "a+b.txt", "a&b=c.txt", "(1)[2]{3}.txt", "quote'.txt", ".hidden", "no-end", "a,b;c.txt", "~x.txt", "x" * 200])
def test_names(api, client, run, tmp_path, name):
    (tmp_path / name).write_text(name)
    client.log_artifact(run, str(tmp_path / name), "sub dir")
    assert [f.path for f in client.list_artifacts(run, "sub dir")] == [f"sub dir/{name}"]
    back = client.download_artifacts(run, f"sub dir/{name}", str(tmp_path))
    assert open(back, encoding="utf-8").read() == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain"),
        ("a.json", "text/plain"),
        ("a.png", "image/png"),
        ("a.pdf", "application/pdf"),
        ("a.csv", "text/plain"),
        ("a.pkl", "application/octet-stream"),
        ("a.bin", "application/octet-stream"),
        ("noend", "application/octet-stream"),
        ("MLmodel", "text/plain"),
        ("mlproject", "text/plain"),
        ("conda.yaml", "text/plain"),
        ("a.py", "text/plain"),
        ("a.md", "text/plain"),
        ("a.js", "text/plain"),
        ("a.xml", "text/plain"),
        ("a.html", "text/html"),
        ("a.svg", "image/svg+xml"),
    ],
)
def test_downloads_are_never_shown_in_place(api, folder, name, kind):
    put(api, f"{folder}/{name}", b"<script>alert(1)</script>")
    back = api.get(f"{F}/{folder}/{name}")
    assert back.headers["Content-Type"].startswith(kind)
    assert back.headers["Content-Disposition"].startswith("attachment")
    assert name in back.headers["Content-Disposition"]
    assert back.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=90-", 90, 100), ("bytes=-10", 90, 100), ("bytes=95-500", 95, 100), ("bytes=0-", 0, 100)],
)
def test_ranges(api, folder, asked, start, end):
    data = bytes(range(100))
    put(api, f"{folder}/a.bin", data)
    back = api.get(f"{F}/{folder}/a.bin", headers={"Range": asked})
    assert back.bytes == data[start:end]
    if back.status == 206:
        assert back.headers["Content-Range"] == f"bytes {start}-{end - 1}/100"
    else:
        assert (back.status, end - start) == (200, 100)


def test_a_range_past_the_end_is_416(api, folder):
    put(api, f"{folder}/a.bin", b"short")
    assert api.get(f"{F}/{folder}/a.bin", headers={"Range": "bytes=100-200"}).status == 416


def test_an_absent_file_is_told(api, folder):
    api.get(f"{F}/{folder}/none.txt").refused("RESOURCE_DOES_NOT_EXIST", "No such artifact:", status=404)


def test_lists_name_what_is_directly_below(api, folder):
    for path in ["b.txt", "a/x.txt", "a/deep/y.txt", "c.txt"]:
        put(api, f"{folder}/{path}", path.encode())
    listed = api.get(F, {"path": folder}).ok()["files"]
    assert sorted((f["path"], f["is_dir"], f.get("file_size", 0)) for f in listed) == [("a", True, 0), ("b.txt", False, 5), ("c.txt", False, 5)]
    assert [f["path"] for f in api.get(F, {"path": f"{folder}/a/deep"}).ok()["files"]] == ["y.txt"]


def test_a_file_and_a_folder_are_deleted(api, folder):
    for path in ["a/x.txt", "a/y.txt", "b.txt"]:
        put(api, f"{folder}/{path}")
    assert api.send("DELETE", f"{F}/{folder}/b.txt").ok() == {}
    assert api.get(f"{F}/{folder}/b.txt").status == 404
    assert api.send("DELETE", f"{F}/{folder}/a").ok() == {}
    assert api.get(f"{F}/{folder}/a/x.txt").status == 404
    assert api.get(F, {"path": f"{folder}/a"}).ok() == {}


def test_deletion_of_what_is_not_there_is_fine(api, folder):
    assert api.send("DELETE", f"{F}/{folder}/none").status in (200, 404)


CLIMBING = ["..", "../x", "a/../../x", "..%2fx", "%2e%2e/x", "%2e%2e%2fx", "%252e%252e/x", "%252e%252e%252fx", "a/%2e%2e/%2e%2e/x", "..%5cx", "a%5c..%5cx", "%2fetc/passwd", "a%23b", "C:%5cx", "%5c%5chost%5cx"]


@pytest.mark.parametrize("path", CLIMBING)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_paths_that_climb_are_refused(api, method, path):
    request = requests.Request(method, "http://x", data=b"x" if method == "PUT" else None, headers=dict(api.session.headers))
    prepared = request.prepare()
    prepared.url = f"{api.uri}{F}/{path}"
    answer = api.session.send(prepared)
    # To MLflow a backslash is a letter like others; and it deletes what is not there.
    is_fine = (400, 404, 405, 200) if "%5c" in path or method == "DELETE" else (400, 404, 405)
    assert answer.status_code in is_fine, answer.text
    assert b"root:" not in answer.content


@pytest.mark.parametrize("path", ["..", "../x", "a/../../x", "/etc", "%2e%2e/x", "a#b", "%252e%252e"])
def test_lists_that_climb_are_refused(api, run, path):
    api.get(F, {"path": path}).refused("INVALID_PARAMETER_VALUE", "Invalid path")
    api.get(f"{P}/artifacts/list", {"run_id": run, "path": path}).refused("INVALID_PARAMETER_VALUE", "Invalid path")


def test_artifacts_of_a_run_are_listed_relative_to_its_root(client, api, run, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("12345")
    (tmp_path / "b.txt").write_text("1")
    client.log_artifacts(run, str(tmp_path), "top")
    listed = api.get(f"{P}/artifacts/list", {"run_id": run}).ok()
    assert listed == {"root_uri": client.get_run(run).info.artifact_uri, "files": [{"path": "top", "is_dir": True}]}
    below = api.get(f"{P}/artifacts/list", {"run_id": run, "path": "top"}).ok()["files"]
    assert sorted((f["path"], f["is_dir"], f.get("file_size")) for f in below) == [("top/a", True, None), ("top/b.txt", False, 1)]
    assert api.get(f"{P}/artifacts/list", {"run_id": run, "path": "none"}).ok().get("files", []) == []
    assert [f.path for f in client.list_artifacts(run, "top/a")] == ["top/a/x.txt"]


def test_a_folder_comes_down_whole(client, run, tmp_path):
    for path in ["up/a/b/c.txt", "up/a/d.txt", "up/e.txt"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    client.log_artifacts(run, str(tmp_path / "up"))
    down = mlflow.artifacts.download_artifacts(run_id=run, dst_path=str(tmp_path / "down"))
    found = sorted(os.path.relpath(os.path.join(base, name), down) for base, _, names in os.walk(down) for name in names)
    assert found == ["a/b/c.txt", "a/d.txt", "e.txt"]


def test_what_is_not_there_cannot_be_downloaded(client, run):
    with pytest.raises(Exception, match="none.txt|404|No such"):
        client.download_artifacts(run, "none.txt")


def test_the_page_reads_a_file_of_a_run(client, api, run):
    path = "/get-artifact"
    client.log_text(run, "<b>hello</b>", "sub/a.html")
    back = api.get(path, {"run_id": run, "path": "sub/a.html"})
    assert (back.status, back.text) == (200, "<b>hello</b>")
    assert back.headers["Content-Disposition"].startswith("attachment")
    assert back.headers["X-Content-Type-Options"] == "nosniff"
    api.get(path, {"run_id": run, "path": "../x"}).refused("INVALID_PARAMETER_VALUE", "Invalid path")
    assert api.get(path, {"run_id": run, "path": "none"}).status in (404, 500)


def test_the_page_reads_a_file_of_a_version(client, api, model, run):
    path = "/model-versions/get-artifact"
    client.log_text(run, "hello", "m/a.txt")
    client.create_model_version(model, client.get_run(run).info.artifact_uri + "/m", run_id=run)
    back = api.get(path, {"name": model, "version": "1", "path": "a.txt"})
    assert (back.status, back.text) == (200, "hello")
    api.get(path, {"name": model, "version": "1", "path": "../x"}).refused("INVALID_PARAMETER_VALUE", "Invalid path")
    assert api.get(path, {"name": model, "version": "9", "path": "a.txt"}).status == 404


def test_the_page_writes_a_file_of_a_run(client, api, run):
    upload = "/ajax-api/2.0/mlflow/upload-artifact"
    assert api.send("POST", upload, params={"run_uuid": run, "path": "up/a.txt"}, data=b"hello").status == 200
    assert mlflow.artifacts.load_text(f"runs:/{run}/up/a.txt") == "hello"
    api.send("POST", upload, params={"path": "a.txt"}, data=b"x").refused("INVALID_PARAMETER_VALUE", "Request must specify run_uuid.")
    api.send("POST", upload, params={"run_uuid": run}, data=b"x").refused("INVALID_PARAMETER_VALUE", "Request must specify path.")
    api.send("POST", upload, params={"run_uuid": run, "path": "../x"}, data=b"x").refused("INVALID_PARAMETER_VALUE", "Invalid path")
    too_large = api.send("POST", upload, params={"run_uuid": run, "path": "a.txt"}, data=b"x" * (10 * 1024 * 1024 + 1))
    too_large.refused("INVALID_PARAMETER_VALUE", "Artifact size is too large. Max size is 10MB.")


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_presigned_addresses_are_refused_where_there_are_none(api, run, direction):
    answer = api.post(f"{P}/artifacts/presigned-{direction}-url", {"run_id": run, "path": "a.txt"})
    answer.refused(("NOT_IMPLEMENTED", "INVALID_PARAMETER_VALUE"), status=(400, 501))


def test_a_presigned_download_is_refused_where_there_is_none(api, folder):
    put(api, f"{folder}/a.txt")
    api.get(f"{A}/presigned/{folder}/a.txt").refused("NOT_IMPLEMENTED", status=501)


def test_parts_become_one_file_or_are_refused(api, folder):
    made = api.post(f"{A}/mpu/create/{folder}", {"path": "big.bin", "num_parts": 2})
    if made.status == 501:
        # MLflow on a local disk; its client then sends the file in one piece.
        assert made.json["message"].startswith("Multipart upload is not supported")
        return
    made = made.ok()
    assert [c["part_number"] for c in made["credentials"]] == [1, 2]
    chunks = [os.urandom(5 * 1024 * 1024), os.urandom(1000)]
    parts = []
    for credential, chunk in zip(made["credentials"], chunks):
        answer = requests.put(credential["url"], data=chunk, headers=credential.get("headers", {}))
        assert answer.status_code == 200
        parts.append({"part_number": credential["part_number"], "etag": answer.headers["ETag"], "url": credential["url"]})
    api.post(f"{A}/mpu/complete/{folder}", {"path": "big.bin", "upload_id": made["upload_id"], "parts": parts}).ok()
    back = api.get(f"{F}/{folder}/big.bin").bytes
    assert hashlib.sha256(back).digest() == hashlib.sha256(b"".join(chunks)).digest()


def test_an_aborted_upload_leaves_nothing(api, folder):
    made = api.post(f"{A}/mpu/create/{folder}", {"path": "big.bin", "num_parts": 1})
    if made.status == 501:
        return
    api.post(f"{A}/mpu/abort/{folder}", {"path": "big.bin", "upload_id": made.json["upload_id"]}).ok()
    assert api.get(f"{F}/{folder}/big.bin").status == 404


def test_the_client_sends_a_large_file_in_parts(client, run, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(5 * 1024 * 1024))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * 1024 * 1024))
    data = os.urandom(11 * 1024 * 1024)
    (tmp_path / "big.bin").write_bytes(data)
    client.log_artifact(run, str(tmp_path / "big.bin"))
    back = client.download_artifacts(run, "big.bin", str(tmp_path / "down"))
    assert open(back, "rb").read() == data


def test_ids_in_messages_are_not_markup(api):
    answer = api.get(f"{F}/<script>alert(1)</script>.txt")
    assert "text/html" not in answer.headers.get("Content-Type", "")
    assert re.search(r"json", answer.headers["Content-Type"])
