import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execute, openBenchHome, timed, yard } from "./home.ts";
import type { Bench } from "./measure.ts";

const FILES = 10_000;
const TOTAL_BYTES = 500 * 1024 * 1024;

/** Second submit of a big folder, one file changed, against packing it with zip. */
export const bench: Bench = {
  name: "snapshot",
  unit: `ms to submit ${FILES} files / 500 MB again with one changed`,
  rounds: 3,
  target: "under a tenth of `zip -r`; one blob stored",
  async prepare() {
    const home = await openBenchHome();
    const folder = join(home.dir, "project");
    const size = Math.floor(TOTAL_BYTES / FILES);
    // Bytes that do not repeat and hardly compress, as checkpoints and images are.
    let state = 1;
    for (let i = 0; i < FILES; i++) {
      const bytes = Buffer.allocUnsafe(size);
      for (let at = 0; at + 4 <= size; at += 4) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        bytes.writeInt32LE(state, at);
      }
      const dir = join(folder, "src", `d${i % 100}`);
      if (i < 100) mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, `f${i}.bin`), bytes);
    }
    writeFileSync(
      join(folder, "job.yml"),
      "command: 'true'\ncode: src\nenvironment:\n  image: python\ncompute: local\n",
    );
    const submit = () =>
      execute(process.execPath, [yard, "job", "create", "--file", "job.yml"], { cwd: folder, env: home.env });
    const first = await timed(submit);
    return {
      notes: [`first submit took ${(first / 1000).toFixed(1)} s`],
      variants: {
        ours: async () => {
          appendFileSync(join(folder, "src", "d0", "f0.bin"), "x");
          return timed(submit);
        },
        "zip -r": async () => {
          const archive = join(home.dir, "peer.zip");
          rmSync(archive, { force: true });
          return timed(() => execute("zip", ["-r", "-q", archive, "src"], { cwd: folder }));
        },
      },
      cleanup: () => home.close(),
    };
  },
};
