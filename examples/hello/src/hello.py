"""Greets the larger places of a table, and keeps the greetings."""

import csv
import os
import sys
from pathlib import Path

places, least, folder = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])

with places.open(newline="", encoding="utf-8") as rows:
    names = [row["name"] for row in csv.DictReader(rows) if int(row["population"]) >= least]

lines = [f"{os.environ['GREETING']}, {name}!" for name in names]
print(*lines, sep="\n")
(folder / "greetings.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
