import type * as z from "zod";
import type { Method, Route } from "../contract/route.ts";
import type { WireResponse } from "./transport.ts";

/** What the client needs of a route at run time; a contract route is one, and so is a light one (routes.ts). */
export interface RouteFacts {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
}

/** A route without its schemas: `shape` exists for types only. */
export interface LightRoute<R> extends RouteFacts {
  readonly bytesIn?: true;
  readonly bytesOut?: true;
  readonly shape?: R;
}

/** The contract route behind a light one. */
type Full<R> = R extends { readonly params: z.ZodObject } ? R : R extends LightRoute<infer Contract> ? Contract : never;

type Params<R> = R extends Route<infer P, z.ZodObject, infer _B, infer _A> ? z.input<P> : never;
type Query<R> = R extends Route<z.ZodObject, infer Q, infer _B, infer _A> ? z.output<Q> : never;
type Body<R> =
  R extends Route<z.ZodObject, z.ZodObject, infer B, infer _A>
    ? B extends z.ZodType
      ? z.input<B>
      : B extends "bytes"
        ? Uint8Array | ReadableStream<Uint8Array> | (() => ReadableStream<Uint8Array>)
        : undefined
    : never;
type Answer<R> =
  R extends Route<z.ZodObject, z.ZodObject, infer _B, infer A>
    ? A extends z.ZodType
      ? z.output<A>
      : WireResponse
    : never;

type Needed<Name extends string, T> =
  Record<never, never> extends T ? { readonly [K in Name]?: T } : { readonly [K in Name]: T };

/** What a call of a route takes: `params` unless it has none, `body` where it has one. */
export type CallInput<R> = Needed<"params", Params<Full<R>>> & { readonly query?: Query<Full<R>> } & (Body<
    Full<R>
  > extends undefined
    ? { readonly body?: undefined }
    : { readonly body: Body<Full<R>> }) & {
    readonly signal?: AbortSignal | undefined;
    readonly headers?: Readonly<Record<string, string>>;
  };

/** JSON routes answer their data; routes of bytes the response, whose body is still to be read. */
export type CallAnswer<R> = Answer<Full<R>>;
