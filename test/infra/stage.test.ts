import { describe, expect, test } from "vitest";
import { type StageSettings, stageOf } from "../../lib/config/stage.ts";
import config from "../../trainyard.config.ts";

/** A stage by what the command line says, and by what the file says. */
const of = (context: Readonly<Record<string, unknown>>, settings: StageSettings = {}, defaults: StageSettings = {}) =>
  stageOf({ defaults, stages: { trainyard: settings, "try-1": { retain: false } } }, (name) => context[name], {});

test("the file as it comes has a stage whose defaults keep data", () => {
  const stage = stageOf(config, () => undefined, {
    CDK_DEFAULT_ACCOUNT: "111122223333",
    CDK_DEFAULT_REGION: "us-east-1",
  });

  expect(stage).toMatchObject({ name: "trainyard", retain: true, account: "111122223333", region: "us-east-1" });
  expect(stage.network).toBeUndefined();
  expect(stage.kmsKey).toBeUndefined();
});

describe("a setting", () => {
  test("of the command line comes before the stage's, and that before the file's default", () => {
    expect(of({}, {}, { logDays: 7 }).logDays).toBe(7);
    expect(of({}, { logDays: 14 }, { logDays: 7 }).logDays).toBe(14);
    expect(of({ logDays: "60" }, { logDays: 14 }, { logDays: 7 }).logDays).toBe(60);
    expect(of({ retain: "false" }).retain).toBe(false);
    expect(of({ account: "012345678901" }).account).toBe("012345678901");
    expect(of({ throttle: '{"ratePerSec":5}' }).throttle).toEqual({ ratePerSec: 5, burst: 400 });
  });

  test("belongs to the stage that is asked for", () => {
    expect(of({ stage: "try-1" }, { logDays: 7 })).toMatchObject({ name: "try-1", retain: false, logDays: 30 });
  });

  test("of an issuer comes with this home's client there", () => {
    const signIn = { oidcIssuer: "https://login.example.org", oidcClientId: "abc" };

    expect(of(signIn).signIn).toEqual({ issuer: "https://login.example.org", clientId: "abc" });
    expect(of({}).signIn).toBeUndefined();
    expect(() => of({ oidcIssuer: "https://login.example.org" })).toThrow("setting `signIn.clientId`");
  });
});

describe("a wrong setting is refused with its name and value", () => {
  const network = { vpcId: "vpc-0a", availabilityZones: ["a", "b"] };

  test.each([
    [{ stage: "Upper" }, "setting `stage` is `Upper`"],
    [{ stage: "prod" }, "context `stage` is `prod`; trainyard.config.ts has `trainyard`, `try-1`"],
    [{ retain: "perhaps" }, "setting `retain` is `perhaps`"],
    [{ oidcIssuer: "nowhere", oidcClientId: "a" }, "setting `signIn.issuer` is `nowhere`"],
    [{ region: "Frankfurt" }, "setting `region` is `Frankfurt`"],
    [{ logDays: "8" }, "setting `logDays` is `8`"],
  ])("on the command line: %j", (context, message) => {
    expect(() => of(context)).toThrow(message);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ retian: true }, "retian"],
    [{ network }, "has neither `privateSubnetIds` nor `publicSubnetIds`"],
    [{ network: { ...network, privateSubnetIds: ["subnet-0a"] } }, "as many subnets of a kind as `availabilityZones`"],
    [{ network: { ...network, publicSubnetIds: ["subnet-0a", "s"] } }, "`network.publicSubnetIds.1` is `s`"],
    [{ kmsKey: "mine" }, "setting `kmsKey` is `mine`: `new` or an ARN of `kms`"],
    [{ permissionsBoundaryArn: "bounds" }, "an ARN of `iam`"],
    [{ alarmEmail: "me" }, "setting `alarmEmail` is `me`"],
  ])("in the file: %j", (settings, message) => {
    expect(() => of({}, settings as StageSettings)).toThrow(message);
  });
});
