import { closeCodes } from "@sallyport/nbwss";
import type { causeClasses } from "../api/primaries-schemas.ts";

/** Why a connection ended. */
export type Cause = (typeof causeClasses)[number];

/** What is known of the end of a connection. */
export interface Ending {
  code: number;
  reason: string;
  /** How long it lasted, ms; undefined when that is not known. */
  durationMs: number | undefined;
  /** From the last sign of life to the end, ms. */
  silentMs: number;
}

/** After so long without a byte, or so long at all, proxies cut connections; seconds. */
const idleTimersS = [5, 10, 15, 20, 30, 50, 60];
const lifeTimersS = [60, 90, 120, 180, 240, 300, 350, 600, 900, 1_800, 3_600, 7_200, 86_400];
const toleranceMs = 750;

/** Guesses from close code, reason and times why a connection ended. It depends on nothing else. */
export function causeOf(ending: Ending): Cause {
  const { code, reason } = ending;
  switch (code) {
    case 1000:
      return reason === "superseded" ? "superseded" : "primary";
    case 1001:
    case 1005:
      return "primary";
    case 1012:
      return "deploy";
    case 1013:
      return "overload";
    case 1014:
      return "network";
    case 1015:
      return "tls";
    case 1008:
      return reason.startsWith("token ") ? "token" : "protocol";
    case 1002:
    case 1003:
    case 1007:
    case 1009:
    case 1010:
      return "protocol";
    case closeCodes.tokenInUse:
      return "token";
    case 1006:
      return causeOfCut(ending);
    default:
      return "unknown";
  }
}

/** Without a close handshake there are only the words of the operating system, and the clock. */
function causeOfCut({ reason, durationMs, silentMs }: Ending): Cause {
  if (reason === "the hub ended without closing it") return "deploy";
  if (/certificate|\bssl\b|\btls\b|EPROTO/i.test(reason)) return "tls";
  if (reason.startsWith("no sign of life")) return "network";
  const isAt = (timersS: readonly number[], ms: number) =>
    timersS.some((seconds) => Math.abs(ms - seconds * 1000) <= toleranceMs);
  if (isAt(idleTimersS, silentMs)) return "proxy_idle";
  if (durationMs !== undefined && isAt(lifeTimersS, durationMs)) return "proxy_idle";
  return "network";
}

/** What to do about a cause; null where nothing is to be done. */
export const advice: Readonly<Record<Cause, string | null>> = {
  network:
    "The connection broke without a word: look at the network or at whether the primary was killed. It dials again by itself.",
  proxy_idle:
    "It ended at a round time, as firewalls and proxies do with idle or old connections: raise their timer for WebSockets above the ping interval, or lower pingIntervalMs.",
  tls: "Look at certificates and at what inspects TLS on the way.",
  token:
    "The token is worth nothing any more, or two use it: give each primary endpoint details of its own (POST /primaries/{id}/token).",
  overload: "The hub had too much to do; it takes the primary back by itself.",
  deploy: "The hub was restarted; primaries come back by themselves.",
  superseded: "The same primary connected again. Often: two of its services run, or its network changed.",
  protocol:
    "One side sent what NBWSS does not allow; the close reason says what. Compare the versions of both ends.",
  primary: "The primary closed it: it was stopped, or its endpoint was deactivated or changed.",
  unknown: null,
};
