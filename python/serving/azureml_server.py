"""Runs azureml-inference-server-http as its own command does, but on a private socket instead of every interface."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
import threading


def run_azure_server(options: argparse.Namespace) -> None:
    import azureml_inference_server_http as package
    from gunicorn.app.wsgiapp import run

    folder = os.getcwd()
    os.environ["AML_APP_ROOT"] = folder
    os.environ["AZUREML_ENTRY_SCRIPT"] = os.path.join(folder, options.script or "main.py")
    os.environ["SCORING_TIMEOUT_MS"] = str(options.timeout_ms)
    os.environ.setdefault("AML_APP_INSIGHTS_ENABLED", "false")
    if os.environ.get("SERVER_VERSION_LOG_RESPONSE_ENABLED", "true").lower() == "true":
        os.environ["HTTP_X_MS_SERVER_VERSION"] = f"azmlinfsrv/{package.__version__}"
    # Workers import our stand-ins for older module names after everything else.
    shims = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shims")
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (os.environ.get("PYTHONPATH"), shims) if part)
    threading.Thread(target=end_with_proxy, daemon=True).start()
    sys.argv = [
        "gunicorn",
        "--bind",
        f"unix:{options.socket}",
        "--workers",
        os.environ.get("WORKER_COUNT", "1"),
        # A worker that is busy for longer than its own alarm hangs in native code; gunicorn replaces it.
        "--timeout",
        os.environ.get("WORKER_TIMEOUT", "300"),
        "--graceful-timeout",
        "30",
        "--umask",
        "63",
        # Newer releases open a control socket in the home folder, one for all; older ones do not know the flag.
        *(["--no-control-socket"] if importlib.util.find_spec("gunicorn.ctl") is not None else []),
        *(["--preload"] if os.environ.get("WORKER_PRELOAD", "false").lower() == "true" else []),
        "azureml_inference_server_http.server.entry:app",
    ]
    run()


def end_with_proxy() -> None:
    """The proxy holds our standard input; when it is gone, so are we."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
