import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Clause, Write } from "../../core/ports/table.ts";
import { toAttribute } from "./table-values.ts";

export interface WriteInput {
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
}

const OPERATORS = { eq: "=", ne: "<>", lt: "<", le: "<=", gt: ">", ge: ">=" } as const;

/** A write's expressions. Attribute names always go through placeholders: ours may be reserved words. */
export function writeInput(write: Write): WriteInput {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const name = (attribute: string): string => {
    const known = Object.keys(names).find((placeholder) => names[placeholder] === attribute);
    const placeholder = known ?? `#n${Object.keys(names).length}`;
    names[placeholder] = attribute;
    return placeholder;
  };
  const value = (given: unknown): string => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = toAttribute(given);
    return placeholder;
  };

  const update = write.kind === "update" ? updateExpression(write, name, value) : "";
  const condition = (write.when ?? []).map((clause) => clauseExpression(clause, name, value)).join(" AND ");
  return {
    ...(update === "" ? {} : { UpdateExpression: update }),
    ...(condition === "" ? {} : { ConditionExpression: condition }),
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
}

type Place = (given: string) => string;

function updateExpression(
  write: Extract<Write, { kind: "update" }>,
  name: Place,
  value: (given: unknown) => string,
): string {
  const set = Object.entries(write.set ?? {}).map(([attribute, given]) => `${name(attribute)} = ${value(given)}`);
  const remove = (write.remove ?? []).map(name);
  const add = Object.entries(write.add ?? {}).map(([attribute, amount]) => `${name(attribute)} ${value(amount)}`);
  const part = (word: string, items: readonly string[]) => (items.length === 0 ? [] : [`${word} ${items.join(", ")}`]);
  return [...part("SET", set), ...part("REMOVE", remove), ...part("ADD", add)].join(" ");
}

function clauseExpression(clause: Clause, name: Place, value: (given: unknown) => string): string {
  const attribute = name(clause.attr);
  switch (clause.op) {
    case "exists":
      return `attribute_exists(${attribute})`;
    case "absent":
      return `attribute_not_exists(${attribute})`;
    case "in":
      return `${attribute} IN (${clause.values.map(value).join(", ")})`;
    default:
      return `${attribute} ${OPERATORS[clause.op]} ${value(clause.value)}`;
  }
}
