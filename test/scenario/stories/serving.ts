import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Person } from "./home.ts";
import type { Story } from "./stories.ts";

const ENDPOINT = "wine-prices";

/** Adds up what it is sent, by the model's weights; says which it is. */
const script = (word: string): string => `
import json, os
def init():
    global weights
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "weights.json")) as file:
        weights = json.load(file)
def run(raw_data):
    values = json.loads(raw_data)["values"]
    return {"sum": sum(a * b for a, b in zip(weights, values)), "by": "${word}"}
`;

const BROKEN = "def init():\n    raise ValueError('no such grape')\ndef run(raw_data):\n    return 1\n";

/** A deployment's file, and its code. */
function write(me: Person, name: string, code: string): string {
  const folder = join(me.folder, `scoring-${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "score.py"), code);
  const lines = [
    `name: ${name}`,
    `endpoint_name: ${ENDPOINT}`,
    "model: azureml:weights:1",
    `code_configuration: {code: ./scoring-${name}, scoring_script: score.py}`,
    "environment: {image: 'python:3.12-slim'}",
    "instance_type: Standard_F2s_v2",
    "instance_count: 1",
  ];
  writeFileSync(join(me.folder, `${name}.yml`), `${lines.join("\n")}\n`);
  return `${name}.yml`;
}

async function ask(me: Person, more = ""): Promise<unknown> {
  writeFileSync(join(me.folder, "ask.json"), '{"values": [3, 4]}');
  return JSON.parse(await me.run(`online-endpoint invoke --name ${ENDPOINT} --request-file ask.json${more} -w wines`));
}

/** What people do with endpoints; a model `weights` is there. */
export const SERVING: readonly Story[] = [
  {
    name: "put a model behind an endpoint, and ask it",
    async happen(me) {
      await me.run(`online-endpoint create --name ${ENDPOINT} -w wines`);
      await me.run(`online-deployment create --file ${write(me, "blue", script("blue"))} --all-traffic -w wines`);

      expect(await ask(me)).toEqual({ sum: 11, by: "blue" });
      const shown = await me.json(`online-deployment show --name blue --endpoint-name ${ENDPOINT} -w wines`);
      expect(shown).toMatchObject({ provisioning_state: "Succeeded", live_revision: 1, healthy_instances: 1 });
      const log = await me.run(`online-deployment get-logs --name blue --endpoint-name ${ENDPOINT} -w wines`);
      expect(log).toContain("the model server answers");
    },
  },
  {
    name: "move its traffic to another deployment",
    async happen(me) {
      await me.run(`online-deployment create --file ${write(me, "green", script("green"))} -w wines`);
      const before = await ask(me);
      await me.run(`online-endpoint update --name ${ENDPOINT} --traffic blue=0 green=100 -w wines`);

      expect(before).toMatchObject({ by: "blue" });
      expect(await ask(me)).toMatchObject({ by: "green" });
      expect(await ask(me, " --deployment-name blue")).toMatchObject({ by: "blue" });
    },
  },
  {
    name: "replace a deployment's code while it serves",
    async happen(me) {
      await me.run(`online-deployment update --file ${write(me, "green", script("greener"))} -w wines`);

      expect(await ask(me)).toMatchObject({ by: "greener" });
    },
  },
  {
    name: "be told why a deployment can't serve, while the old one does",
    async happen(me) {
      const { code, err } = await me.try(`online-deployment update --file ${write(me, "green", BROKEN)} -w wines`);

      expect(code).not.toBe(0);
      expect(err).toContain("no such grape");
      expect(await ask(me)).toMatchObject({ by: "greener" });
    },
  },
  {
    name: "let nobody score without a key, and turn the keys",
    async happen(me) {
      const { scoring_uri: address } = await me.json(`online-endpoint show --name ${ENDPOINT} -w wines`);
      const before = await me.json(`online-endpoint get-credentials --name ${ENDPOINT} -w wines`);
      const score = async (key: string) =>
        (await fetch(address, { method: "POST", body: '{"values": []}', headers: { authorization: `Bearer ${key}` } }))
          .status;

      const good = await score(before.primaryKey);
      await me.run(`online-endpoint regenerate-keys --name ${ENDPOINT} --key-type primary --yes -w wines`);

      expect([good, await score(before.primaryKey), await score(before.secondaryKey)]).toEqual([200, 401, 200]);
    },
  },
  {
    name: "delete the endpoint with all that is behind it",
    async happen(me) {
      await me.run(`online-endpoint delete --name ${ENDPOINT} --yes -w wines`);

      expect((await me.try(`online-endpoint show --name ${ENDPOINT} -w wines`)).err).toContain(ENDPOINT);
      expect(await me.json("online-endpoint list -w wines")).toEqual([]);
    },
  },
];
