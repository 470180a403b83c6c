/** Items of a page when the caller names no limit. */
const DEFAULT_LIMIT = 100;

/** Limit and cursor as stores want them. */
export function pageOf(query: { readonly limit?: number | undefined; readonly cursor?: string | undefined }): {
  readonly limit: number;
  readonly cursor?: string;
} {
  return { limit: query.limit ?? DEFAULT_LIMIT, ...(query.cursor === undefined ? {} : { cursor: query.cursor }) };
}

/** A page as it travels. */
export function answerPage<T, R>(
  page: { readonly items: readonly T[]; readonly cursor?: string },
  view: (item: T) => R,
): { items: R[]; next_cursor?: string } {
  return { items: page.items.map(view), ...(page.cursor === undefined ? {} : { next_cursor: page.cursor }) };
}
