import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { yard } from "../../helpers/cli.ts";

function folder(files: Readonly<Record<string, string>>): string {
  const cwd = mkdtempSync(join(tmpdir(), "trainyard-cost-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(cwd, name, ".."), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
  return cwd;
}

const resources = {
  Nat: { Type: "AWS::EC2::NatGateway" },
  Key: { Type: "AWS::SecretsManager::Secret" },
  Alarm: { Type: "AWS::CloudWatch::Alarm" },
  Bucket: { Type: "AWS::S3::Bucket" },
  Ship: { Type: "AWS::Space::Ship" },
};

test("an idle month is the sum of what is billed without use, and says what it knows no price of", async () => {
  const cwd = folder({ "cdk.out/a.template.json": JSON.stringify({ Resources: resources }) });

  const { code, out, err } = await yard(["cost", "idle", "-o", "json"], { cwd });

  const month = JSON.parse(out);
  expect(code).toBe(0);
  expect(month.lines.map(({ id }: { id: string }) => id)).toEqual(["Nat", "Key", "Alarm"]);
  expect(month.listUsd).toBeCloseTo(0.045 * 730 + 0.4 + 0.1, 6);
  expect(month.usd).toBeCloseTo(0.045 * 730 + 0.4, 6);
  expect(err).toContain("AWS::Space::Ship");
});

test("a person sees each line and both sums", async () => {
  const cwd = folder({ "out/a.template.json": JSON.stringify({ Resources: { Key: resources.Key } }) });

  const { out } = await yard(["cost", "idle", "out"], { cwd, terminal: 100 });

  expect(out).toMatch(/a Key +0\.40 USD {2}secret/);
  expect(out).toMatch(/After what AWS always gives +0\.40 USD/);
});

test("without templates it says how they are made", async () => {
  const { code, err } = await yard(["cost", "idle"], { cwd: folder({}) });

  expect(code).not.toBe(0);
  expect(err).toContain("npx cdk synth");
});

const JOB = `command: python train.py
environment: {image: "python:3.12"}
resources: {instance_type: g5.xlarge, instance_count: 2}
limits: {timeout: 7200}
`;

test("a job is priced by its file: machines, disks, addresses, the time it may take", async () => {
  const cwd = folder({ "job.yml": JOB });
  const hourly = 2 * (1.006 + (100 * 0.08) / 730 + 0.005);

  const { out } = await yard(["cost", "run", "-f", "job.yml", "-o", "json"], { cwd });
  const longer = await yard(["cost", "run", "-f", "job.yml", "--size", "c6i.4xlarge", "--hours", "30m", "-o", "json"], {
    cwd,
  });

  expect(JSON.parse(out).usd).toBeCloseTo(2 * hourly, 6);
  expect(JSON.parse(longer.out)).toMatchObject({ machine: "c6i.4xlarge", machines: 2, hours: 0.5 });
  expect(JSON.parse(longer.out).usdPerHour).toBeCloseTo(2 * (0.68 + 8 / 730 + 0.005), 6);
});

test.each([
  [["--size", "q9.huge"], "no price of `q9.huge`"],
  [["--set", "resources.instance_type="], "which machine"],
])("says what it can't price: %j", async (more, message) => {
  const { code, err } = await yard(["cost", "run", "-f", "job.yml", ...more], { cwd: folder({ "job.yml": JOB }) });

  expect(code).not.toBe(0);
  expect(err).toContain(message);
});
