#!/usr/bin/env -S node --max-semi-space-size=8
import { CommanderError } from "commander";
import { ZodError } from "zod";
import { Failure } from "./failure.ts";
import { makeProgram } from "./program.ts";

interface ListenError extends NodeJS.ErrnoException {
  address?: string;
  port?: number;
}

/** What to do about an address that can't be listened on; undefined for any other failure. */
function listeningRefused({ syscall, code, address, port }: ListenError): string | undefined {
  if (syscall !== "listen") return undefined;
  const where = `${address}:${port}`;
  if (code === "EADDRINUSE")
    return `${where} is in use by another process: stop that, or name another address with --listen (${code})`;
  if (code === "EACCES")
    return `listening on ${where} is not allowed to this user: give it the capability CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=), or name a port from 1024 on with --listen (${code})`;
  if (code === "EADDRNOTAVAIL")
    return `this machine has no address ${address}: name another with --listen (${code})`;
  return undefined;
}

/** Prints what went wrong, one line for what a user can mend, and gives the exit code. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Failure) {
    process.stderr.write(`sallyport: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ZodError) {
    process.stderr.write(`sallyport: the server's answer is not what was expected: ${error.message}\n`);
    return 1;
  }
  const refused = listeningRefused(error as ListenError);
  if (refused !== undefined) {
    process.stderr.write(`sallyport: ${refused}\n`);
    return 1;
  }
  const { message, code } = error as NodeJS.ErrnoException;
  process.stderr.write(`sallyport: ${message}${code === undefined ? "" : ` (${code})`}\n`);
  if (process.env["SALLYPORT_DEBUG"] !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
  return 1;
}

const servers: ReadonlySet<string | undefined> = new Set(["hub", "primary", "agent"]);
// Whoever read what was printed has gone (`| head`): nothing is left to do, except for a server, which prints its address only.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (!servers.has(process.argv[2])) process.exit();
});

try {
  await (await makeProgram(process.argv[2])).parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
