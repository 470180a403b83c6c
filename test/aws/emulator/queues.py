"""Compute environments, job queues, scheduling policies and consumable resources; who may start, and who waits."""

from __future__ import annotations

import jobs
from ministack.app import _resolve_port
from ministack.core.responses import get_account_id, get_region
from names import BatchError, arn_of, name_of

environments: dict[str, dict] = {}
queues: dict[str, dict] = {}
policies: dict[str, dict] = {}
consumables: dict[str, dict] = {}
_running: list = []
_waiting: list = []


def endpoint() -> str:
    return f"http://127.0.0.1:{_resolve_port()}"


# Admission ----------------------------------------------------------------------------------------------------------


def admit(job) -> bool:
    """Waits until the job's queue lets it go on; false if it was ended meanwhile. Who came first goes first."""
    with jobs.changed:
        _waiting.append(job)
        try:
            while job.terminating is None:
                place = None if job.held() or _is_behind(job) else _place(job)
                if place is not None:
                    job.environment_name = place
                    _running.append(job)
                    return True
                jobs.changed.wait()
            return False
        finally:
            _waiting.remove(job)
            jobs.changed.notify_all()


def leave(job) -> None:
    with jobs.changed:
        if job in _running:
            _running.remove(job)
        jobs.changed.notify_all()


def _is_behind(job) -> bool:
    ahead = _waiting[: _waiting.index(job)]
    return any(each.queue_name == job.queue_name and not each.held() for each in ahead)


def _place(job) -> str | None:
    """The first environment of its queue with room."""
    queue = queues.get(job.queue_name)
    if queue is None or queue["state"] != "ENABLED" or not _has_consumables(job):
        return None
    for each in sorted(queue.get("computeEnvironmentOrder") or [], key=lambda order: order.get("order", 0)):
        environment = environments.get(name_of(each["computeEnvironment"]))
        if environment is None or environment["state"] != "ENABLED" or environment["status"] != "VALID":
            continue
        limit = (environment.get("computeResources") or {}).get("maxvCpus")
        name = environment["computeEnvironmentName"]
        used = sum(other.vcpus() for other in _running if other.environment_name == name)
        if limit is None or used + job.vcpus() <= float(limit):
            return name
    return None


def _has_consumables(job) -> bool:
    for name, quantity in job.consumables().items():
        used = sum(other.consumables().get(name, 0) for other in _running)
        if name not in consumables or used + quantity > consumables[name]["totalQuantity"]:
            return False
    return True


# Compute environments -------------------------------------------------------------------------------------------------


def create_environment(asked: dict) -> dict:
    name = asked["computeEnvironmentName"]
    _must_be_new(environments, name)
    environments[name] = {
        "type": "MANAGED",
        "state": "ENABLED",
        "computeResources": {},
        "tags": {},
        "containerOrchestrationType": "ECS",
        "uuid": name,
        **asked,
        "computeEnvironmentArn": arn_of("compute-environment", name),
        "ecsClusterArn": f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/AWSBatch-{name}",
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
    }
    return {"computeEnvironmentName": name, "computeEnvironmentArn": environments[name]["computeEnvironmentArn"]}


def update_environment(asked: dict) -> dict:
    found = _known(environments, asked["computeEnvironment"])
    with jobs.changed:
        for key in ("state", "serviceRole", "unmanagedvCpus", "updatePolicy", "context"):
            if key in asked:
                found[key] = asked[key]
        found["computeResources"] = {**found["computeResources"], **(asked.get("computeResources") or {})}
        jobs.changed.notify_all()
    return {key: found[key] for key in ("computeEnvironmentName", "computeEnvironmentArn")}


def delete_environment(asked: dict) -> dict:
    name = name_of(asked["computeEnvironment"])
    found = environments.get(name)
    if found is None:
        return {}
    if found["state"] != "DISABLED":
        raise BatchError(f"Cannot delete, compute environment {name} state must be DISABLED")
    users = [each["jobQueueName"] for each in queues.values() for order in each["computeEnvironmentOrder"] if name_of(order["computeEnvironment"]) == name]
    if users:
        raise BatchError(f"Cannot delete, found existing JobQueue relationship: {users[0]}")
    del environments[name]
    return {}


# Queues -------------------------------------------------------------------------------------------------------------


def create_queue(asked: dict) -> dict:
    name = asked["jobQueueName"]
    _must_be_new(queues, name)
    for order in asked.get("computeEnvironmentOrder") or []:
        _known(environments, order["computeEnvironment"])
    queues[name] = {
        "state": "ENABLED",
        "priority": 1,
        "computeEnvironmentOrder": [],
        "tags": {},
        "jobQueueType": "ECS",
        **asked,
        "jobQueueArn": arn_of("job-queue", name),
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
    }
    return {"jobQueueName": name, "jobQueueArn": queues[name]["jobQueueArn"]}


def update_queue(asked: dict) -> dict:
    found = _known(queues, asked["jobQueue"])
    with jobs.changed:
        found.update({key: value for key, value in asked.items() if key != "jobQueue"})
        jobs.changed.notify_all()
    return {"jobQueueName": found["jobQueueName"], "jobQueueArn": found["jobQueueArn"]}


def delete_queue(asked: dict) -> dict:
    name = name_of(asked["jobQueue"])
    found = queues.get(name)
    if found is None:
        return {}
    if found["state"] != "DISABLED":
        raise BatchError(f"Cannot delete, {name} state must be DISABLED")
    for job in list(jobs.all_jobs.values()):
        if job.queue_name == name:
            job.stop("Job Queue was deleted")
    del queues[name]
    return {}


def submittable(asked: str) -> str:
    """Its name, if jobs may be put into it."""
    found = _known(queues, asked, "Job Queue")
    if found["state"] != "ENABLED":
        raise BatchError(f"JobQueue {found['jobQueueArn']} is not in ENABLED state")
    return found["jobQueueName"]


# Policies and consumable resources --------------------------------------------------------------------------------------


def create_policy(asked: dict) -> dict:
    _must_be_new(policies, asked["name"])
    policies[asked["name"]] = {"tags": {}, **asked, "arn": arn_of("scheduling-policy", asked["name"])}
    return {"name": asked["name"], "arn": policies[asked["name"]]["arn"]}


def update_policy(asked: dict) -> dict:
    _known(policies, asked["arn"]).update({key: value for key, value in asked.items() if key != "arn"})
    return {}


def delete_policy(asked: dict) -> dict:
    policies.pop(name_of(asked["arn"]), None)
    return {}


def create_consumable(asked: dict) -> dict:
    name = asked["consumableResourceName"]
    _must_be_new(consumables, name)
    consumables[name] = {
        "resourceType": "REPLENISHABLE",
        "totalQuantity": 0,
        **asked,
        "consumableResourceArn": arn_of("consumable-resource", name),
        "createdAt": jobs.now_ms(),
    }
    return {"consumableResourceName": name, "consumableResourceArn": consumables[name]["consumableResourceArn"]}


def update_consumable(asked: dict) -> dict:
    found = _known(consumables, asked["consumableResource"])
    with jobs.changed:
        sign = {"SET": 0, "ADD": 1, "REMOVE": -1}[asked.get("operation", "SET")]
        quantity = int(asked.get("quantity", 0))
        found["totalQuantity"] = quantity if sign == 0 else found["totalQuantity"] + sign * quantity
        jobs.changed.notify_all()
    return describe_consumable(asked)


def delete_consumable(asked: dict) -> dict:
    consumables.pop(name_of(asked["consumableResource"]), None)
    return {}


def describe_consumable(asked: dict) -> dict:
    found = _known(consumables, asked["consumableResource"])
    used = sum(job.consumables().get(found["consumableResourceName"], 0) for job in _running)
    return {**found, "inUseQuantity": used, "availableQuantity": found["totalQuantity"] - used}


def some(kept: dict[str, dict], asked: list[str] | None) -> list[dict]:
    """Those named by name or ARN; all where none is. Unknown names are left out."""
    names = list(kept) if not asked else [name_of(each) for each in asked]
    return [kept[name] for name in names if name in kept]


def _must_be_new(kept: dict[str, dict], name: str) -> None:
    if name in kept:
        raise BatchError("Object already exists", 409)


def _known(kept: dict[str, dict], asked: str, what: str = "Object") -> dict:
    found = kept.get(name_of(asked))
    if found is None:
        raise BatchError(f"{asked} does not exist" if what == "Object" else f"{what} {asked} does not exist")
    return found
