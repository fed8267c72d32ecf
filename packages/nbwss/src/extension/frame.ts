import { DecodeError } from "../errors.ts";

/**
 * A binary message of `sallyport.v1`: type (1 byte), flags (1), stream (6, unsigned, big-endian), then what the type says
 * (docs/protocol.md, frames).
 */
export type Frame =
  | { type: "request"; stream: number; end: boolean; head: Buffer; body: Buffer }
  | { type: "response"; stream: number; end: boolean; head: Buffer; body: Buffer }
  | { type: "data"; stream: number; end: boolean; body: Buffer }
  | { type: "credit"; stream: number; bytes: number }
  | { type: "reset"; stream: number; code: ResetCode; reason: string };

/** A frame that begins something. */
export type HeadFrame = Extract<Frame, { head: Buffer }>;

/** Why a stream ends before its END. */
export const resetCodes = {
  /** The answer is whole, and what is left of the request is not needed. */
  done: 0,
  /** The caller has gone. */
  cancelled: 1,
  /** The deadline is over. */
  deadline: 2,
  /** The body broke off where it comes from. */
  failed: 3,
  /** The body is larger than the receiver takes. */
  too_large: 4,
} as const;

/** The name of a reason to end a stream. */
export type ResetCode = keyof typeof resetCodes;

const types = { request: 1, response: 2, data: 3, credit: 4, reset: 5 } as const;
/** Types from here on are for later versions to add: a frame of a type that is not known is passed over, not an error. */
const firstIgnorableType = 0x80;
const endFlag = 1;
const headerBytes = 8;

/** The most body that one frame carries, bytes: no stream holds the line for longer. */
export const maxChunkBytes = 64 * 1024;
/** The largest head (URI and headers, or status and headers), bytes of JSON. */
export const maxHeadBytes = 64 * 1024;
/** The largest identifier of a stream. */
export const maxStreamId = 2 ** 48 - 1;
/** The most that one CREDIT gives, and that a receiver may have given in sum, bytes. */
export const maxCreditBytes = 2 ** 31 - 1;
const maxReasonBytes = 123;
/** A head and a body, both as large as may be. */
const maxFrameBytes = headerBytes + 4 + maxHeadBytes + maxChunkBytes;

/** A REQUEST or RESPONSE: a head and the beginning of its body, or all of it. */
export function encodeHead(
  type: "request" | "response",
  stream: number,
  head: string,
  more: { body?: Buffer | string | undefined; end: boolean },
): Buffer {
  const { body = "", end } = more;
  const headLength = Buffer.byteLength(head);
  const bodyLength = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  if (headLength > maxHeadBytes) {
    throw new DecodeError("too_large", "", `URI and headers may have at most ${maxHeadBytes} bytes`);
  }
  const frame = start(types[type], stream, end, 4 + headLength + bodyLength);
  frame.writeUInt32BE(headLength, headerBytes);
  frame.write(head, headerBytes + 4);
  if (typeof body === "string") frame.write(body, headerBytes + 4 + headLength);
  else body.copy(frame, headerBytes + 4 + headLength);
  return frame;
}

/** Some of a body, and whether it is the last of it. */
export function encodeData(stream: number, body: Uint8Array, end: boolean): Buffer {
  const frame = start(types.data, stream, end, body.length);
  frame.set(body, headerBytes);
  return frame;
}

/** Leave to send so many more bytes of body. */
export function encodeCredit(stream: number, bytes: number): Buffer {
  const frame = start(types.credit, stream, false, 4);
  frame.writeUInt32BE(bytes, headerBytes);
  return frame;
}

/** The end of a stream, both ways; a reason that is too long is cut. */
export function encodeReset(stream: number, code: ResetCode, reason: string): Buffer {
  const text = Buffer.from(reason).subarray(0, maxReasonBytes).toString().replaceAll("\ufffd", "");
  const frame = start(types.reset, stream, false, 1 + Buffer.byteLength(text));
  frame.writeUInt8(resetCodes[code], headerBytes);
  frame.write(text, headerBytes + 1);
  return frame;
}

/**
 * Reads one frame. What it returns refers to `data`.
 * @throws DecodeError `bad_frame`, `too_large` for a body or head beyond the bounds, `unknown_extension` for a frame of a later version
 *   that is to be passed over
 */
export function decodeFrame(data: Buffer): Frame {
  if (data.length < headerBytes) throw bad(`a frame has at least ${headerBytes} bytes`);
  const type = data.readUInt8(0);
  if (type >= firstIgnorableType) throw ignorable(type, data.length);
  const flags = data.readUInt8(1);
  const stream = data.readUIntBE(2, 6);
  const rest = data.subarray(headerBytes);
  if ((flags & ~endFlag) !== 0) throw bad(`flags 0x${flags.toString(16)} are not known`);
  if (stream === 0) throw bad("stream 0 is not used");
  const end = (flags & endFlag) !== 0;
  switch (type) {
    case types.request:
      return { type: "request", stream, end, ...headOf(rest) };
    case types.response:
      return { type: "response", stream, end, ...headOf(rest) };
    case types.data:
      if (rest.length === 0 && !end) throw bad("DATA has neither body nor END");
      return { type: "data", stream, end, body: boundedBody(rest) };
    case types.credit:
      return { type: "credit", stream, bytes: creditOf(rest, end) };
    case types.reset:
      return { type: "reset", stream, ...resetOf(rest, end) };
    default:
      throw bad(`there is no frame of type ${type}`);
  }
}

function start(type: number, stream: number, end: boolean, length: number): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame.writeUInt8(type, 0);
  frame.writeUInt8(end ? endFlag : 0, 1);
  frame.writeUIntBE(stream, 2, 6);
  return frame;
}

function headOf(rest: Buffer): { head: Buffer; body: Buffer } {
  if (rest.length < 4) throw bad("the length of the head is missing");
  const length = rest.readUInt32BE(0);
  if (length > maxHeadBytes)
    throw new DecodeError("too_large", "", `a head may have at most ${maxHeadBytes} bytes`);
  if (length > rest.length - 4) throw bad("the head is longer than its frame");
  return { head: rest.subarray(4, 4 + length), body: boundedBody(rest.subarray(4 + length)) };
}

function boundedBody(body: Buffer): Buffer {
  if (body.length <= maxChunkBytes) return body;
  throw new DecodeError("too_large", "", `a frame may carry at most ${maxChunkBytes} bytes of body`);
}

function creditOf(rest: Buffer, end: boolean): number {
  if (rest.length !== 4 || end) throw bad("CREDIT has 4 bytes and no flag");
  const bytes = rest.readUInt32BE(0);
  if (bytes === 0 || bytes > maxCreditBytes) throw bad(`CREDIT of ${bytes} bytes`);
  return bytes;
}

function resetOf(rest: Buffer, end: boolean): { code: ResetCode; reason: string } {
  if (rest.length === 0 || rest.length > 1 + maxReasonBytes || end) {
    throw bad("RESET has a code, at most 123 bytes of reason, and no flag");
  }
  const number = rest.readUInt8(0);
  const code = (Object.keys(resetCodes) as ResetCode[]).find((name) => resetCodes[name] === number);
  if (code === undefined) throw bad(`there is no RESET code ${number}`);
  return { code, reason: rest.toString("utf8", 1) };
}

function ignorable(type: number, length: number): DecodeError {
  if (length > maxFrameBytes) {
    return new DecodeError("too_large", "", `a frame may have at most ${maxFrameBytes} bytes`);
  }
  return new DecodeError("unknown_extension", "", `there is no frame of type ${type}`);
}

function bad(message: string): DecodeError {
  return new DecodeError("bad_frame", "", message);
}
