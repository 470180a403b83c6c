import type { Job } from "../../contract/jobs.ts";
import type { PipelineSettings } from "../../contract/pipelines.ts";
import type { AssetStore } from "../assets/ports.ts";
import type { Deed } from "../jobs/ports.ts";
import type { SubmitInput } from "../jobs/submit-job.ts";
import type { Clock } from "../ports/clock.ts";
import type { Digest } from "../ports/digest.ts";

interface Words {
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
}

/** A published pipeline. */
export interface BatchDeploymentRecord extends Words {
  readonly name: string;
  /** `azureml:NAME:VERSION`. */
  readonly component: string;
  readonly settings: PipelineSettings;
  readonly createdMs: number;
  readonly createdBy: string;
}

/** An endpoint with its deployments: these are few and small, and one record can't name a default that is not there. */
export interface BatchEndpointRecord extends Words {
  readonly workspace: string;
  readonly name: string;
  readonly defaultDeployment?: string;
  /** By name. */
  readonly deployments: readonly BatchDeploymentRecord[];
  readonly createdMs: number;
  readonly createdBy: string;
  readonly updatedMs: number;
  /** Counts writes. */
  readonly rev: number;
}

export interface BatchEndpointStore {
  get(workspace: string, name: string): Promise<BatchEndpointRecord | undefined>;
  /** By name. */
  list(
    workspace: string,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly items: readonly BatchEndpointRecord[]; readonly cursor?: string }>;
  /** `expectedRev` 0: it must not exist. False when somebody was faster. */
  put(record: BatchEndpointRecord, expectedRev: number, deed: Deed): Promise<boolean>;
  /** False when it is not there (any more) at this revision. */
  delete(record: BatchEndpointRecord, deed: Deed): Promise<boolean>;
}

export interface BatchEndpointDeps {
  readonly batchEndpoints: BatchEndpointStore;
  readonly assets: AssetStore;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly submit: (input: Omit<SubmitInput, "child">) => Promise<{ readonly job: Job }>;
}
