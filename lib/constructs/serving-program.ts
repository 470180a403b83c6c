import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { SERVING_PROGRAM } from "../../src/contract/replica.ts";
import { bundleProgram } from "./bundle-program.ts";
import type { HomeFunction } from "./home-function.ts";

const PYTHON = "python/serving";

/** What a deployment's image has of ours, in the deployment's bucket: texts by path, as one JSON file. Images are built with it. */
export class ServingProgram extends Construct {
  /** Where it is. */
  readonly place: { readonly bucket: string; readonly key: string };
  private readonly asset: Asset;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const program = bundleProgram(this, "serving/function/main.ts", "serving.mjs");
    const file = program.replace(/\.mjs$/, ".json");
    writeFileSync(file, JSON.stringify(programFiles(program)));
    this.asset = new Asset(this, "File", { path: file });
    this.place = { bucket: this.asset.s3BucketName, key: this.asset.s3ObjectKey };
  }

  grantRead(fn: HomeFunction): void {
    fn.allow("s3", ["GetObject"], [this.asset.bucket.arnForObjects(this.place.key)]);
  }
}

/** The bundled program, model servers, and what stands in for modules that scripts may import: texts by path in an image. */
export function programFiles(bundle: string): Readonly<Record<string, string>> {
  const folder = fileURLToPath(new URL(`../../${PYTHON}`, import.meta.url));
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".py"));
  const python = names.sort().map((name) => [`${PYTHON}/${name}`, readFileSync(join(folder, name), "utf8")]);
  return { [SERVING_PROGRAM]: readFileSync(bundle, "utf8"), ...Object.fromEntries(python) };
}
