import { Failure } from "./failure.ts";

/** Where a server listens. */
export interface ListenAddress {
  host: string;
  /** 0 takes a free port. */
  port: number;
}

/**
 * Reads `HOST:PORT`, with an IPv6 address in brackets.
 * @throws Failure that says what the form is
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new Failure(`--listen has to be HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443, not "${text}"`, {
      exitCode: 2,
    });
  }
  return { host, port: Number(port) };
}
