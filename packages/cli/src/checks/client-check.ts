import { getCACertificates } from "node:tls";
import { z } from "zod";
import { HubClient } from "../client/hub-client.ts";
import type { HubAccess } from "../client/hub-access.ts";
import { parseHttpsUrl } from "../client/https-client.ts";
import { primary as listedPrimary } from "../client/hub-schemas.ts";
import { Failure } from "../failure.ts";
import { fail, type Check } from "@sallyport/agent";
import { keyCheck, primariesCheck, versionCheck } from "./client-rules.ts";
import { checkLimits } from "./limits.ts";
import { clientTlsCheck } from "./reach-rules.ts";
import { checkWay } from "./reach-steps.ts";
import { addressOf, askFor, reasonOf, type Target } from "./reach.ts";

const session = z.looseObject({ name: z.string(), role: z.string() });
const summary = z.object({
  total: z.number(),
  connected: z.number(),
  stale: z.number(),
  disconnected: z.number(),
  never: z.number(),
});

/**
 * Checks a hub as a client of it: the way there, the API key, what is wrong with its primaries.
 * @throws Failure when it is no https URL
 */
export async function checkAsClient(access: HubAccess): Promise<Check[]> {
  const { origin, caPem } = access;
  const ca = [...getCACertificates("default"), ...(caPem === undefined ? [] : [caPem])];
  const target: Target = { url: parseHttpsUrl(origin), ca };
  const { host } = addressOf(target.url);
  const checks = await checkWay(target, {
    judgeTls: (seen) => clientTlsCheck(seen, host, Date.now()),
    mayBeSilent: false,
  });
  if (checks.some(({ name, state }) => name === "url-readyz" && state === "pass")) {
    checks.push(await hubVersion(target), ...(await withKey(access)));
  }
  return checks;
}

async function hubVersion(target: Target): Promise<Check> {
  try {
    return versionCheck(await askFor(target, "/openapi.json"));
  } catch (error) {
    return fail("hub-version", `/openapi.json can't be asked for (${reasonOf(error)})`, "see the hub's log");
  }
}

async function withKey({ origin, caPem, readApiKey }: HubAccess): Promise<Check[]> {
  let apiKey: string;
  try {
    apiKey = readApiKey();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [fail("api-key", error.message, 'or keep one with "sallyport login"')];
  }
  await using hub = new HubClient(origin, apiKey, caPem);
  try {
    const key = keyCheck(await hub.get("/api/v1/session", session));
    return [key, await primariesOf(hub)];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const todo = "take another key: an administrator makes one with sallyport api-keys create";
    return [fail("api-key", error.message, todo)];
  }
}

async function primariesOf(hub: HubClient): Promise<Check> {
  const path = "/api/v1/primaries";
  const counts = await hub.get(`${path}/summary`, summary);
  const query = { state: "disconnected" };
  const away = await hub.all(path, listedPrimary, query, checkLimits.maxExamined);
  return primariesCheck(counts, away);
}
