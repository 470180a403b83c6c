"""Job definitions, and what a submission makes of one: tasks with the overrides applied."""

from __future__ import annotations

import copy
import re

from names import BatchError, arn_of, name_of

_revisions: dict[str, list[dict]] = {}


def register(asked: dict) -> dict:
    name = asked.get("jobDefinitionName", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name):
        raise BatchError(f"jobDefinitionName {name} is not valid")
    kinds = [each for each in ("containerProperties", "ecsProperties", "nodeProperties", "eksProperties") if asked.get(each)]
    if len(kinds) != 1:
        raise BatchError("exactly one of containerProperties, ecsProperties, nodeProperties must be given")
    for task in _tasks(asked):
        _check_task(task)
    revisions = _revisions.setdefault(name, [])
    number = len(revisions) + 1
    revisions.append({"tags": {}, **asked, "revision": number, "status": "ACTIVE", "jobDefinitionArn": arn_of("job-definition", f"{name}:{number}")})
    return {key: revisions[-1][key] for key in ("jobDefinitionName", "jobDefinitionArn", "revision")}


def deregister(asked: dict) -> dict:
    _find(asked["jobDefinition"])["status"] = "INACTIVE"
    return {}


def describe(asked: dict) -> dict:
    if asked.get("jobDefinitions"):
        found = [each for each in map(_find_or_none, asked["jobDefinitions"]) if each is not None]
    else:
        names = [asked["jobDefinitionName"]] if asked.get("jobDefinitionName") else list(_revisions)
        found = [each for name in names for each in reversed(_revisions.get(name, []))]
    status = asked.get("status")
    return {"jobDefinitions": [each for each in found if status is None or each["status"] == status]}


def active(reference: str) -> dict:
    found = _find(reference)
    if found["status"] != "ACTIVE":
        raise BatchError(f"Job Definition {reference} is not ACTIVE")
    return found


def task_of(definition: dict, request: dict) -> dict:
    """The one task of a job, overrides applied."""
    if "containerProperties" in definition:
        container = _override(definition["containerProperties"], request.get("containerOverrides"))
        return _substitute({"containers": [{**container, "essential": True}], "volumes": container.get("volumes")}, request)
    overrides = (request.get("ecsPropertiesOverride") or {}).get("taskProperties") or []
    return _substitute(_override_task(definition["ecsProperties"]["taskProperties"][0], overrides), request)


def nodes_of(definition: dict, request: dict) -> tuple[list[dict], int]:
    """The task of each node, and the main node's index."""
    properties = definition["nodeProperties"]
    asked = request.get("nodeOverrides") or {}
    count = int(asked.get("numNodes") or properties["numNodes"])
    nodes = []
    for index in range(count):
        group = _covering(properties["nodeRangeProperties"], index, count)
        overrides = _covering(asked.get("nodePropertyOverrides") or [], index, count) or {}
        if group is None:
            raise BatchError(f"no node range covers node {index}")
        if "ecsProperties" in group:
            changes = (overrides.get("ecsPropertiesOverride") or {}).get("taskProperties") or []
            task = _override_task(group["ecsProperties"]["taskProperties"][0], changes)
        else:
            container = _override(group["container"], overrides.get("containerOverrides"))
            task = {"containers": [{**container, "essential": True}], "volumes": container.get("volumes")}
        nodes.append(_substitute(task, request))
    return nodes, int(properties.get("mainNode", 0))


def _covering(ranges: list[dict], index: int, count: int) -> dict | None:
    for each in ranges:
        first, _, last = each["targetNodes"].partition(":")
        end = int(last) if last else (count - 1 if ":" in each["targetNodes"] else int(first))
        if int(first or 0) <= index <= end:
            return each
    return None


def _override_task(task: dict, overrides: list[dict]) -> dict:
    changes = {each.get("name"): each for override in overrides[:1] for each in override.get("containers") or []}
    unknown = set(changes) - {each.get("name") for each in task["containers"]}
    if unknown:
        raise BatchError(f"Container {sorted(map(str, unknown))[0]} in override does not exist in the job definition")
    return {**task, "containers": [_override(each, changes.get(each.get("name"))) for each in task["containers"]]}


def _override(container: dict, change: dict | None) -> dict:
    if not change:
        return copy.deepcopy(container)
    made = copy.deepcopy(container)
    if change.get("command"):
        made["command"] = change["command"]
    for field, key in (("environment", "name"), ("resourceRequirements", "type")):
        if change.get(field):
            named = {each[key]: each for each in [*(made.get(field) or []), *change[field]]}
            made[field] = list(named.values())
    return made


def _substitute(task: dict, request: dict) -> dict:
    given = request.get("parameters") or {}

    def word(text: str) -> str:
        return re.sub(r"Ref::(\w+)", lambda match: given.get(match.group(1), match.group()), text)

    containers = [{**each, "command": [word(text) for text in each.get("command") or []]} for each in task["containers"]]
    return {**task, "containers": containers}


def _tasks(asked: dict) -> list[dict]:
    if asked.get("ecsProperties"):
        return asked["ecsProperties"]["taskProperties"]
    if asked.get("nodeProperties"):
        groups = asked["nodeProperties"]["nodeRangeProperties"]
        return [each["ecsProperties"]["taskProperties"][0] for each in groups if each.get("ecsProperties")]
    return []


def _check_task(task: dict) -> None:
    """What Batch and ECS refuse, as far as we could get it wrong."""
    containers = task.get("containers") or []
    if not 1 <= len(containers) <= 10:
        raise BatchError("a task has 1 to 10 containers")
    by_name = {each.get("name"): each for each in containers}
    if len(by_name) != len(containers) or None in by_name:
        raise BatchError("containers of a task need different names")
    if not any(each.get("essential", True) for each in containers):
        raise BatchError("at least one container must be essential")
    volumes = {each.get("name") for each in task.get("volumes") or []}
    for each in containers:
        kinds = {need["type"] for need in each.get("resourceRequirements") or []}
        if not {"VCPU", "MEMORY"} <= kinds:
            raise BatchError(f"container {each['name']} needs resourceRequirements VCPU and MEMORY")
        if "entryPoint" in each:
            raise BatchError("unknown field entryPoint")
        for mount in each.get("mountPoints") or []:
            if mount.get("sourceVolume") not in volumes:
                raise BatchError(f"mountPoint of unknown volume {mount.get('sourceVolume')}")
        for on in each.get("dependsOn") or []:
            target = by_name.get(on.get("containerName"))
            if target is None or on.get("condition") not in ("START", "COMPLETE", "SUCCESS"):
                raise BatchError(f"container {each['name']} depends on what is not there")
            if on["condition"] != "START" and target.get("essential", True):
                raise BatchError(f"condition {on['condition']} cannot name the essential container {target['name']}")
    _check_order(by_name)


def _check_order(by_name: dict[str, dict]) -> None:
    done: set[str] = set()
    while len(done) < len(by_name):
        ready = [name for name, each in by_name.items() if name not in done and all(on["containerName"] in done for on in each.get("dependsOn") or [])]
        if not ready:
            raise BatchError("containers depend on each other in a circle")
        done.update(ready)


def _find(reference: str) -> dict:
    found = _find_or_none(reference)
    if found is None:
        raise BatchError(f"Job Definition {reference} does not exist")
    return found


def _find_or_none(reference: str) -> dict | None:
    name, _, number = name_of(reference).partition(":")
    revisions = _revisions.get(name, [])
    if number:
        return revisions[int(number) - 1] if 1 <= int(number) <= len(revisions) else None
    return next((each for each in reversed(revisions) if each["status"] == "ACTIVE"), None)
