"""Jobs of several: arrays, and multi-node jobs."""

from __future__ import annotations

import threading

import jobs
from jobs import FINAL, Job
from ministack.core.responses import request_scope


class ArrayJob(Job):
    """Waits for its children (`id:0` ..); one that fails fails it."""

    def __init__(self, request: dict, definition: dict, properties: dict, size: int):
        super().__init__(request, definition, None)
        single = {key: value for key, value in request.items() if key not in ("arrayProperties", "dependsOn")}
        for index in range(size):
            child = Job(single, definition, properties, f"{self.id}:{index}")
            child.variables = {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": str(size)}
            child.extra = {"arrayProperties": {"index": index}}
            self.children.append(child)

    def live(self) -> None:
        if not self._await_dependencies():
            return
        self.move("PENDING")
        for child in self.children:
            child.start()
        with jobs.changed:
            while any(child.status not in FINAL for child in self.children):
                jobs.changed.wait()
        failed = any(child.status == "FAILED" for child in self.children)
        self.end("FAILED" if failed else "SUCCEEDED", "Array Child Job failed" if failed else "Array Child Jobs succeeded")

    def describe(self) -> dict:
        summary: dict[str, int] = {}
        for child in self.children:
            summary[child.status] = summary.get(child.status, 0) + 1
        return {**super().describe(), "arrayProperties": {"size": len(self.children), "statusSummary": summary}}


class MultiNodeJob(Job):
    """Nodes (`id#0` ..) that start together; the main one's end ends the others."""

    def __init__(self, request: dict, definition: dict, nodes: list[dict], main_node: int):
        super().__init__(request, definition, None)
        self.main_node = main_node
        for index, properties in enumerate(nodes):
            node = Job(request, definition, properties, f"{self.id}#{index}")
            node.extra = {"nodeDetails": {"nodeIndex": index, "isMainNode": index == main_node}}
            node.variables = {
                "AWS_BATCH_JOB_NODE_INDEX": str(index),
                "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(main_node),
                "AWS_BATCH_JOB_NUM_NODES": str(len(nodes)),
                **({} if index == main_node else {"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "127.0.0.1"}),
            }
            jobs.all_jobs[node.id] = node
            self.children.append(node)
        self.extra = {"nodeProperties": {**(definition.get("nodeProperties") or {}), "numNodes": len(nodes)}}

    def _attempt(self, number: int) -> tuple[str, int | None, str]:
        self.move("STARTING")
        self.wait_while_held()
        outcomes: dict[int, tuple[str, int | None, str]] = {}
        started = jobs.now_ms()

        def run(index: int, node: Job) -> None:
            with request_scope(self.account, self.region):
                try:
                    node.environment_name = self.environment_name
                    outcomes[index] = node._attempt(number)
                    outcome = outcomes[index]
                    node.end("SUCCEEDED" if outcome[1] == 0 else "FAILED", outcome[0])
                finally:
                    if index == self.main_node:
                        for other in self.children:
                            if other.task is not None:
                                other.task.stop("The main node of the multi-node parallel job exited")

        for node in self.children:
            node.status, node.task = "RUNNABLE", None
        threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(self.children)]
        for thread in threads:
            thread.start()
        main = self.children[self.main_node]
        with jobs.changed:
            while main.status not in ("RUNNING", *FINAL):
                jobs.changed.wait()
        if main.status == "RUNNING":
            self._running()
        for thread in threads:
            thread.join()
        outcome = outcomes.get(self.main_node, ("Task failed to start", None, ""))
        with jobs.changed:
            self.attempts.append({"startedAt": started, "stoppedAt": jobs.now_ms(), "statusReason": outcome[0]})
        return outcome
