import { isAppError } from "../../src/contract/errors.ts";
import type { Machine } from "../../src/core/coordinator/machine.ts";
import type { JobRecord } from "../../src/core/jobs/record.ts";
import { isFinal } from "../../src/core/jobs/state.ts";
import { Judge } from "./judge.ts";
import { KINDS } from "./kinds.ts";
import { planted } from "./plant-machines.ts";
import type { Plant } from "./plants.ts";
import { makeRandom, type Random } from "./random.ts";
import { COMPUTE, type Role, WORKSPACE } from "./records.ts";
import { Machines } from "./runners.ts";
import { type CompositeSpec, courseOf, type Scenario } from "./scenario.ts";
import { Scheduler } from "./scheduler.ts";
import { Server } from "./server.ts";
import { Records } from "./store.ts";

const ROUND_MS = 60_000;
const VISIBLE_MS = 30_000;
const RECEIVES = 3;
const ROOT = "root";

export interface Message {
  readonly topic: "compose" | "dispatch" | "round";
  readonly job: string;
  readonly received: number;
}

/** Servers, machines and messages around the records, moved by a scheduler. */
export class World {
  readonly scheduler: Scheduler;
  readonly records: Records;
  readonly machines: Machines;
  readonly judge: Judge;
  readonly plant: Plant | undefined;
  readonly compute;
  private readonly random: Random;
  private readonly scenario: Scenario;
  private readonly roles = new Map<string, Role>();
  private readonly servers: Server[] = [];
  /** What a server is doing, to be done again should it die. */
  private readonly doing = new Map<Server, Set<() => void>>();
  private turn: Server | undefined;
  private turnWanted = false;
  private turns = 0;

  constructor(scenario: Scenario, plant?: Plant) {
    this.scenario = scenario;
    this.plant = plant;
    this.random = makeRandom(scenario.seed ^ 0x5eed);
    this.compute = { workspace: WORKSPACE, name: COMPUTE, spec: { type: "local" as const, slots: scenario.slots } };
    this.scheduler = new Scheduler(this.random, scenario.faults.crash, (process) => this.crashed(process as Server));
    this.judge = new Judge(this);
    this.records = new Records((job) => this.judge.becameFinal(job), plant);
    const { scheduler, random, records, judge } = this;
    this.machines = new Machines({
      scheduler,
      random,
      plant,
      lost: scenario.faults.lost,
      jobs: records.jobs,
      courseOf: (job) => {
        const { spec, order } = this.role(job);
        if (spec.kind !== "leaf") throw new Error(`composite \`${job}\` was launched`);
        return courseOf(spec, order);
      },
      began: (job, attempt) => judge.began(job, attempt),
      ended: (_job, attempt) => judge.stopped(attempt),
      report: (job, report, answered) => this.request((server) => server.report(job, report), answered),
    });
  }

  /** Runs the scenario to its end; answers what was wrong. */
  async run(): Promise<readonly string[]> {
    const { scenario } = this;
    for (let i = 0; i < scenario.servers; i++) this.startServer();
    const order = { child: ROOT, node: ROOT };
    const { cancelAtMs, root } = scenario;
    this.request(
      (server) => server.submit({ id: ROOT, spec: root, order }),
      () => undefined,
    );
    if (cancelAtMs !== undefined) this.scheduler.after(cancelAtMs, () => this.cancel(ROOT));
    for (let i = 0; i < scenario.faults.strayCancels; i++) {
      this.scheduler.after(this.random.int(0, 20_000), () => this.cancelSomething());
    }
    this.scheduler.after(this.random.int(0, ROUND_MS), () => this.round());
    const stuck = await this.scheduler.run(() => this.judge.violations.length > 0 || this.isOver());
    if (stuck !== undefined) this.judge.violate(`the root is not final: ${stuck}`);
    else if (this.judge.violations.length === 0) this.judge.compare(ROOT);
    return this.judge.violations;
  }

  role(job: string): Role {
    const role = this.roles.get(job);
    if (role === undefined) throw new Error(`there is no job \`${job}\``);
    return role;
  }

  childId(parent: string, child: string): string {
    return `${parent}/${child}`;
  }

  create(role: Role, record: JobRecord): void {
    this.roles.set(role.id, role);
    this.judge.created(role);
    this.records.put(undefined, record);
  }

  nextTurn(): number {
    return this.turns++;
  }

  machineOf(kind: CompositeSpec["kind"]): Machine<unknown, unknown> {
    return planted(KINDS[kind].machine, this.plant);
  }

  send(message: Message): void {
    const { lost, doubled, late } = this.scenario.faults;
    if (this.random.chance(lost)) return;
    const inMs = this.random.chance(late) ? this.random.int(1000, 300_000) : this.random.int(0, 30);
    this.scheduler.after(inMs, () => this.deliver(message));
    if (!this.random.chance(doubled)) return;
    // Copies that meet are the harder case.
    const apartMs = this.random.chance(0.7) ? this.random.int(0, 10) : this.random.int(0, 300_000);
    this.scheduler.after(inMs + apartMs, () => this.deliver(message));
  }

  /** One dispatcher at a time; who comes second makes the first look again. */
  async takeTurn(server: Server, work: () => Promise<void>): Promise<void> {
    if (this.turn?.alive === true) {
      this.turnWanted = true;
      return;
    }
    this.turn = server;
    do {
      this.turnWanted = false;
      await work();
    } while (this.turnWanted);
    this.turn = undefined;
  }

  private isOver(): boolean {
    const root = this.records.jobs.get(ROOT);
    return root !== undefined && isFinal(root.status);
  }

  private startServer(): void {
    const server = new Server(this);
    this.servers.push(server);
    this.doing.set(server, new Set());
  }

  private crashed(server: Server): void {
    this.servers.splice(this.servers.indexOf(server), 1);
    const again = this.doing.get(server) ?? [];
    this.doing.delete(server);
    this.startServer();
    for (const redo of again) redo();
  }

  private deliver(message: Message): void {
    if (message.received >= RECEIVES) return;
    const again = () => {
      this.scheduler.after(VISIBLE_MS, () => this.deliver({ ...message, received: message.received + 1 }));
    };
    this.onServer(
      (server) => handle(server, message),
      again,
      () => undefined,
    );
  }

  /** Asked again until it is answered, and sometimes once more after that. */
  private request<T>(ask: (server: Server) => Promise<T>, answered: (answer: T) => void): void {
    const again = () => this.scheduler.after(this.random.int(500, 2000), () => this.request(ask, answered));
    if (this.random.chance(this.scenario.faults.lost)) again();
    else
      this.onServer(ask, again, (answer) =>
        this.random.chance(this.scenario.faults.lost) ? again() : answered(answer),
      );
  }

  private onServer<T>(work: (server: Server) => Promise<T>, again: () => void, done: (answer: T) => void): void {
    const server = this.random.pick(this.servers);
    const doing = this.doing.get(server);
    doing?.add(again);
    work(server).then(
      (answer) => {
        doing?.delete(again);
        done(answer);
      },
      (error: unknown) => {
        doing?.delete(again);
        if (isAppError(error) && error.code === "Unavailable") again();
        else this.judge.violate(`a server failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
      },
    );
  }

  private round(): void {
    this.deliver({ topic: "round", job: "", received: 0 });
    this.scheduler.after(ROUND_MS, () => this.round());
  }

  private cancel(job: string): void {
    this.request(
      async (server) => {
        if (this.records.jobs.has(job)) await server.cancel(job, "enough");
      },
      () => undefined,
    );
  }

  private cancelSomething(): void {
    const open = this.records.open(false);
    if (open.length === 0) return;
    const { name } = this.random.pick(open);
    this.judge.touched.add(name);
    this.cancel(name);
  }
}

function handle(server: Server, { topic, job }: Message): Promise<void> {
  if (topic === "compose") return server.compose(job);
  return topic === "dispatch" ? server.dispatch() : server.round();
}
