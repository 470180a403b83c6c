import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { openBenchHome } from "./home.ts";
import type { Bench } from "./measure.ts";

/** Resident memory of an idle home, beside a node process that does nothing. */
export const bench: Bench = {
  name: "memory",
  unit: "MB resident, idle",
  rounds: 3,
  target: "idle server under 120 MB",
  prepare: async () => ({
    variants: {
      ours: async () => {
        const home = await openBenchHome();
        try {
          await new Promise((resolve) => setTimeout(resolve, 5000));
          return residentMb(home.process.pid);
        } finally {
          await home.close();
        }
      },
      "bare node": async () => {
        const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], { stdio: "ignore" });
        await new Promise((resolve) => setTimeout(resolve, 1000));
        const value = residentMb(child.pid);
        child.kill("SIGKILL");
        return value;
      },
    },
    cleanup: async () => {},
  }),
};

function residentMb(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
