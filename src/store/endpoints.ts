import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Changes, EndpointStore } from "../core/endpoints/ports.ts";
import type { DeploymentRecord, EndpointRecord, RevisionRecord } from "../core/endpoints/record.ts";
import type { Clause, Item, Key, Page, Query, Table, Value, Write } from "../core/ports/table.ts";
import { ABSENT } from "../core/ports/table.ts";
import { DELETING_ENDPOINTS, deploymentKey, endpointKey, revisionKey, UNSETTLED_DEPLOYMENTS } from "./facts/keys.ts";

type Fact = EndpointRecord | DeploymentRecord | RevisionRecord;
type Kind = "ENDPOINT" | "DEPLOYMENT" | "REVISION";

/** Endpoints, deployments and revisions: an item each, its record in one attribute, `rev` beside it for the conditions. */
export function openEndpointStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): EndpointStore {
  const { table } = deps;

  async function all(query: Query): Promise<readonly Item[]> {
    const items: Item[] = [];
    let cursor: string | undefined;
    do {
      const page: Page = await table.query({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return items;
  }

  return {
    async getEndpoint(workspace, name) {
      return factOf<EndpointRecord>("ENDPOINT", await table.get(endpointKey(workspace, name)));
    },
    async listEndpoints({ workspace, limit, cursor }) {
      const { pk } = endpointKey(workspace, "");
      const page = await table.query({ pk, limit, ...(cursor === undefined ? {} : { cursor }) });
      const endpoints = page.items.map((item) => mustBe<EndpointRecord>("ENDPOINT", item));
      return { endpoints, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async getDeployment({ workspace, endpoint, deployment }) {
      return factOf<DeploymentRecord>("DEPLOYMENT", await table.get(deploymentKey(workspace, endpoint, deployment)));
    },
    async listDeployments(workspace, endpoint) {
      const items = await all({ pk: deploymentKey(workspace, endpoint, "").pk });
      return items.map((item) => mustBe<DeploymentRecord>("DEPLOYMENT", item));
    },
    async getRevision({ workspace, endpoint, deployment }, number) {
      const item = await table.get(revisionKey(workspace, endpoint, deployment, number));
      return factOf<RevisionRecord>("REVISION", item);
    },
    async listRevisions({ workspace, endpoint, deployment }) {
      const items = await all({ pk: revisionKey(workspace, endpoint, deployment, 0).pk });
      return items.map((item) => mustBe<RevisionRecord>("REVISION", item));
    },
    async save(changes) {
      const result = await table.transact(writesOf(deps.activity, changes));
      return result.ok;
    },
    async unsettled() {
      const items = await all({ index: "gsi1", pk: UNSETTLED_DEPLOYMENTS });
      return items
        .map((item) => mustBe<DeploymentRecord>("DEPLOYMENT", item))
        .map(({ workspace, endpoint, name }) => ({ workspace, endpoint, deployment: name }));
    },
    async deleting() {
      const items = await all({ index: "gsi1", pk: DELETING_ENDPOINTS });
      return items
        .map((item) => mustBe<EndpointRecord>("ENDPOINT", item))
        .map(({ workspace, name }) => ({ workspace, endpoint: name }));
    },
  };
}

function writesOf(activity: ActivityWrite, changes: Changes): Write[] {
  const { endpoint, deployments = [], revisions = [], removed = {}, unchanged } = changes;
  return [
    ...(endpoint === undefined ? [] : [putEndpoint(endpoint)]),
    ...deployments.map(putDeployment),
    ...revisions.map((one) => put("REVISION", keyOfRevision(one), one)),
    ...(removed.endpoint === undefined ? [] : [remove(keyOfEndpoint(removed.endpoint), removed.endpoint)]),
    ...(removed.deployments ?? []).map((one) => remove(keyOfDeployment(one), one)),
    ...(removed.revisions ?? []).map((one) => remove(keyOfRevision(one), one)),
    ...(unchanged === undefined
      ? []
      : [{ kind: "check" as const, key: keyOfEndpoint(unchanged.endpoint), when: asRead(unchanged.endpoint) }]),
    ...(changes.writes ?? []),
    ...(changes.activity === undefined ? [] : [activity(changes.activity)]),
  ];
}

function putEndpoint(record: EndpointRecord): Write {
  const index =
    record.state === "Deleting" ? { gsi1pk: DELETING_ENDPOINTS, gsi1sk: `${record.workspace}#${record.name}` } : {};
  return put("ENDPOINT", keyOfEndpoint(record), record, index);
}

function putDeployment(record: DeploymentRecord): Write {
  const gsi1sk = `${record.workspace}#${record.endpoint}#${record.name}`;
  return put(
    "DEPLOYMENT",
    keyOfDeployment(record),
    record,
    record.unsettled ? { gsi1pk: UNSETTLED_DEPLOYMENTS, gsi1sk } : {},
  );
}

const keyOfEndpoint = (record: EndpointRecord): Key => endpointKey(record.workspace, record.name);
const keyOfDeployment = (record: DeploymentRecord): Key =>
  deploymentKey(record.workspace, record.endpoint, record.name);
const keyOfRevision = (record: RevisionRecord): Key =>
  revisionKey(record.workspace, record.endpoint, record.deployment, record.number);

/** Unchanged since it was read: the count, and the birth, since a record made anew counts from the start. */
function asRead(record: Fact): readonly Clause[] {
  if (record.rev === 0) return ABSENT;
  const rev: Clause = { attr: "rev", op: "eq", value: record.rev };
  return "birth" in record ? [rev, { attr: "birth", op: "eq", value: record.birth }] : [rev];
}

function put(
  type: Kind,
  key: Key,
  record: Fact,
  index: { readonly gsi1pk?: string; readonly gsi1sk?: string } = {},
): Write {
  const { rev, ...rest } = record;
  const birth = "birth" in record ? { birth: record.birth } : {};
  const item: Item = { ...key, type, v: 1, rev: rev + 1, ...birth, record: plain(rest), ...index };
  return { kind: "put", item, when: asRead(record) };
}

function remove(key: Key, record: Fact): Write {
  return { kind: "delete", key, when: asRead(record) };
}

/** Without fields that are undefined. */
function plain(value: object): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

function factOf<T extends Fact>(type: Kind, item: Item | undefined): T | undefined {
  return item === undefined ? undefined : mustBe<T>(type, item);
}

function mustBe<T extends Fact>(type: Kind, item: Item): T {
  if (item.type !== type || item.v !== 1 || typeof item.record !== "object") {
    throw new AppError(
      "Internal",
      `item \`${item.pk}\` \`${item.sk}\` is \`${item.type}\` v${item.v}, not \`${type}\` v1`,
    );
  }
  return { ...(item.record as object), rev: item.rev } as unknown as T;
}
