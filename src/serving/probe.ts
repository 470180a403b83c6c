import { request } from "node:http";

/** Whether `GET /` on the socket is answered with 200 in time. */
export function isHealthy(socket: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request(
      { socketPath: socket, path: "/", method: "GET", agent: false, timeout: timeoutMs },
      (answer) => {
        answer.resume();
        answer.on("error", () => resolve(false));
        answer.on("end", () => resolve(answer.statusCode === 200));
      },
    );
    probe.on("timeout", () => probe.destroy());
    probe.on("error", () => resolve(false));
    probe.on("close", () => resolve(false));
    probe.end();
  });
}
