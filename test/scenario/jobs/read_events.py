"""What TensorBoard itself reads of the event files below a folder: {folder: {tag: [[step, value, milliseconds], ...]}}."""

import json
import os
import sys

from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

found = {}
for folder, _, files in os.walk(sys.argv[1]):
    if not any("tfevents" in name for name in files):
        continue
    events = EventAccumulator(folder, size_guidance={"tensors": 0}).Reload()
    scalars = {}
    for tag in events.Tags()["tensors"]:
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            scalars[tag] = [
                [event.step, repr(float(make_ndarray(event.tensor_proto).item())), round(event.wall_time * 1000)]
                for event in events.Tensors(tag)
            ]
    found[os.path.relpath(folder, sys.argv[1])] = scalars
print(json.dumps(found))
