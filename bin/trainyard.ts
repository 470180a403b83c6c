import { App } from "aws-cdk-lib";
import { stageOf } from "../lib/config/stage.ts";
import { composeHome } from "../lib/home.ts";
import config from "../trainyard.config.ts";

// The tool's own check of templates takes 10 of 12 seconds of CPU at each synth; cfn-lint has checked them (test/infra).
const app = new App({ builtinCloudFormationValidation: false });
composeHome(
  app,
  stageOf(config, (name) => app.node.tryGetContext(name), process.env),
);
