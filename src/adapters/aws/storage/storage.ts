import type { ECRClient } from "@aws-sdk/client-ecr";
import type { KMSClient } from "@aws-sdk/client-kms";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { StorageSpec } from "../../../contract/workspaces.ts";
import type { Place, Places, Storage } from "../../../core/ports/storage.ts";
import { openRepository } from "../images/repository.ts";
import { checkBucket, freeBucket, makeBucket } from "./bucket.ts";
import { checkKey, freeKey, makeKey } from "./key.ts";
import { using } from "./refusal.ts";
import { checkRepository, freeRepository } from "./repository.ts";
import { checkSecret, freeSecret, makeSecret } from "./secret.ts";
import { BUCKET_INFIX, FOLDER, nameOfArn, type StorageSettings } from "./settings.ts";

export interface AwsStorageOptions {
  readonly s3: S3Client;
  readonly kms: KMSClient;
  readonly secrets: SecretsManagerClient;
  readonly ecr: ECRClient;
  readonly settings: StorageSettings;
  /** 32 hex digits. */
  readonly newId: () => string;
  readonly now: () => number;
  /** How long other processes, and the edge, may not have heard of a change. */
  readonly settleMs: number;
}

/** The Storage port on S3, KMS, Secrets Manager and ECR. */
export function openStorage(options: AwsStorageOptions): Storage {
  const { s3, kms, secrets, ecr, settings, newId, now, settleMs } = options;
  const repositoryOf = (arn: string) => openRepository({ ecr, name: nameOfArn(arn), home: settings.home, now });
  return {
    async make(workspace, spec, onMade) {
      let places = planned(settings, spec, newId().slice(0, 16));
      if (spec.key === "own") places = { ...places, key: own(await makeKey(kms, settings, workspace)) };
      // By their names, before they are made: what is not there is easily freed.
      await onMade(places);
      const { bucket, secret, repository, key } = places;
      const about = { workspace, keyArn: key?.arn };
      if (bucket?.isOwn) await makeBucket(s3, settings, { ...about, arn: bucket.arn });
      if (repository?.isOwn)
        await using({ right: "ecr:CreateRepository", resource: repository.arn }, () =>
          repositoryOf(repository.arn).ensure(),
        );
      if (!secret?.isOwn) return places;
      return { ...places, secret: own(await makeSecret(secrets, settings, { ...about, arn: secret.arn })) };
    },
    async check(workspace, { bucket, key, secret, repository }) {
      if (key !== undefined) await checkKey(kms, settings, key.arn);
      if (secret !== undefined) await checkSecret(secrets, secret.arn);
      if (repository !== undefined) await checkRepository(ecr, settings, repository.arn);
      if (bucket !== undefined) await checkBucket(s3, settings, { workspace, arn: bucket.arn, keyArn: key?.arn });
    },
    async settle(sinceMs) {
      const leftMs = sinceMs + settleMs - now();
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    },
    async free(workspace, { bucket, key, secret, repository }) {
      if (repository?.isOwn) await freeRepository(ecr, repository.arn);
      if (secret?.isOwn) await freeSecret(secrets, secret.arn);
      if (bucket !== undefined) await freeBucket(s3, { workspace, place: bucket }, now);
      if (key?.isOwn) await freeKey(kms, key.arn);
    },
  };
}

const own = (arn: string): Place => ({ arn, isOwn: true });

/** What is adopted, and the names of what will be made; a key has none before it is. */
function planned(settings: StorageSettings, { bucket, key, secret, repository }: StorageSpec, id: string): Places {
  const { home, account, region, partition } = settings;
  const place = (asked: string, ownArn: string): Place =>
    asked === "own" ? own(ownArn) : { arn: asked, isOwn: false };
  const arn = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${account}:${resource}`;
  const name = `${home}/${FOLDER}/${id}`;
  return {
    ...(bucket === undefined ? {} : { bucket: place(bucket, `arn:${partition}:s3:::${home}${BUCKET_INFIX}${id}`) }),
    ...(key === undefined || key === "own" ? {} : { key: { arn: key, isOwn: false } }),
    ...(secret === undefined ? {} : { secret: place(secret, arn("secretsmanager", `secret:${name}`)) }),
    ...(repository === undefined ? {} : { repository: place(repository, arn("ecr", `repository/${name}`)) }),
  };
}
