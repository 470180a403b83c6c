"""Starts a model server behind a Unix socket: a scoring script under Azure ML's own server or ours, or an MLflow model with no code.

Exit code 3 says that the script or model can't be served as it is, so that starting it again is of no use; the reason is in the failure file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import sys
import time
from typing import Callable

HERE = os.path.dirname(os.path.abspath(__file__))
UNSERVABLE = 3


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["script", "mlflow"])
    parser.add_argument("--socket", required=True)
    parser.add_argument("--failure", required=True, help="where the reason goes when nothing can be served")
    parser.add_argument("--script", help="relative to the working folder, which is the code folder")
    parser.add_argument("--model", help="the MLflow model's folder")
    parser.add_argument("--timeout-ms", type=int, required=True)
    return parser.parse_args()


def configure_logging() -> None:
    """Root at the level Azure's server uses, on standard output; the proxy keeps it."""
    level = logging.getLevelName(os.environ.get("AZUREML_LOG_LEVEL", "INFO").upper())
    logging.basicConfig(
        level=level if isinstance(level, int) else logging.INFO,
        stream=sys.stdout,
        format="%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s",
    )
    logging.Formatter.converter = time.gmtime


def has_azure_server() -> bool:
    """Azure's server is used where the environment has it: what a deployment answers is then Azure's by definition."""
    wanted = os.environ.get("TRAINYARD_SCORING_SERVER", "")
    if wanted == "own":
        return False
    return all(importlib.util.find_spec(name) is not None for name in ("azureml_inference_server_http", "gunicorn"))


def make_handler(options: argparse.Namespace) -> Callable[[], object]:
    if options.kind == "mlflow":
        from mlflow_server import make_handler as make_mlflow

        return lambda: make_mlflow(options.model, options.timeout_ms)
    from score_server import make_handler as make_scoring

    return lambda: make_scoring(options.script, options.timeout_ms)


def fail(path: str, reason: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"reason": reason}, file)


def main() -> None:
    options = parse()
    # One stream, so that lines stay in order; unbuffered, so that the last words of a crash are kept.
    os.dup2(1, 2)
    sys.stdout.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
    # The code folder comes first as Azure has it; our own modules and stand-ins come last.
    sys.path.remove(HERE)
    sys.path.insert(0, os.getcwd())
    if options.kind == "script" and has_azure_server():
        sys.path.append(HERE)
        sys.path.append(os.path.join(HERE, "shims"))
        from azureml_server import run_azure_server

        run_azure_server(options)
        return
    sys.path.append(HERE)
    sys.path.append(os.path.join(HERE, "shims"))
    configure_logging()
    from httpd import listen
    from workers import run_workers

    run_workers(lambda: listen(options.socket), make_handler(options), lambda reason: fail(options.failure, reason))


if __name__ == "__main__":
    main()
