import { join } from "node:path";
import { openObjects } from "../../../src/adapters/local/objects.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { describeObjects } from "../describe-objects.ts";

describeObjects("files", async () => {
  const folder = makeTempDir();
  return { port: openObjects({ dir: join(folder.path, "objects") }), cleanup: async () => folder.remove() };
});
