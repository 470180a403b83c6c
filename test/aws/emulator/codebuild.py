"""CodeBuild that really builds: what a build context would install becomes a Python prefix of this machine, and an image record in the emulator's ECR."""

from __future__ import annotations

import contextvars
import hashlib
import io
import json
import os
import re
import subprocess
import threading
import time
import zipfile
from pathlib import Path

import images
import processes
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import codebuild, ecr, eventbridge, s3
from ministack.services.cloudformation import provisioners

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("TRAINYARD_EMULATOR_CACHE", ROOT / "node_modules" / ".cache" / "images"))
TOKEN_SEC = 300

# `repository@digest` and `repository:tag` -> {prefix}; what Batch's containers then find first on PATH.
_built: dict[str, dict] = {}
# Idempotency token -> when, what was asked, id of the build.
_tokens: dict[str, tuple[float, dict, str]] = {}


def install(_app) -> None:
    codebuild._start_build = _start_build
    ecr._get_download_url_for_layer = _download_url
    delete_images = ecr._batch_delete_image
    ecr._batch_delete_image = lambda asked: delete_images(_without_tags(asked))
    images.register(_built.get)
    stub = {"create": lambda logical_id, props, stack: (provisioners._physical_name(stack, logical_id), {}), "delete": lambda *_: None}
    provisioners._RESOURCE_HANDLERS.update(
        {"AWS::ECR::PullThroughCacheRule": stub, "AWS::ECR::RepositoryCreationTemplate": stub}
    )


def _without_tags(asked: dict) -> dict:
    """A tag that isn't an image's last is all that goes by its name."""
    left = []
    for image_id in asked.get("imageIds", []):
        tag = image_id.get("imageTag") if "imageDigest" not in image_id else None
        image = next((each for each in ecr._images.get(asked.get("repositoryName"), []) if tag in each["imageTags"]), None)
        if image is None or len(image["imageTags"]) == 1:
            left.append(image_id)
        else:
            image["imageTags"].remove(tag)
            image["imageId"]["imageTag"] = image["imageTags"][-1]
    return {**asked, "imageIds": left}


def _download_url(asked: dict):
    """ECR's addresses of layers lead to a bucket; here to the registry, which is at hand."""
    name, digest = asked.get("repositoryName", ""), asked.get("layerDigest", "")
    port = os.environ.get("GATEWAY_PORT", "4566")
    url = f"http://127.0.0.1:{port}/v2/{name}/blobs/{digest}"
    return json_response({"downloadUrl": url, "layerDigest": digest})


def _start_build(asked: dict):
    project = codebuild._projects.get(asked.get("projectName", ""))
    if project is None:
        return error_response_json("ResourceNotFoundException", f"Project not found: {asked.get('projectName')}", 400)
    token = asked.get("idempotencyToken")
    at, before, known = _tokens.get(token, (0.0, {}, ""))
    if token is not None and time.time() - at < TOKEN_SEC:
        if before != asked:
            return error_response_json("InvalidInputException", "Parameter mismatch for the idempotency token", 400)
        return json_response({"build": codebuild._builds[known]})
    build = codebuild._make_build_record(project, codebuild._build_id(project["name"]))
    build.pop("endTime")
    build.update(buildStatus="IN_PROGRESS", currentPhase="SUBMITTED", phases=[])
    codebuild._builds[build["id"]] = build
    if token is not None:
        _tokens[token] = (time.time(), asked, build["id"])
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(_run, build, asked), daemon=True).start()
    return json_response({"build": build})


def _run(build: dict, asked: dict) -> None:
    emit = codebuild._log_sink(build)
    phases = (("DOWNLOAD_SOURCE", _download), ("BUILD", _build), ("POST_BUILD", _push))
    work: dict = {"asked": asked, "emit": emit, "label": build["id"]}
    _announce(build)
    for name, phase in phases:
        build["currentPhase"] = name
        started = int(time.time())
        record = {"phaseType": name, "startTime": started}
        build["phases"].append(record)
        try:
            phase(work)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the build's failure
            emit(f"Command did not exit successfully: {error}")
            record |= {"phaseStatus": "FAILED", "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": str(error)}]}
            return _end(build, "FAILED")
        record |= {"phaseStatus": "SUCCEEDED", "endTime": int(time.time())}
        emit(f"Phase complete: {name} State: SUCCEEDED")
    return _end(build, "SUCCEEDED")


def _end(build: dict, status: str) -> None:
    # A stopped build stays stopped.
    if build["buildStatus"] == "IN_PROGRESS":
        build.update(buildStatus=status, currentPhase="COMPLETED", endTime=int(time.time()))
    _announce(build)


def _announce(build: dict) -> None:
    detail = {"build-status": build["buildStatus"], "project-name": build["projectName"], "build-id": build["arn"]}
    entry = {
        "Source": "aws.codebuild",
        "DetailType": "CodeBuild Build State Change",
        "Detail": json.dumps(detail),
        "Resources": [build["arn"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _download(work: dict) -> None:
    bucket, _, key = work["asked"]["sourceLocationOverride"].partition("/")
    data = s3._get_object_data(bucket, key)
    if data is None:
        raise FileNotFoundError(f"{bucket}/{key} is not there")
    work["source"] = zipfile.ZipFile(io.BytesIO(data))


def _build(work: dict) -> None:
    source, emit = work["source"], work["emit"]
    dockerfile = source.read("Dockerfile").decode()
    for line in dockerfile.splitlines():
        emit(f"#0 {line}")
    _keep_base(work, dockerfile)
    _keep_program(work, dockerfile)
    python, wanted = _wanted(source, dockerfile)
    work["config"] = {"config": {"Entrypoint": None, "User": "root"}, "asked": hashlib.sha256(dockerfile.encode()).hexdigest()}
    if wanted is None:
        return
    work["made"]["prefix"] = work["config"]["prefix"] = _install(python, wanted, work)


def _keep_base(work: dict, dockerfile: str) -> None:
    """An image that is built upon one of ours has what that one has."""
    base = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)[-1]
    work["made"] = dict(_built.get(base, {}))


def _keep_program(work: dict, dockerfile: str) -> None:
    """A program of the build context that becomes the entry point: its copy here, run by the Node that is here."""
    entry = re.search(r"^ENTRYPOINT (\[.+\])$", dockerfile, re.MULTILINE)
    copied = re.search(r"^COPY \. (\S+)$", dockerfile, re.MULTILINE)
    if entry is None or copied is None:
        return
    folder = Path(os.environ["TRAINYARD_EMULATOR_DIR"]) / "programs" / hashlib.sha256(dockerfile.encode()).hexdigest()[:16]
    work["source"].extractall(folder)
    words = json.loads(entry.group(1))
    node = next(at for at, word in enumerate(words) if word.endswith("/node/node"))
    program = [word.replace(copied.group(1), str(folder / "context")) for word in words[node + 1 :]]
    work["made"]["entrypoint"] = ["node", *program]


def _wanted(source: zipfile.ZipFile, dockerfile: str) -> tuple[str | None, list[str] | None]:
    """Python and its packages, as far as a build context says which; no packages: the image brings its own."""
    names = source.namelist()
    python = re.search(r"^FROM \S*python:(\d\.\d+)", dockerfile, re.MULTILINE)
    version = python.group(1) if python else None
    if "context/environment.yml" in names:
        return _conda(json.loads(source.read("context/environment.yml")))
    found = [line for command in re.findall(r"^RUN .*?pip install (.*)$", dockerfile, re.MULTILINE) for line in command.split()]
    packages = [word for word in found if not word.startswith("-") and "/" not in word and "\\" not in word]
    if "context/requirements.txt" in names and "requirements.txt" in dockerfile:
        packages += source.read("context/requirements.txt").decode().split("\n")
    lines = [line.strip() for line in packages if line.strip() and line.strip() != "uv"]
    return version, lines or None


def _conda(file: dict) -> tuple[str | None, list[str]]:
    version, lines = None, []
    for dependency in file["dependencies"]:
        if isinstance(dependency, dict):
            lines += dependency["pip"]
        elif dependency.startswith("python="):
            version = dependency.removeprefix("python=")
        elif dependency != "pip":
            lines.append(re.sub(r"^([\w.-]+)=([\d.]+)$", _pin, dependency))
    return version, lines


def _pin(found: re.Match) -> str:
    """conda's `=1.5` is any release of that line."""
    name, version = found.groups()
    return f"{name}=={version}" if version.count(".") >= 2 else f"{name}=={version}.*"


def _install(python: str | None, requirements: list[str], work: dict) -> str:
    """The laptop's builder makes the prefix, and finds it again when it is asked for again."""
    CACHE.mkdir(parents=True, exist_ok=True)
    spec = {"kind": "python", "requirements": requirements, "relax_pins": True, "label": work["label"]}
    if python is not None:
        spec["python"] = python
    child = subprocess.Popen(
        ["node", str(ROOT / "src" / "runner" / "main.ts"), "build-environment"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=processes.die_with_parent,
    )
    child.stdin.write(json.dumps({"spec": spec, "cacheDir": str(CACHE)}).encode())
    child.stdin.close()
    told: dict = {}
    for line in child.stdout:
        told = json.loads(line)
        for text in told.get("log", "").splitlines():
            work["emit"](text)
    child.wait()
    if "result" not in told:
        raise RuntimeError(told.get("error", {}).get("message", f"the builder ended with {child.returncode}"))
    return told["result"]["ref"].removeprefix("python:")


def _push(work: dict) -> None:
    variables = {each["name"]: each["value"] for each in work["asked"].get("environmentVariablesOverride", [])}
    host, _, rest = variables["IMAGE"].partition("/")
    repository, _, tag = rest.rpartition(":")
    if host != f"{get_account_id()}.dkr.ecr.{get_region()}.amazonaws.com" or repository not in ecr._repositories:
        raise RuntimeError(f"name unknown: The repository with name '{repository}' does not exist in the registry")
    config = json.dumps(work["config"]).encode()
    config_digest = ecr._image_digest(config)
    ecr._layer_blobs.setdefault(repository, {})[config_digest] = config
    media = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": media, "config": {"digest": config_digest}, "layers": []})
    ecr._put_image(
        {"repositoryName": repository, "imageTag": tag, "imageManifest": manifest, "imageManifestMediaType": media}
    )
    digest = ecr._image_digest(manifest)
    _built[f"{host}/{repository}@{digest}"] = _built[f"{host}/{repository}:{tag}"] = work["made"]
    work["emit"](f"{tag}: digest: {digest}")
