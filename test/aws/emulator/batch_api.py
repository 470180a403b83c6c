"""AWS Batch, in place of the emulator's, whose jobs succeed without having run."""

from __future__ import annotations

import json

import definitions
import jobs
import proxy
import queues
from families import ArrayJob, MultiNodeJob
from jobs import Job
from ministack.services import batch as stub
from names import BatchError, name_of

JSON = {"Content-Type": "application/json"}


def install(_app) -> None:
    proxy.start()
    stub.handle_request = handle_request


async def handle_request(method: str, path: str, _headers: dict, body: bytes, query: dict):
    try:
        if path.startswith("/v1/tags/"):
            return _answer(_tags(method, path.removeprefix("/v1/tags/"), body, query))
        call = _CALLS.get(path.rstrip("/").lower().removeprefix("/v1/"))
        if method != "POST" or call is None:
            raise BatchError(f"the emulated Batch has no {method} {path}", 404)
        return _answer(call(json.loads(body or b"{}")))
    except BatchError as error:
        text = json.dumps({"message": str(error)}).encode()
        return error.status, {**JSON, "x-amzn-errortype": "ClientException"}, text
    except KeyError as error:
        text = json.dumps({"message": f"{error} is missing"}).encode()
        return 400, {**JSON, "x-amzn-errortype": "ClientException"}, text


def submit(asked: dict) -> dict:
    asked["jobQueue"] = queues.submittable(asked["jobQueue"])
    definition = definitions.active(asked["jobDefinition"])
    if "nodeProperties" in definition:
        job: Job = MultiNodeJob(asked, definition, *definitions.nodes_of(definition, asked))
    elif asked.get("arrayProperties"):
        job = ArrayJob(asked, definition, definitions.task_of(definition, asked), int(asked["arrayProperties"]["size"]))
    else:
        job = Job(asked, definition, definitions.task_of(definition, asked))
    job.start()
    return {"jobId": job.id, "jobName": job.name, "jobArn": job.arn}


def describe_jobs(asked: dict) -> dict:
    found = [jobs.all_jobs.get(name_of(each)) for each in asked.get("jobs") or []]
    return {"jobs": [each.describe() for each in found if each is not None]}


def list_jobs(asked: dict) -> dict:
    """Of a queue, by status (RUNNING unless told, as Batch does), of an array or of nodes; newest first."""
    family = asked.get("arrayJobId") or asked.get("multiNodeJobId")
    if family is not None:
        found = list(jobs.all_jobs[family].children) if family in jobs.all_jobs else []
    else:
        name = name_of(asked["jobQueue"])
        found = [each for each in jobs.all_jobs.values() if each.queue_name == name and not set(each.id) & set(":#")]
    filters = {each["name"]: each["values"] for each in asked.get("filters") or []}
    if "JOB_NAME" in filters:
        found = [each for each in found if any(each.name.lower() == value.lower().rstrip("*") or (value.endswith("*") and each.name.lower().startswith(value[:-1].lower())) for value in filters["JOB_NAME"])]
    elif not filters:
        status = asked.get("jobStatus", "RUNNING")
        found = [each for each in found if each.status == status]
    kept = ("jobId", "jobArn", "jobName", "status", "statusReason", "createdAt", "startedAt", "stoppedAt", "jobDefinition")
    summaries = [{key: value for key, value in each.describe().items() if key in kept} for each in reversed(found)]
    start = int(asked.get("nextToken") or 0)
    size = int(asked.get("maxResults") or 100)
    following = {"nextToken": str(start + size)} if start + size < len(summaries) else {}
    return {"jobSummaryList": summaries[start : start + size], **following}


def _stop(terminated: bool):
    def stop(asked: dict) -> dict:
        job = jobs.all_jobs.get(name_of(asked["jobId"]))
        if not asked.get("reason"):
            raise BatchError("reason must be given")
        if job is not None:
            job.stop(asked["reason"], terminated)
        return {}

    return stop


def _snapshot(asked: dict) -> dict:
    name = queues.submittable(asked["jobQueue"])
    waiting = [each for each in jobs.all_jobs.values() if each.queue_name == name and each.status == "RUNNABLE"]
    front = [{"jobArn": each.arn, "earliestTimeAtPosition": each.created_at} for each in waiting[:100]]
    return {"frontOfQueue": {"jobs": front, "lastUpdatedAt": jobs.now_ms()}}


def _tags(method: str, arn: str, body: bytes, query: dict) -> dict:
    kept = {
        each[key]: each["tags"]
        for key, all_of in (
            ("computeEnvironmentArn", queues.environments),
            ("jobQueueArn", queues.queues),
            ("arn", queues.policies),
        )
        for each in all_of.values()
    }
    tags = kept.get(arn, {})
    if method == "POST":
        tags.update(json.loads(body)["tags"])
    elif method == "DELETE":
        for key in query.get("tagKeys", []):
            tags.pop(key, None)
    return {"tags": tags} if method == "GET" else {}


def _answer(told: dict):
    # The emulator adds to the headers it is given.
    return 200, {**JSON}, json.dumps(told).encode()


_CALLS = {
    "submitjob": submit,
    "describejobs": describe_jobs,
    "listjobs": list_jobs,
    "terminatejob": _stop(terminated=True),
    "canceljob": _stop(terminated=False),
    "getjobqueuesnapshot": _snapshot,
    "registerjobdefinition": definitions.register,
    "deregisterjobdefinition": definitions.deregister,
    "describejobdefinitions": definitions.describe,
    "createcomputeenvironment": queues.create_environment,
    "updatecomputeenvironment": queues.update_environment,
    "deletecomputeenvironment": queues.delete_environment,
    "describecomputeenvironments": lambda asked: {
        "computeEnvironments": queues.some(queues.environments, asked.get("computeEnvironments"))
    },
    "createjobqueue": queues.create_queue,
    "updatejobqueue": queues.update_queue,
    "deletejobqueue": queues.delete_queue,
    "describejobqueues": lambda asked: {"jobQueues": queues.some(queues.queues, asked.get("jobQueues"))},
    "createschedulingpolicy": queues.create_policy,
    "updateschedulingpolicy": queues.update_policy,
    "deleteschedulingpolicy": queues.delete_policy,
    "describeschedulingpolicies": lambda asked: {"schedulingPolicies": queues.some(queues.policies, asked["arns"])},
    "listschedulingpolicies": lambda _: {"schedulingPolicies": [{"arn": each["arn"]} for each in queues.policies.values()]},
    "createconsumableresource": queues.create_consumable,
    "updateconsumableresource": queues.update_consumable,
    "deleteconsumableresource": queues.delete_consumable,
    "describeconsumableresource": queues.describe_consumable,
    "listconsumableresources": lambda _: {"consumableResources": list(queues.consumables.values())},
}
