"""Writes event files with the two writers people use, half of them before and half after the file named by GO is there."""

import os
import sys
import time

import numpy
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_tensor_proto
from tensorboardX import SummaryWriter

named = sys.argv[1]
old = SummaryWriter("outputs/tb")
new = EventFileWriter(os.path.join(named, "validation"))


def write(steps):
    for step in steps:
        old.add_scalar("loss", 1 / (step + 1), step)
        old.add_scalar("Train/Top 1 (%)", numpy.float32(step) / 3, step)
        old.add_histogram("weights", numpy.arange(10) + step, step)
        old.add_scalars("losses", {"train": step, "test": step * 2}, step)
        for kind in ("float16", "float32", "float64", "int32", "int64", "uint8"):
            value = Summary.Value(
                tag=f"loss_{kind}",
                tensor=make_tensor_proto(numpy.array(step / 7 if "float" in kind else step, dtype=kind)),
                metadata=create_summary_metadata("", ""),
            )
            new.add_event(Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=[value])))
    old.flush()
    new.flush()


old.add_text("notes", "some *text*", 0)
old.add_image("picture", numpy.zeros((3, 40, 40)), 0)
old.add_scalar("odd", float("nan"), 0)
write(range(30))
print("half is written", flush=True)
while not os.path.exists(os.environ["GO"]):
    time.sleep(0.05)
write(range(30, 60))
old.add_hparams({"lr": 0.01, "optimizer": "adam", "nesterov": True, "layers": 3}, {"accuracy": 0.75}, name="trial")
old.close()
new.close()
