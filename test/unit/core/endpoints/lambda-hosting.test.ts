import { describe, expect, test } from "vitest";
import { LAMBDA_HOSTING } from "../../../../src/core/endpoints/lambda-hosting.ts";

const { judgeEndpoint, planDeployment } = LAMBDA_HOSTING;

describe("deployments on AWS Lambda", () => {
  test.each([
    [undefined, 2048],
    ["Standard_F2s_v2", 3538],
    ["Standard_DS3_v2", 7076],
    ["m5.large", 3538],
    ["Standard_F72s_v2", 10_240],
  ])("of instance_type %s have memory by the vCPU: %d MB", (instance_type, memoryMb) => {
    const { size, instanceCount, warnings } = planDeployment(instance_type === undefined ? {} : { instance_type });

    expect([size?.memoryMb, instanceCount]).toEqual([memoryMb, 1]);
    expect(warnings).toHaveLength(instance_type === undefined ? 0 : 1);
  });

  test.each([
    ["NotSupported", { instance_type: "Standard_NC4as_T4_v3" }],
    ["InvalidArgument", { instance_type: "Standard_Nonsense" }],
  ])("are refused with %s for %j", (code, spec) => {
    expect(() => planDeployment(spec)).toThrow(expect.objectContaining({ code }));
  });

  test("may take as long as probe, request and bringing the model together, and a quarter of an hour at most", () => {
    const slow = { initial_delay: 600, period: 60, failure_threshold: 10 };

    expect(planDeployment({}).size?.timeoutSec).toBe(60 + 10 + 10 * 30 + 6);
    expect(planDeployment({ readiness_probe: slow }).size?.timeoutSec).toBe(900);
  });

  test("say what is kept and not acted upon", () => {
    const { warnings } = planDeployment({
      instance_count: 3,
      request_settings: { max_concurrent_requests_per_instance: 8 },
      egress_public_network_access: "disabled",
      app_insights_enabled: true,
    });

    expect(warnings.map((warning) => /`([a-z_]+)/.exec(warning)?.[1])).toEqual([
      "instance_count",
      "max_concurrent_requests_per_instance",
      "egress_public_network_access",
      "app_insights_enabled",
    ]);
  });
});

describe("endpoints on AWS Lambda", () => {
  test.each([{}, { compute: "lambda" }, { compute: "azureml:Lambda" }])("are taken as %j", (spec) => {
    expect(judgeEndpoint(spec)).toEqual([]);
  });

  test.each([{ compute: "azureml:aks" }, { public_network_access: "disabled" as const }])(
    "are refused as %j",
    (spec) => {
      expect(() => judgeEndpoint(spec)).toThrow(expect.objectContaining({ code: "NotSupported" }));
    },
  );
});
