import type { Channel } from "../../contract/notifications.ts";
import type { Deed } from "../jobs/ports.ts";

/** Messages that are notices under way. */
export const SEND_TOPIC = "notifications.send";

export interface NotificationRecord {
  readonly workspace: string;
  readonly name: string;
  readonly description?: string;
  readonly events: readonly string[];
  /** Pattern of what it is about. */
  readonly about?: string;
  /** Without what is secret of it: that is in the vault. */
  readonly channel: { readonly type: Channel["type"]; readonly to: string };
  readonly isEnabled: boolean;
  readonly lastFailure?: { readonly atMs: number; readonly reason: string };
  /** Nothing that happened before is told. */
  readonly sinceMs: number;
  readonly createdMs: number;
  readonly createdBy: string;
  /** Counts writes. */
  readonly rev: number;
}

export interface NotificationStore {
  get(workspace: string, name: string): Promise<NotificationRecord | undefined>;
  /** By name. */
  list(
    workspace: string,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly items: readonly NotificationRecord[]; readonly cursor?: string }>;
  /** `expectedRev` 0: it must not exist. Without a deed nothing is told of it. False when somebody was faster. */
  put(record: NotificationRecord, expectedRev: number, deed: Deed | undefined): Promise<boolean>;
  /** False when it is not there (any more) at this revision. */
  delete(record: NotificationRecord, actor: string): Promise<boolean>;
}

/** What is sent: one sentence, and what it is about. */
export interface Notice {
  readonly id: string;
  readonly event: string;
  readonly at: string;
  readonly workspace: string;
  readonly resource: string;
  readonly name: string;
  readonly actor: string;
  readonly summary: string;
}

/** Carries notices by the channels that a home has. Throws what went wrong. */
export interface Courier {
  /** Throws NotSupported for what this home has not, InvalidArgument for an address that it must not reach. Gets a channel ready, such as by asking a mailbox. */
  prepare(channel: Channel): Promise<void>;
  send(channel: Channel, notice: Notice, secret: string): Promise<void>;
}

/** Name of a notification's channel and signing secret in the vault. */
export const notificationSecret = (workspace: string, name: string): string => `notifications/${workspace}/${name}`;

/** What the vault keeps of it. */
export interface NotificationSecret {
  readonly channel: Channel;
  readonly secret: string;
}
