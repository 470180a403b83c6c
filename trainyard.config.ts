import type { TrainyardConfig } from "./lib/config/stage.ts";

/** What `cdk deploy --all -c stage=NAME` deploys; without `-c stage` it is `trainyard`. lib/config/stage.ts and docs/deploying.md say what may be set. */
const config: TrainyardConfig = {
  stages: {
    trainyard: {},
  },
};

export default config;
