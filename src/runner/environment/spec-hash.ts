import { createHash } from "node:crypto";
import type { EnvironmentSpec } from "../../contract/environments.ts";

/** Raised when the way environments are laid out changes: older ones are then built anew. */
const LAYOUT = 1;

/** Identity of an environment on this kind of machine: what was asked for, the Python that is used, and the platform. */
export function environmentHash(spec: EnvironmentSpec, pythonMinor: string): string {
  const parts = {
    layout: LAYOUT,
    python: pythonMinor,
    requirements: spec.requirements ?? [],
    relax: spec.relax_pins === true,
    platform: `${process.platform}-${process.arch}`,
  };
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Identity of the question, asked before a Python has been looked for. */
export function questionHash(spec: EnvironmentSpec, fingerprint: string): string {
  const { label: _, ...rest } = spec;
  return createHash("sha256")
    .update(JSON.stringify([LAYOUT, rest, fingerprint]))
    .digest("hex");
}
