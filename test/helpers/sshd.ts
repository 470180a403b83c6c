import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort, until } from "./ports.ts";

const SSHD = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find(existsSync);

/** Why tests that need a real sshd can't run here; undefined where they can. */
export const noSshd =
  SSHD === undefined ? "no sshd on this machine: install the Debian package openssh-server" : undefined;

export interface TestSshd {
  readonly port: number;
  readonly username: string;
  /** `SHA256:…` */
  readonly hostKey: string;
  readonly privateKey: string;
  stop(): void;
  start(): Promise<void>;
}

/** An sshd of its own on a free loopback port: own host key, own client key, nothing of the machine's configuration. */
export async function startSshd(dir: string): Promise<TestSshd> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const keygen = (file: string) => execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, file)]);
  keygen("host");
  keygen("client");
  writeFileSync(join(dir, "authorized"), readFileSync(join(dir, "client.pub")), { mode: 0o600 });
  const printed = execFileSync("ssh-keygen", ["-lf", join(dir, "host.pub")], { encoding: "utf8" });
  const port = await freePort();
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(dir, "host")}`,
    `AuthorizedKeysFile ${join(dir, "authorized")}`,
    `PidFile ${join(dir, "sshd.pid")}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "AllowTcpForwarding yes",
    "Subsystem sftp internal-sftp",
  ];
  writeFileSync(join(dir, "sshd_config"), `${config.join("\n")}\n`);
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    // sshd of Debian wants its privilege separation folder.
    if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    let said = "";
    child = spawn(SSHD ?? "", ["-D", "-e", "-f", join(dir, "sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await until(() => said.includes(`listening on 127.0.0.1 port ${port}`), "sshd to listen");
  };
  await start();
  return {
    port,
    username: userInfo().username,
    hostKey: printed.split(" ")[1] ?? "",
    privateKey: readFileSync(join(dir, "client"), "utf8"),
    start,
    stop() {
      child?.kill("SIGKILL");
    },
  };
}
