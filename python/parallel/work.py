"""A worker process: calls the entry script's `init()` once, then `run()` for each mini-batch it is given."""

import importlib.util
import inspect
import logging
import os
import shlex
import sys
import traceback
from multiprocessing.connection import Connection
from types import SimpleNamespace


def main(descriptor):
    connection = Connection(descriptor)
    settings = connection.recv()
    try:
        script = load(settings)
        if hasattr(script, "init"):
            script.init()
    except BaseException as error:  # noqa: BLE001 - also SystemExit: argparse ends that way
        traceback.print_exc()
        connection.send(("broken", f"`{settings['entry_script']}` can't start: {word(error)}"))
        return 1
    connection.send(("ready",))
    takes_context = counts_two(script.run)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return 0
        if task is None:
            if hasattr(script, "shutdown"):
                script.shutdown()
            return 0
        connection.send(perform(script, task, takes_context, settings))


def load(settings):
    logging.basicConfig(level=settings.get("logging_level") or "INFO")
    path = os.path.abspath(settings["entry_script"])
    if not os.path.isfile(path):
        raise FileNotFoundError(f"the code has no file `{settings['entry_script']}`")
    sys.argv = [path, *shlex.split(settings.get("program_arguments") or "")]
    sys.path[:0] = [os.getcwd(), os.path.dirname(path), os.path.join(os.path.dirname(os.path.abspath(__file__)), "shims")]
    name = os.path.splitext(os.path.basename(path))[0]
    found = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    if not callable(getattr(module, "run", None)):
        raise AttributeError("it defines no `run(mini_batch)`")
    return module


def counts_two(run):
    """True when `run` takes a mini-batch's context besides the mini-batch."""
    try:
        parameters = list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError):
        return False
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(places) >= 2 or any(one.kind == one.VAR_POSITIONAL for one in parameters)


def perform(script, task, takes_context, settings):
    context = SimpleNamespace(
        minibatch_index=task["index"], mini_batch_index=task["index"], partition_key_value=task["partition"]
    )
    try:
        given = script.run(task["items"], context) if takes_context else script.run(task["items"])
        return ("done", *results_of(given, settings.get("append_to") is not None))
    except Exception as error:  # noqa: BLE001 - whatever the script raises is the mini-batch's failure
        traceback.print_exc()
        return ("failed", word(error))


def results_of(given, wanted):
    """How many results, and their lines. A DataFrame's rows have their values between spaces, as Azure ML writes them."""
    if given is None or isinstance(given, (str, bytes)) or not hasattr(given, "__len__"):
        raise TypeError(f"`run()` must return a list or a DataFrame, one element for each success, not {type(given).__name__}")
    if not wanted:
        return len(given), ""
    if hasattr(given, "to_csv"):
        return len(given), given.to_csv(sep=" ", header=False, index=False)
    return len(given), "".join(f"{one}\n" for one in given)


def word(error):
    return f"{type(error).__name__}: {error}"[:2000]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
