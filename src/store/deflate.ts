/** Texts that are long and alike, as bytes. */
export async function deflateText(text: string): Promise<Uint8Array> {
  return through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
}

export async function inflateText(bytes: Uint8Array): Promise<string> {
  return new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw")));
}

async function through(bytes: Uint8Array, pipe: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const body = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(pipe);
  return new Uint8Array(await new Response(body).arrayBuffer());
}
