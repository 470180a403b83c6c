interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string | undefined;
}

/** Items over all pages, fetched as they are asked for. */
export async function* itemsOf<T>(page: (cursor: string | undefined) => Promise<Page<T>>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const { items, next_cursor } = await page(cursor);
    yield* items;
    cursor = next_cursor;
  } while (cursor !== undefined);
}
