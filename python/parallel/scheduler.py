"""Hands out mini-batches, each until it is done or failed too often, and stops when too much has failed."""

import threading


class Scheduler:
    def __init__(self, batches, settings, results):
        self.batches = batches
        self.results = results
        self.tries_limit = 1 + settings["max_retries"]
        self.batch_limit = settings["mini_batch_error_threshold"]
        self.item_limit = settings["error_threshold"]
        self.changed = threading.Condition()
        self.waiting = list(range(len(batches) - 1, -1, -1))
        self.tries = [0] * len(batches)
        self.open = set()
        self.done_count = 0
        self.failed_batches = 0
        self.failed_items = 0
        self.others = 0
        self.fault = None

    def most_useful(self):
        """More processes than this would have nothing to do."""
        return len(self.batches)

    def next(self):
        """The next mini-batch; None when there will be none. Waits while what is under way may come back."""
        with self.changed:
            while self.fault is None and not self.waiting and self.open:
                self.changed.wait()
            if self.fault is not None or not self.waiting:
                return None
            index = self.waiting.pop()
            self.tries[index] += 1
            self.open.add(index)
            return {**self.batches[index], "try": self.tries[index]}

    def done(self, index, count, text):
        """`count` results, as the text to append."""
        with self.changed:
            if index not in self.open:
                return
            self.open.discard(index)
            self.results.add(index, text)
            self.done_count += 1
            self.count_lost(max(0, len(self.batches[index]["items"]) - count))
            self.batches[index] = {**self.batches[index], "items": []}
            self.changed.notify_all()

    def failed(self, index, reason):
        if index < 0:
            return self.fail_start(reason)
        with self.changed:
            if index not in self.open:
                return
            self.open.discard(index)
            if self.tries[index] < self.tries_limit:
                print(f"[parallel] mini-batch {index} failed (try {self.tries[index]} of {self.tries_limit}): {reason}", flush=True)
                self.waiting.append(index)
            else:
                print(f"[parallel] mini-batch {index} failed for good: {reason}", flush=True)
                self.failed_batches += 1
                self.count_lost(len(self.batches[index]["items"]))
                if self.fault is None and 0 <= self.batch_limit < self.failed_batches:
                    self.fault = f"{self.failed_batches} mini-batches failed; `mini_batch_error_threshold` is {self.batch_limit}; the last: {reason}"
            self.changed.notify_all()

    def fail_start(self, reason):
        """A worker that can't begin will not begin elsewhere either."""
        with self.changed:
            self.fault = self.fault or reason
            self.changed.notify_all()

    def count_lost(self, count):
        self.failed_items += count
        if 0 <= self.item_limit < self.failed_items and self.fault is None:
            self.fault = f"{self.failed_items} items have no result; `error_threshold` is {self.item_limit}"

    def other_came(self):
        with self.changed:
            self.others += 1

    def other_went(self):
        with self.changed:
            self.others -= 1
            self.changed.notify_all()

    def wait_for_others(self):
        with self.changed:
            while self.others > 0 and self.open and self.fault is None:
                self.changed.wait(1)

    def counts(self):
        with self.changed:
            return {
                "total": len(self.batches),
                "done": self.done_count,
                "failed": self.failed_batches,
                "failed_items": self.failed_items,
            }
