import { createHash } from "node:crypto";
import { z } from "zod";
import type { AuditEvent } from "./audit-event.ts";

/** Where a chain stands: the number of its last entry, and that entry's hash. */
export interface ChainEnd {
  n: number;
  hash: string;
}

/** Where every chain begins. */
export const chainBegin: ChainEnd = { n: 0, hash: "0".repeat(64) };

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const entry = z.looseObject({
  n: z.int().min(1),
  at: z.iso.datetime(),
  previous: hex,
  kind: z.string(),
  upTo: z.int().min(0).optional(),
  upToHash: hex.optional(),
  signature: z.string().optional(),
});

/** An entry as it stands in a file. */
export type AuditEntry = z.infer<typeof entry>;

/** Longer texts are cut: none is that long but by somebody's intent. */
const maxTextCharacters = 2_048;
const line = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s;

/**
 * Writes the entry that continues a chain. Its hash, the last member, is SHA-256 over the line before it, with a closing brace; the next entry
 * names it as `previous`, so that none can be changed, taken out or moved without all that follow.
 * @returns the line, without its end, and where the chain stands then
 */
export function appendEntry(end: ChainEnd, event: AuditEvent, atMs: number): { line: string; end: ChainEnd } {
  const cut: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event) as [string, unknown][]) {
    const isLong = typeof value === "string" && value.length > maxTextCharacters;
    cut[name] = isLong ? `${value.slice(0, maxTextCharacters)}…` : value;
  }
  const n = end.n + 1;
  const body = { n, at: new Date(atMs).toISOString(), previous: end.hash, ...cut };
  const text = JSON.stringify(body);
  const hash = hashOf(text);
  return { line: `${text.slice(0, -1)},"hash":"${hash}"}`, end: { n, hash } };
}

/**
 * Reads an entry.
 * @returns the entry, the hash that it states and the one that it has; undefined for what no entry is
 */
export function readEntry(text: string): { entry: AuditEntry; stated: string; hash: string } | undefined {
  const [, body, stated] = line.exec(text) ?? [];
  if (body === undefined || stated === undefined) return undefined;
  try {
    return { entry: entry.parse(JSON.parse(`${body}}`)), stated, hash: hashOf(`${body}}`) };
  } catch {
    return undefined;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
