"""Starts the AWS emulator (ministack) with what it lacks: AWS Batch that runs jobs, a few CloudFormation types, and faults on demand."""

import os
import sys
import tempfile

# An installed module named like one of ours must not win, nor must the emulator write beside our sources.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
os.environ.setdefault("TRAINYARD_EMULATOR_DIR", tempfile.mkdtemp(prefix="trainyard-emulator-"))

import batch_api
import cloudformation
import codebuild
import control
import functions
from ministack import app

# Each has `install(app)`; later ones may build on earlier ones.
PLUGINS = (batch_api, cloudformation, codebuild, functions, control)

if __name__ == "__main__":
    for plugin in PLUGINS:
        plugin.install(app)
    app.main()
