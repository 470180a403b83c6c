import { describe, expect, it } from "vitest";
import { checkHost, guardedLookup, mayConnect } from "../../../src/adapters/datastores/web-guard.ts";

const NEVER = [
  "169.254.169.254",
  "169.254.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "fe80::1",
  "fd00:ec2::254",
  "::ffff:169.254.169.254",
  "224.0.0.1",
  "255.255.255.255",
  "ff02::1",
  "not an address",
];
const PRIVATE = [
  "127.0.0.1",
  "127.8.8.8",
  "10.1.2.3",
  "172.16.0.1",
  "192.168.1.1",
  "0.0.0.0",
  "::1",
  "::",
  "fc00::1",
  "::ffff:127.0.0.1",
  "100.64.0.1",
];
const PUBLIC = ["8.8.8.8", "172.32.0.1", "2606:4700::1111"];

describe("what the server connects to for a caller", () => {
  it("is never a metadata service or this link", () => {
    for (const address of NEVER)
      expect([address, mayConnect(address, true), mayConnect(address, false)]).toEqual([address, false, false]);
  });

  it("is a private network only from a person's own machine", () => {
    for (const address of PRIVATE)
      expect([address, mayConnect(address, true), mayConnect(address, false)]).toEqual([address, true, false]);
    for (const address of PUBLIC)
      expect([address, mayConnect(address, true), mayConnect(address, false)]).toEqual([address, true, true]);
  });

  it.each([
    "http://169.254.169.254/",
    "http://[fe80::1]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
  ])("sees through the spelling of %s", (address) => {
    expect(() => checkHost(new URL(address), true)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  });

  it("judges names by what they resolve to", async () => {
    const lookUp = (isLaptop: boolean) =>
      new Promise((resolve) => guardedLookup(isLaptop)("localhost", { all: false }, (error) => resolve(error)));

    expect(await lookUp(true)).toBeNull();
    expect(await lookUp(false)).toMatchObject({ code: "InvalidArgument" });
  });
});
