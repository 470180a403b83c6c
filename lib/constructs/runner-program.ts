import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Stack } from "aws-cdk-lib";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { bundleProgram } from "./bundle-program.ts";
import type { HomeFunction } from "./home-function.ts";

/** The runner as one file in the deployment's bucket: machines fetch it by a signed address, so that no image has to hold it. */
export class RunnerProgram extends Construct {
  private readonly asset: Asset;
  private readonly sha256: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const file = bundleProgram(this, "runner/main.ts", "runner.mjs");
    this.sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
    this.asset = new Asset(this, "File", { path: file });
  }

  /** Signs addresses of it. */
  grantHandOut(fn: HomeFunction): void {
    const { s3BucketName: bucket, s3ObjectKey: key } = this.asset;
    const place = { bucket, key, sha256: this.sha256 };
    fn.handler.addEnvironment("RUNNER", Stack.of(fn).toJsonString(place));
    fn.allow("s3", ["GetObject"], [this.asset.bucket.arnForObjects(key)]);
  }
}
