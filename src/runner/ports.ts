import { existsSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError, isAppError } from "../contract/errors.ts";
import { isLiteral } from "../contract/names.ts";
import type { Assignment, OutputContents } from "../contract/runner.ts";
import { collect } from "./collect.ts";
import type { Home } from "./home.ts";
import { readLiteral } from "./literals.ts";
import { materialize } from "./materialize.ts";

/** Inputs and outputs as the command sees them: literal text, a path, or a URI. */
export interface Ports {
  readonly inputs: Record<string, string | undefined>;
  readonly outputs: Record<string, string>;
}

export interface PortsOptions {
  readonly home: Home;
  readonly assignment: Assignment;
  readonly folder: string;
  readonly sameHost: boolean;
  readonly tell: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Makes inputs present, in name order. */
export async function bringInputs(options: PortsOptions): Promise<Ports["inputs"]> {
  const { home, assignment, folder, sameHost, signal } = options;
  const found: Ports["inputs"] = {};
  for (const [name, input] of Object.entries(assignment.inputs).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (input.uri === undefined || input.mode === "direct") {
      found[name] = input.uri ?? input.value;
      continue;
    }
    try {
      const brought = await materialize({
        home,
        uri: input.uri,
        folder: join(folder, "inputs", name),
        sameHost,
        link: input.mode !== "download",
        signal,
      });
      found[name] = brought.path;
      options.tell(`input ${name}: ${brought.files} files, ${brought.bytes} bytes\n`);
    } catch (error) {
      if (!isAppError(error)) throw error;
      throw new AppError(error.code, `input \`${name}\` is not available: ${error.message}`, error.details, {
        cause: error,
      });
    }
  }
  return found;
}

/** Makes output folders; a file output's folder only, since the command makes the file. */
export function makeOutputs(assignment: Assignment, folder: string): Ports["outputs"] {
  const made: Ports["outputs"] = {};
  for (const [name, output] of Object.entries(assignment.outputs)) {
    if (output.mode === "direct") {
      made[name] = output.uri;
      continue;
    }
    const place = join(folder, "outputs", name);
    mkdirSync(place, { recursive: true });
    made[name] = output.is_file ? join(place, fileName(output.uri, name)) : place;
  }
  return made;
}

function fileName(uri: string, fallback: string): string {
  const last = basename(uri.replace(/[?#].*$/, "").replace(/\/+$/, ""));
  return last === "" || last.includes(":") ? fallback : last;
}

/** Stores named outputs where they belong; answers what is in them. */
export async function sendOutputs(
  options: PortsOptions,
  made: Ports["outputs"],
): Promise<Record<string, OutputContents>> {
  const { home, assignment, signal } = options;
  const sent: Record<string, OutputContents> = {};
  for (const [name, output] of Object.entries(assignment.outputs)) {
    const path = made[name];
    if (output.mode === "direct" || path === undefined || !existsSync(path)) continue;
    const file = output.is_file && statSync(path).isFile();
    const {
      digest = "",
      files,
      bytes,
    } = file
      ? await collect(
          home,
          parentUri(output.uri),
          { file: path, name: fileName(output.uri, name) },
          { signal, withDigest: true },
        )
      : await collect(
          home,
          output.uri,
          { folder: output.is_file ? dirname(path) : path },
          { signal, withDigest: true },
        );
    options.tell(`output ${name}: ${files} files, ${bytes} bytes\n`);
    const value = isLiteral(output.type) && file ? { value: readLiteral(name, output.type, path) } : {};
    sent[name] = { digest, files, bytes, ...value };
  }
  return sent;
}

function parentUri(uri: string): string {
  const clean = uri.replace(/\/+$/, "");
  return clean.slice(0, clean.lastIndexOf("/"));
}

const ARTIFACT_FOLDERS = ["outputs", "logs"];

/** Where a command leaves what is kept: folders of artifacts, and those of named outputs. */
export function outputFolders(
  assignment: Assignment,
  made: Ports,
  work: string,
): { readonly folder: string; readonly name: string }[] {
  const named = Object.entries(assignment.outputs).flatMap(([name, output]) => {
    const path = made.outputs[name];
    if (output.mode === "direct" || path === undefined) return [];
    return [{ folder: output.is_file ? dirname(path) : path, name }];
  });
  return [...ARTIFACT_FOLDERS.map((name) => ({ folder: join(work, name), name })), ...named];
}

/** `./outputs` and `./logs` of the work folder become artifacts of the run. */
export async function sendArtifacts(options: PortsOptions, work: string): Promise<void> {
  const { home, signal } = options;
  const uri = `azureml://jobs/${home.run}/outputs/artifacts/paths/`;
  for (const name of ARTIFACT_FOLDERS) {
    const sent = await collect(home, uri, { folder: join(work, name), prefix: `${name}/` }, { signal });
    if (sent.files > 0) options.tell(`artifacts ${name}/: ${sent.files} files, ${sent.bytes} bytes\n`);
  }
}
