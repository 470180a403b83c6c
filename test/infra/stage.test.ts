import { expect, test } from "vitest";
import { stageOf } from "../../lib/config/stage.ts";

const of = (context: Readonly<Record<string, unknown>>) => stageOf((name) => context[name], {});

test("a stage has defaults that keep data, and takes what the command line can say", () => {
  expect(of({})).toMatchObject({ name: "trainyard", retain: true });
  expect(of({ stage: "try-1", retain: "false" })).toMatchObject({ name: "try-1", retain: false });
  expect(stageOf(() => undefined, { CDK_DEFAULT_ACCOUNT: "1", CDK_DEFAULT_REGION: "r" })).toMatchObject({
    account: "1",
    region: "r",
  });
});

test("an issuer comes with this home's client there", () => {
  const signIn = { oidcIssuer: "https://login.example.org", oidcClientId: "abc" };

  expect(of(signIn).signIn).toEqual({ issuer: "https://login.example.org", clientId: "abc" });
  expect(of({}).signIn).toBeUndefined();
  expect(() => of({ oidcIssuer: "https://login.example.org" })).toThrow("`oidcClientId` must be the id");
});

test.each([
  { stage: "Upper" },
  { stage: "" },
  { stage: "a".repeat(32) },
  { stage: 7 },
  { retain: "perhaps" },
  { oidcIssuer: "nowhere" },
])("refuses %j with the name and the value", (context) => {
  const [[name, value] = ["", ""]] = Object.entries(context);

  expect(() => of(context)).toThrow(`context \`${name}\` is \`${String(value)}\``);
});
