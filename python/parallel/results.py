"""Gathers what mini-batches returned into one file, in the order of the mini-batches."""

import os
import shutil
import tempfile


class Results:
    def __init__(self, path):
        self.path = path
        self.places = {}
        if path is not None:
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
            self.spool = tempfile.TemporaryFile()

    def add(self, index, text):
        if self.path is None:
            return
        data = text.encode("utf-8", "surrogateescape")
        self.places[index] = (self.spool.tell(), len(data))
        self.spool.write(data)

    def close(self):
        if self.path is None:
            return
        with open(f"{self.path}.sorted", "wb") as out:
            for _, (at, size) in sorted(self.places.items()):
                self.spool.seek(at)
                shutil.copyfileobj(Part(self.spool, size), out)
        self.spool.close()
        os.replace(f"{self.path}.sorted", self.path)


class Part:
    """The next bytes of a file, as a file of its own."""

    def __init__(self, file, size):
        self.file = file
        self.left = size

    def read(self, most):
        data = self.file.read(min(most, self.left))
        self.left -= len(data)
        return data
