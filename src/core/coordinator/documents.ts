import { AppError } from "../../contract/errors.ts";
import type { JobSpec } from "../../contract/jobs.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { Objects } from "../ports/objects.ts";
import type { CompositeDocument } from "./document.ts";

type Owner = Pick<JobRecord, "workspace" | "name" | "digest">;

/** Documents of composite jobs, one object each. */
export interface Documents {
  put(job: Owner, document: CompositeDocument): Promise<void>;
  get(job: Owner): Promise<CompositeDocument>;
}

/** All documents of a job lie under this. */
export function planPrefix(workspace: string, job: string): string {
  return `ws/${workspace}/plans/${job}/`;
}

/** A document never changes, so those used last are kept in memory, as many. */
const KEPT = 32;

export function makeDocuments(deps: { readonly objects: Objects }): Documents {
  const kept = new Map<string, CompositeDocument>();
  const keep = (key: string, document: CompositeDocument): void => {
    kept.delete(key);
    kept.set(key, document);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break;
      kept.delete(oldest);
    }
  };
  return {
    async put(job, document) {
      const key = keyOf(job);
      await deps.objects.put(key, new TextEncoder().encode(JSON.stringify(document)));
      keep(key, document);
    },
    async get(job) {
      const key = keyOf(job);
      const known = kept.get(key) ?? (await read(deps.objects, key));
      if (known === undefined) throw new AppError("Internal", `the plan of job \`${job.name}\` is gone`, { key });
      keep(key, known);
      return known;
    },
  };
}

/** A job's spec with the steps that its own record is too small for. */
export async function fullSpec(deps: { readonly documents: Documents }, job: JobRecord): Promise<JobSpec> {
  return job.coordinated === true ? (await deps.documents.get(job)).spec : job.spec;
}

/** By the request, too: another one under the same name has another plan. */
function keyOf({ workspace, name, digest }: Owner): string {
  return `${planPrefix(workspace, name)}${digest}.json`;
}

async function read(objects: Objects, key: string): Promise<CompositeDocument | undefined> {
  const found = await objects.get(key);
  return found === undefined ? undefined : ((await new Response(found.body).json()) as CompositeDocument);
}
