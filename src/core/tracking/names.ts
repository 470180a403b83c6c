import { asPython, invalid, invalidValue, tooLong } from "./errors.ts";

export const KEY_LIMIT = 250;
export const PARAM_VALUE_LIMIT = 6000;
export const TAG_VALUE_LIMIT = 8000;
export const EXPERIMENT_TAG_VALUE_LIMIT = 20_000;
export const EXPERIMENT_NAME_LIMIT = 500;

const CHARACTERS = /^[\p{L}\p{N}_.\-/ :]*$/u;
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_\- :]*$/;
const BAD_CHARACTERS =
  "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).";

/** Key of a metric, param or tag: one that stays itself when taken for a path. */
export function checkKey(key: string, path: string): void {
  // Nearly all keys are plain; the rest is looked at closely.
  if (PLAIN.test(key)) return;
  if (!CHARACTERS.test(key)) throw invalidValue(path, key, BAD_CHARACTERS);
  const clean = normalized(key);
  if (clean !== key || clean === "." || clean.startsWith("..") || clean.startsWith("/")) {
    throw invalidValue(
      path,
      key,
      `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${clean}'`,
    );
  }
}

/** POSIX normalization of a path. */
export function normalized(path: string): string {
  if (path === "") return ".";
  const slashes = path.startsWith("/") ? (path.startsWith("//") && !path.startsWith("///") ? "//" : "/") : "";
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || slashes === "") parts.push(part);
  }
  return slashes + parts.join("/") || ".";
}

export function checkLength(text: string, limit: number, path: string): void {
  if (text.length > limit && lengthOf(text) > limit) throw tooLong(path, limit);
}

/** Cut to `limit` characters, as MLflow does with long values unless told otherwise. */
export function truncated(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const characters = Array.from(text);
  return characters.length <= limit ? text : characters.slice(0, limit).join("");
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

export function checkTag(key: string, value: string, path = ""): [string, string] {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  checkKey(key, at("key"));
  checkLength(key, KEY_LIMIT, at("key"));
  return [key, truncated(value, TAG_VALUE_LIMIT)];
}

export function checkParam(key: string, value: string, path = ""): [string, string] {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  checkKey(key, at("key"));
  checkLength(key, KEY_LIMIT, "Param key");
  return [key, truncated(value, PARAM_VALUE_LIMIT)];
}

export function checkExperimentTag(key: string, value: string): void {
  checkKey(key, "key");
  checkLength(key, KEY_LIMIT, "key");
  checkLength(value, EXPERIMENT_TAG_VALUE_LIMIT, "value");
}

export function checkExperimentName(name: string): void {
  if (name === "") throw invalid("Invalid experiment name: ''");
  if (!name.isWellFormed()) throw invalid("Invalid experiment name: it is not well-formed text");
  checkLength(name, EXPERIMENT_NAME_LIMIT, "name");
}

const RUN_ID = /^[A-Za-z0-9][\p{L}\p{N}_-]{0,255}$/u;

export function isRunId(id: string): boolean {
  return RUN_ID.test(id);
}

export function checkRunId(id: string): void {
  if (!isRunId(id)) throw invalid(`Invalid value ${asPython(id)} for parameter 'run_id' supplied.`);
}

/** The canonical form of an id such as `007`: experiment ids are decimal numbers; anything else names none. */
export function experimentId(id: string): string {
  if (!/^\s*[+-]?\d{1,18}\s*$/.test(id))
    throw invalid(`Invalid experiment ID '${id}'. Experiment ID must be a valid integer.`);
  return String(BigInt(id.trim().replace("+", "")));
}

/** Registered models: no path, no separator of `models:/` addresses. */
export function checkModelName(name: string, path = "name"): void {
  if (name.trim() === "") throw invalid(`Missing value for required parameter '${path}'.`);
  if (/[/:]/.test(name)) throw invalid(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  if (!name.isWellFormed()) throw invalid("Invalid model name: it is not well-formed text");
  checkLength(name, 255, path);
  if (normalized(name) !== name || name === "." || name.startsWith("..")) {
    throw invalidValue(
      "name",
      name,
      `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normalized(name)}'`,
    );
  }
}

const ARTIFACT_LOCATION_LIMIT = 2048;

/** Where an experiment's artifacts go: an address the server itself never opens. */
export function checkArtifactLocation(location: string): void {
  checkLength(location, ARTIFACT_LOCATION_LIMIT, "artifact_location");
  if (location.startsWith("runs:")) throw invalid(`Artifact location cannot be a runs:/ URI. Given: '${location}'`);
  let decoded = location;
  for (let round = 0; round < 8; round++) {
    if (hasTricks(decoded)) {
      throw invalid(
        `Invalid artifact location '${location}': it must not contain '#', '?', control characters, backslashes or '..'`,
      );
    }
    const next = percentDecoded(decoded);
    if (next === decoded) return;
    decoded = next;
  }
  throw invalid(`Invalid artifact location '${location}': it is percent-encoded too often`);
}

function hasTricks(text: string): boolean {
  return /[#?\\\p{Cc}]/u.test(text) || text.split("/").includes("..");
}

export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
