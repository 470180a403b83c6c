import { execute, timed, yard } from "./home.ts";
import type { Bench } from "./measure.ts";

/** How long a person waits for `yard --help`. */
export const bench: Bench = {
  name: "startup",
  unit: "ms",
  rounds: 21,
  target: "yard --help within 1.5 x of bare node",
  prepare: async () => ({
    variants: {
      ours: () => timed(() => execute(process.execPath, [yard, "--help"])),
      "bare node (node -e 0)": () => timed(() => execute(process.execPath, ["-e", "0"])),
    },
    cleanup: async () => {},
  }),
};
