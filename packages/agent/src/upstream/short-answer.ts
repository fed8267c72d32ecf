import type { Readable } from "node:stream";

/**
 * Reads an answer of unknown length to its end, if it is short and comes at once; many servers say no length even of what is short.
 * @returns the whole of it; undefined when there is more than `maxBytes`, or it takes longer than `momentMs`: what was read is still in the stream then
 * @throws what breaks the stream off
 */
export function readShort(
  answer: Readable,
  { maxBytes, momentMs }: { maxBytes: number; momentMs: number },
): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  const pieces: Buffer[] = [];
  let size = 0;
  const read = () => {
    for (let piece: Buffer | null; (piece = answer.read() as Buffer | null) !== null; size += piece.length)
      pieces.push(piece);
    if (size > maxBytes) leave();
  };
  const stop = () => {
    clearTimeout(timer);
    answer.off("readable", read).off("end", whole).off("error", broken).off("close", broken);
  };
  const whole = () => {
    stop();
    resolve(Buffer.concat(pieces));
  };
  const broken = (error: Error = new Error("the server closed the connection within its answer")) => {
    stop();
    reject(error);
  };
  const leave = () => {
    stop();
    if (size > 0) answer.unshift(Buffer.concat(pieces));
    resolve(undefined);
  };
  const timer = setTimeout(leave, momentMs);
  answer.on("readable", read).on("end", whole).on("error", broken).on("close", broken);
  return promise;
}
