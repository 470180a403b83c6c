import { join } from "../complain.ts";
import { child, type SpecNode, textOf } from "../nodes.ts";
import { kindOfPath, resolvePath, shownPath } from "../paths.ts";
import { hasPlaceholder, parseRef } from "../refs.ts";
import {
  anything,
  boolean,
  type CheckContext,
  type CustomType,
  type Field,
  integer,
  list,
  map,
  need,
  number,
  object,
  oneOf,
  ref,
  shape,
  type Type,
  text,
} from "../schema.ts";
import { codeConfiguration, inlineModel } from "./assets.ts";
import { compute, description, environment, envVars, resources, serverFields } from "./common.ts";
import { serviceIdentity } from "./computes.ts";
import { inputs, outputs } from "./inputs.ts";

const ENDPOINT_NAME = /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/;

/** Part of an address: letters, digits and hyphens. Azure's service asks for 3 to 32 characters; its own files go beyond. */
const endpointName: CustomType = {
  t: "custom",
  noun: "an endpoint name",
  json: { type: "string", pattern: ENDPOINT_NAME.source },
  check(node, at, ctx) {
    if (node.form !== "scalar" || node.kind === "null") {
      ctx.findings.error(node, at, "`name` must be text");
      return undefined;
    }
    if (!ENDPOINT_NAME.test(node.text)) {
      const plain = node.text.replace(/[^-a-zA-Z0-9]+/g, "-").replace(/^[^a-zA-Z]+|-+$/g, "");
      const hint = plain === "" ? undefined : `write \`${plain}\``;
      ctx.findings.error(node, at, `endpoint name \`${node.text}\` must match \`${ENDPOINT_NAME.source}\``, hint);
      return undefined;
    }
    if (node.text.length < 3 || node.text.length > 32)
      ctx.findings.warn(
        node,
        at,
        `Azure takes endpoint names of 3 to 32 characters, \`${node.text}\` has ${node.text.length}`,
      );
    return node.text;
  },
};
/** A deployment's name may hold `_`, as in Azure's own examples. */
const deploymentName = text({ pattern: /^[A-Za-z0-9][-A-Za-z0-9_]*$/, says: "letters, digits, `-`, `_`" });

const share = integer(0, 100);

function checkTraffic(node: SpecNode, at: string, ctx: CheckContext): void {
  const sum = (name: string) => {
    const given = child(node, name);
    if (given?.form !== "map") return 0;
    return [...given.entries.values()].reduce(
      (total, entry) => total + (entry.node.form === "scalar" ? Number(entry.node.text) : 0),
      0,
    );
  };
  const traffic = child(node, "traffic");
  const total = sum("traffic");
  if (traffic && total !== 0 && total !== 100) {
    ctx.findings.error(traffic, join(at, "traffic"), `traffic adds up to ${total}, not to 0 or 100`);
  }
  const mirror = child(node, "mirror_traffic");
  if (mirror && sum("mirror_traffic") > 50) {
    ctx.findings.error(
      mirror,
      join(at, "mirror_traffic"),
      `mirrored traffic adds up to ${sum("mirror_traffic")}, above 50`,
    );
  }
}

const endpoint: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  name: need(endpointName),
  description,
  tags: map(anything),
  properties: map(anything),
  auth_mode: oneOf("key", "aml_token", "aad_token"),
  identity: serviceIdentity,
  location: text(),
  provisioning_state: anything,
  scoring_uri: anything,
  openapi_uri: anything,
  ...serverFields,
};

export const onlineEndpoint = object(
  "an online endpoint",
  {
    ...endpoint,
    traffic: map(share, { keyNoun: "deployment name" }),
    mirror_traffic: map(share, { keyNoun: "deployment name" }),
    public_network_access: oneOf("enabled", "disabled"),
  },
  { check: checkTraffic },
);
export const kubernetesEndpoint = object(
  "a Kubernetes online endpoint",
  {
    ...endpoint,
    compute,
    traffic: map(share),
    mirror_traffic: map(share),
    public_network_access: oneOf("enabled", "disabled"),
    type: anything,
  },
  { check: checkTraffic },
);
export const batchEndpoint = object("a batch endpoint", {
  ...endpoint,
  defaults: shape({ text: text(), map: object("endpoint defaults", { deployment_name: text() }) }),
});

const probe = object("a probe", {
  initial_delay: integer(0),
  period: integer(1),
  timeout: integer(1),
  success_threshold: integer(1),
  failure_threshold: integer(1),
  path: text(),
  method: text(),
});
const model: Type = shape({ text: ref("model", { versioned: true, uri: true }), map: inlineModel });

/** Name and endpoint may come from the command line instead: `--name`, `--endpoint-name`. */
const deployment: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  name: deploymentName,
  endpoint_name: text(),
  description,
  tags: map(anything),
  properties: map(anything),
  model,
  code_configuration: codeConfiguration,
  environment,
  environment_variables: envVars,
  provisioning_state: anything,
  ...serverFields,
};

const online: Readonly<Record<string, Type | Field>> = {
  ...deployment,
  type: oneOf("managed", "kubernetes"),
  app_insights_enabled: boolean,
  instance_count: integer(1),
  scale_settings: object("scale settings", {
    type: need(oneOf("default", "target_utilization")),
    scale_type: text(),
    min_instances: integer(0),
    max_instances: integer(1),
    polling_interval: integer(1),
    target_utilization_percentage: integer(1, 100),
  }),
  request_settings: object("request settings", {
    request_timeout_ms: integer(1),
    max_concurrent_requests_per_instance: integer(1),
    max_queue_wait_ms: integer(0),
  }),
  liveness_probe: probe,
  readiness_probe: probe,
  startup_probe: probe,
  model_mount_path: text(),
  data_collector: object("a data collector", {
    collections: map(
      object("a collection", {
        enabled: need(oneOf("true", "false")),
        client_id: text(),
        data: shape({
          text: text(),
          map: object("collected data", {
            data_id: text(),
            name: text(),
            path: text(),
            version: text({ lenient: true }),
          }),
        }),
        sampling_rate: number(0, 1),
      }),
    ),
    rolling_rate: oneOf("year", "month", "day", "hour", "minute"),
    sampling_rate: number(0, 1),
    request_logging: object("request logging", { capture_headers: list(text()) }),
  }),
};

function checkScoring(node: SpecNode, at: string, ctx: CheckContext): void {
  const code = child(node, "code_configuration");
  if (code?.form === "map" && child(code, "scoring_script") === undefined) {
    ctx.findings.error(code, join(at, "code_configuration.scoring_script"), "missing required field `scoring_script`");
  }
  checkScriptExists(code, at, ctx);
  const scale = child(node, "scale_settings");
  const [low, high] = [child(scale, "min_instances"), child(scale, "max_instances")];
  if (low?.form === "scalar" && high?.form === "scalar" && Number(low.text) > Number(high.text)) {
    ctx.findings.error(
      high,
      join(at, "scale_settings.max_instances"),
      `\`max_instances\` is ${high.text}, below \`min_instances\` ${low.text}`,
    );
  }
}

/** The script is looked for in the code folder when both are plain local paths. */
function checkScriptExists(code: SpecNode | undefined, at: string, ctx: CheckContext): void {
  const folder = textOf(child(code, "code"));
  const script = child(code, "scoring_script");
  if (folder === undefined || script?.form !== "scalar" || !ctx.files) return;
  const parsed = parseRef(folder);
  if (parsed.form !== "local" || hasPlaceholder(folder) || hasPlaceholder(script.text)) return;
  const dir = resolvePath(ctx.dir, parsed.path);
  if (kindOfPath(ctx.reader, dir) !== "dir") return;
  const file = resolvePath(dir, script.text);
  if (kindOfPath(ctx.reader, file) !== "file") {
    ctx.findings.error(
      script,
      join(at, "code_configuration.scoring_script"),
      `scoring script not found: \`${shownPath(ctx.reader, file)}\``,
    );
  }
}

export const onlineDeployment = object(
  "an online deployment",
  {
    ...online,
    instance_type: need(text()),
    egress_public_network_access: oneOf("enabled", "disabled"),
    private_network_connection: boolean,
  },
  { check: checkScoring },
);

const amount = object(
  "amounts",
  {
    cpu: text({ lenient: true }),
    memory: text({ lenient: true }),
    gpu: text({ lenient: true }),
    "nvidia.com/gpu": text({ lenient: true }),
  },
  { loose: true },
);
export const kubernetesDeployment = object(
  "a Kubernetes online deployment",
  {
    ...online,
    instance_type: text(),
    resources: object("resource requirements", { requests: amount, limits: amount }),
  },
  { check: checkScoring },
);

const batchSettings: Readonly<Record<string, Type | Field>> = {
  mini_batch_size: integer(1),
  instance_count: integer(1),
  max_concurrency_per_instance: integer(1),
  output_action: oneOf("append_row", "summary_only"),
  output_file_name: text(),
  retry_settings: object("retry settings", { max_retries: integer(0), timeout: integer(1) }),
  error_threshold: integer(-1),
  logging_level: oneOf("info", "warning", "debug"),
  environment_variables: envVars,
};
const batch: Readonly<Record<string, Type | Field>> = {
  ...deployment,
  type: oneOf("model", "pipeline"),
  compute,
  resources,
};

/** The older form has the settings at its root. */
export const legacyBatchDeployment = object(
  "a batch deployment",
  { ...batch, ...batchSettings, job_definition: anything, component: anything },
  { check: checkScoring },
);
export const modelBatchDeployment = object(
  "a model batch deployment",
  { ...batch, compute: need(compute), error_threshold: integer(-1), settings: object("batch settings", batchSettings) },
  { check: checkScoring },
);

function checkPipelineDeployment(node: SpecNode, at: string, ctx: CheckContext): void {
  const component = child(node, "component");
  const text = textOf(component);
  if (!component || text === undefined) return;
  const parsed = parseRef(text);
  if (parsed.form === "local")
    ctx.specs.load("component", parsed.path, component, join(at, "component"), { ...ctx, anonymous: true });
}
export const pipelineBatchDeployment = object(
  "a pipeline batch deployment",
  {
    $schema: anything,
    name: deploymentName,
    endpoint_name: text(),
    type: oneOf("pipeline"),
    description,
    tags: map(anything),
    properties: map(anything),
    component: shape({ text: ref("component", { versioned: "lax", local: "file" }), map: anything }),
    job_definition: shape({ text: ref("job", { bare: true }), map: anything }),
    settings: map(anything),
    ...serverFields,
  },
  {
    oneOf: [["component", "job_definition"]],
    notTogether: [["component", "job_definition"]],
    check: checkPipelineDeployment,
  },
);

export const batchInvokeInputs = object(
  "inputs of a batch job",
  { $schema: anything, inputs, outputs },
  { oneOf: [["inputs", "outputs"]] },
);

export const serverlessEndpoint = object("a serverless endpoint", {
  $schema: anything,
  name: need(endpointName),
  model_id: need(text()),
  auth_mode: text(),
  tags: map(anything),
  properties: map(anything),
  description,
  display_name: text(),
  location: text(),
  provisioning_state: anything,
  scoring_uri: anything,
  openapi_uri: anything,
  ...serverFields,
});
