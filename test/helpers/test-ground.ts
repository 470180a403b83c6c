import { join } from "node:path";
import { openHome } from "../../src/adapters/local/home.ts";
import type { Ground } from "../../src/home/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { makeTempDir } from "./ports.ts";

/** This machine's adapters in a temporary folder, with a clock that can be set forward: what a test composes a home over. */
export async function openTestGround() {
  const temp = makeTempDir();
  const dataDir = join(temp.path, "home");
  const home = await openHome({ dir: dataDir });
  let aheadMs = 0;
  const clock = { now: () => home.clock.now() + aheadMs };
  const ground = {
    ...home,
    clock,
    activity: makeActivityWrite({ ...home, clock }),
    log: { info: () => undefined, fault: () => undefined },
    address: () => "http://home.test",
  } satisfies Ground;
  return {
    dataDir,
    ground,
    /** So much time goes by. */
    pass(ms: number): void {
      aheadMs += ms;
    },
    async close(): Promise<void> {
      await home.close();
      temp.remove();
    },
  };
}
