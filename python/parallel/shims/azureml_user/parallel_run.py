"""What older entry scripts import: where they run, and a logger."""

import logging
import os


class EntryScript:
    @property
    def logger(self):
        return logging.getLogger("EntryScript")

    @property
    def working_dir(self):
        return os.getcwd()

    @property
    def output_dir(self):
        return os.path.join(os.getcwd(), "outputs")

    @property
    def agent_name(self):
        return os.environ.get("TRAINYARD_PARALLEL_WORKER", "0.0")
