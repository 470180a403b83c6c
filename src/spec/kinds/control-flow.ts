import {
  anyText,
  anything,
  boolean,
  type Field,
  integer,
  list,
  map,
  need,
  object,
  oneOf,
  shape,
  type Type,
  text,
} from "../schema.ts";
import { PORT_NAME } from "./inputs.ts";

/** `${{parent.jobs.STEP}}`, or the step's name. */
const block = text();
const blocks = shape({ text: block, list: list(block, { atLeast: 1 }) });
const common: Readonly<Record<string, Type | Field>> = { type: anything, comment: anyText, display_name: anyText };
const item = map(anything, { key: PORT_NAME, keyNoun: "input name", keySays: "a Python identifier", atLeast: 1 });

/** Steps that run other steps: Azure's SDK makes them from its `dsl`, and its files of pipelines hold them. */
export const controlSteps: Readonly<Record<string, Type>> = {
  if_else: object(
    "an if_else step",
    { ...common, condition: need(boolean), true_block: blocks, false_block: blocks },
    { oneOf: [["true_block", "false_block"]] },
  ),
  do_while: object("a do_while step", {
    ...common,
    body: need(block),
    condition: text(),
    mapping: map(blocks, { key: PORT_NAME, keyNoun: "output name", keySays: "a Python identifier" }),
    limits: object("limits", { max_iteration_count: integer(1, 1000) }),
  }),
  parallel_for: object(
    "a parallel_for step",
    {
      ...common,
      body: need(block),
      items: shape({ text: text(), list: list(item), map: map(item) }),
      // Ours: parts of data as items, and a model registered for each.
      partitions: object("partitions", { of: need(text()), input: need(text()), by: oneOf("file", "folder") }),
      models: object("a group of models", { group: need(text()), output: need(text()) }),
      max_concurrency: integer(1, 1000),
    },
    { oneOf: [["items", "partitions"]] },
  ),
};
