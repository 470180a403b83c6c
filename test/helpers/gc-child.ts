import { openHome } from "../../src/adapters/local/home.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { watchTable } from "../../src/store/table-watch.ts";
import { serveGc } from "./gc-frame.ts";

/** `node gc-child.ts DIR OFFSET_MS`: a laptop home whose clock is ahead, to be killed. Prints its address and token as one line of JSON. */
const [dir = "", offset = "0"] = process.argv.slice(2);
const clock = { now: () => Date.now() + Number(offset) };
const home = await openHome({ dir, clock });
const { url, token } = await serveGc({
  ...home,
  table: watchTable(home.table),
  settings: {
    port: 0,
    dataDir: dir,
    programs: { runner: "", serving: "" },
    runnerBundle: undefined,
    urlMap: undefined,
  },
  activity: makeActivityWrite(home),
  log: { info: () => undefined, fault: (message, error) => console.error(message, error) },
  address: () => "http://home.test",
});
process.stdout.write(`${JSON.stringify({ url, token })}\n`);
