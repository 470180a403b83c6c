"""Lambda functions of images, as processes of this machine behind a Runtime API each; and what Node functions lack here: streamed answers."""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import images
import processes
import proxy
from ministack.core import lambda_runtime
from ministack.core.responses import get_region
from ministack.services import lambda_svc

PREFIX = "/2018-06-01/runtime"
IDLE_LOOK_SEC = 0.05
# Idle instances by function's ARN.
_idle: dict[str, list["Instance"]] = {}
_lock = threading.Lock()

# Node's own runtime has this as a global.
STREAMS = r"""
globalThis.awslambda = {
  streamifyResponse: (handler) => async (event, context) => {
    const { Writable } = require("stream");
    const chunks = [];
    const out = new Writable({ write(chunk, _, done) { chunks.push(Buffer.from(chunk)); done(); } });
    out.setContentType = () => undefined;
    const finished = new Promise((resolve) => out.once("finish", resolve));
    await handler(event, out, context);
    await finished;
    return { streamed: Buffer.concat(chunks).toString("base64") };
  },
  HttpResponseStream: {
    from(out, prelude) {
      out.write(JSON.stringify(prelude));
      out.write(Buffer.alloc(8));
      return out;
    },
  },
};
"""


def install(_app) -> None:
    lambda_svc._execute_function_docker = _execute
    delete = lambda_svc._delete_function
    answer = lambda_svc._function_url_stream_response
    create_url = lambda_svc._create_function_url_config

    def deleted(name, *more):
        _end_instances(lambda_svc._func_arn(name))
        return delete(name, *more)

    def streamed(result, cors_headers):
        body = result.get("body")
        if isinstance(body, dict) and "streamed" in body:
            result = {**result, "body": base64.b64decode(body["streamed"])}
        return answer(result, cors_headers)

    def addressed(name, data, qualifier):
        status, headers, body = create_url(name, data, qualifier)
        made = lambda_svc._function_urls.get(lambda_svc._url_config_key(name, qualifier))
        if status == 201 and made is not None:
            url_id = lambda_svc._function_url_id(made["FunctionUrl"])
            port = os.environ.get("GATEWAY_PORT", "4566")
            made["FunctionUrl"] = f"http://{url_id}.lambda-url.{get_region()}.localhost:{port}/"
            body = json.dumps(made).encode()
        return status, headers, body

    lambda_svc._delete_function = deleted
    lambda_svc._function_url_stream_response = streamed
    lambda_svc._create_function_url_config = addressed
    lambda_runtime._NODEJS_WORKER_SCRIPT = STREAMS + lambda_runtime._NODEJS_WORKER_SCRIPT


class Instance:
    """One execution environment: takes one event at a time."""

    def __init__(self, config: dict):
        self.events: queue.Queue = queue.Queue()
        self.answers: dict[str, queue.Queue] = {}
        self.folder = Path(os.environ["TRAINYARD_EMULATOR_DIR"]) / "functions" / uuid.uuid4().hex
        self.folder.mkdir(parents=True)
        self.server = _serve(self)
        self.said: list[str] = []
        image = images.resolve(config["ImageUri"])
        name = config["FunctionName"]
        environment = {
            "PATH": images.path_of(image),
            "TMPDIR": str(self.folder),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config["MemorySize"]),
            "AWS_REGION": get_region(),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **proxy.proxy_variables(),
            **image.get("env", {}),
            **(config.get("Environment") or {}).get("Variables", {}),
        }
        self.process = subprocess.Popen(
            image["entrypoint"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        processes.end_with_us(self.process.pid)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.said.append(line.decode(errors="replace"))

    def invoke(self, event, arn: str, timeout: float) -> dict:
        request_id = str(uuid.uuid4())
        answer = self.answers[request_id] = queue.Queue()
        end = time.monotonic() + timeout
        self.events.put((request_id, event, arn, int((time.time() + timeout) * 1000)))
        try:
            while True:
                try:
                    return answer.get(timeout=IDLE_LOOK_SEC)
                except queue.Empty:
                    code = self.process.poll()
                    if code is not None:
                        return _error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: exit status {code}")
                    if time.monotonic() > end:
                        self.end()
                        return _error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds")
        finally:
            del self.answers[request_id]

    def heard(self) -> str:
        said, self.said = self.said, []
        return "".join(said)

    def end(self) -> None:
        processes.kill_session(self.process.pid)
        self.server.shutdown()


def _execute(func: dict, event, _request_id: str) -> dict:
    config = func.get("config") or func
    # An invoked version's ARN carries it.
    arn = ":".join(config["FunctionArn"].split(":")[:7])
    error = images.pull_error(config["ImageUri"])
    if error is not None:
        return _error("Runtime.InvalidImage", error)
    if "entrypoint" not in images.resolve(config["ImageUri"]):
        return _error("Runtime.InvalidEntrypoint", "the image has no entry point")
    instance = _take(arn) or Instance(config)
    result = instance.invoke(event, arn, float(config.get("Timeout", 3)))
    result["log"] = instance.heard()
    if instance.process.poll() is None:
        with _lock:
            _idle.setdefault(arn, []).append(instance)
    else:
        instance.end()
    return result


def _take(arn: str) -> Instance | None:
    with _lock:
        waiting = _idle.get(arn, [])
        while waiting:
            instance = waiting.pop()
            if instance.process.poll() is None:
                return instance
            instance.end()
    return None


def _end_instances(arn: str) -> None:
    with _lock:
        gone = _idle.pop(arn, [])
    for instance in gone:
        instance.end()


def _error(kind: str, message: str) -> dict:
    return {"error": True, "body": {"errorType": kind, "errorMessage": message}}


def _serve(instance: Instance) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request_id, event, arn, deadline = instance.events.get()
            body = json.dumps(event).encode()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", arn)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self._body()
            _, _, request_id, what = self.path.removeprefix(PREFIX).split("/") if "/invocation/" in self.path else ("", "", "", "")
            answer = instance.answers.get(request_id)
            if answer is not None:
                answer.put({"body": body} if what == "response" else {"error": True, "body": json.loads(body)})
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            read = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                read += self.rfile.read(size)
                self.rfile.readline()
            # Trailers, up to the empty line.
            while self.rfile.readline().strip():
                pass
            return read

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
