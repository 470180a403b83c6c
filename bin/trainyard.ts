import { App, Tags } from "aws-cdk-lib";
import { stageOf } from "../lib/config/stage.ts";
import { ApiStack } from "../lib/stacks/api-stack.ts";
import { DataStack } from "../lib/stacks/data-stack.ts";

const app = new App();
const stage = stageOf((name) => app.node.tryGetContext(name), process.env);
const env =
  stage.account !== undefined && stage.region !== undefined
    ? { account: stage.account, region: stage.region }
    : undefined;
const props = env === undefined ? {} : { env };

const data = new DataStack(app, `${stage.name}-data`, { ...props, retain: stage.retain });
new ApiStack(app, `${stage.name}-api`, { ...props, table: data.table, objects: data.objects, vaultKey: data.vaultKey });

// What a reconciler and the bill recognise us by.
Tags.of(app).add("trainyard:stage", stage.name);
