"""Runs a parallel job's entry script over mini-batches: `python drive.py SETTINGS.json`.

NODE_RANK says which of several machines this is, MASTER_ADDR and MASTER_PORT where the first of them is met. Node 0 cuts the input into mini-batches and hands them out, to worker processes of its own and, over a connection, to those of other nodes.
A worker that dies, or takes too long, is replaced and its mini-batch tried again. Python 3.8 or later, standard library only; tables need pandas.
"""

import json
import os
import sys
import threading
import time
from multiprocessing.connection import Client, Listener

from plan import plan_batches
from progress import Progress
from results import Results
from scheduler import Scheduler
from slots import run_slot


def main(path):
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    settings["over"] = f"{path}.over"
    settings["node"] = int(os.environ.get("NODE_RANK") or 0)
    settings["processes"] = settings.get("processes") or os.cpu_count() or 1
    if settings["node"] > 0:
        return serve_other_node(settings)
    return lead(settings)


def lead(settings):
    """Node 0: cuts, hands out, collects, and says how it went."""
    batches = plan_batches(settings)
    say(f"{len(batches)} mini-batches, {settings['nodes']} node(s) with {settings['processes']} process(es) each")
    results = Results(settings.get("append_to"))
    scheduler = Scheduler(batches, settings, results)
    progress = Progress(scheduler)
    listener = listen(settings, scheduler) if settings["nodes"] > 1 else None
    slots = start_slots(settings, scheduler)
    for slot in slots:
        slot.join()
    scheduler.wait_for_others()
    if listener is not None:
        listener.close()
    progress.close()
    results.close()
    with open(settings["over"], "w", encoding="utf-8"):
        pass  # A node that comes late, on this machine, finds nobody to ask any more.
    return conclude(scheduler)


def conclude(scheduler):
    counts = scheduler.counts()
    say(
        f"{counts['done']} of {counts['total']} mini-batches done, {counts['failed']} failed, "
        f"{counts['failed_items']} items without a result"
    )
    if scheduler.fault is not None:
        print(f"error: {scheduler.fault}", file=sys.stderr, flush=True)
        return 1
    return 0


def start_slots(settings, source):
    count = max(1, min(settings["processes"], source.most_useful()))
    slots = [threading.Thread(target=run_slot, args=(settings, source, number)) for number in range(count)]
    for slot in slots:
        slot.start()
    return slots


def listen(settings, scheduler):
    listener = Listener(("", int(os.environ["MASTER_PORT"])), authkey=settings["key"].encode())

    def accept():
        while True:
            try:
                connection = listener.accept()
            except OSError:
                return
            except Exception as error:  # noqa: BLE001 - whoever has not the key is turned away, not obeyed
                say(f"a connection was refused: {error}")
                continue
            threading.Thread(target=answer, args=(connection, scheduler), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def answer(connection, scheduler):
    """Speaks for the scheduler to one slot of another node, until that goes away."""
    held = None
    scheduler.other_came()
    try:
        while True:
            question, *rest = connection.recv()
            if question == "next":
                held = scheduler.next()
                connection.send(held)
                if held is None:
                    return
            elif question == "done":
                scheduler.done(*rest)
                held = None
            else:
                scheduler.failed(*rest)
                held = None
    except (EOFError, OSError):
        if held is not None:
            scheduler.failed(held["index"], "its machine went away")
    finally:
        scheduler.other_went()
        connection.close()


class FarScheduler:
    """The scheduler of node 0, asked by a slot of this node."""

    def __init__(self, settings):
        address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        self.connection = connect(address, settings)

    def next(self):
        self.connection.send(("next",))
        return self.connection.recv()

    def done(self, *what):
        self.connection.send(("done", *what))

    def failed(self, *what):
        self.connection.send(("failed", *what))

    def fail_start(self, reason):
        self.connection.send(("failed", -1, reason))


def connect(address, settings, wait_sec=600):
    until = time.monotonic() + wait_sec
    while True:
        try:
            return Client(address, authkey=settings["key"].encode())
        except (EOFError, OSError):
            if time.monotonic() > until or os.path.exists(settings["over"]):
                raise
            time.sleep(0.2)


def serve_other_node(settings):
    def one(number):
        try:
            run_slot(settings, FarScheduler(settings), number)
        except (EOFError, OSError):
            pass  # Node 0 is done, or gone: it says how it went.

    slots = [threading.Thread(target=one, args=(number,)) for number in range(settings["processes"])]
    for slot in slots:
        slot.start()
    for slot in slots:
        slot.join()
    return 0


def say(text):
    print(f"[parallel] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
