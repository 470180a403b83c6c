"""Counts the words of all files of a folder, and says whether any came often."""

import argparse
import collections
import pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--texts", type=pathlib.Path, required=True)
parser.add_argument("--least", type=int, required=True)
parser.add_argument("--counts", type=pathlib.Path, required=True)
parser.add_argument("--any", type=pathlib.Path, required=True)
args = parser.parse_args()

words = collections.Counter()
for file in sorted(args.texts.glob("*.txt")):
    words.update(file.read_text(encoding="utf-8").split())
often = [(word, count) for word, count in words.most_common() if count >= args.least]

args.counts.mkdir(parents=True, exist_ok=True)
lines = [f"{word},{count}\n" for word, count in sorted(often)]
(args.counts / "counts.csv").write_text("".join(["word,count\n", *lines]), encoding="utf-8")
args.any.write_text(str(bool(often)), encoding="utf-8")
print(f"{len(often)} words came at least {args.least} times")
