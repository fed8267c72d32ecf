import { randomUUID } from "node:crypto";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Audit } from "../audit/audit.ts";
import type { HubLimits } from "../config/limits.ts";
import type { Registry } from "../connections/registry.ts";
import type { HubState } from "../state.ts";
import { DetailsDesk } from "./details-desk.ts";
import { Enrolment } from "./enrolment.ts";
import { PublicAddresses } from "./public-addresses.ts";
import { TokenExpiry } from "./token-expiry.ts";
import { Tokens } from "./tokens.ts";

/** What the parts of enrolment are made of. */
export interface MakeEnrolmentOptions {
  state: Pick<HubState, "log" | "recorder" | "primaries" | "tokens" | "views" | "details">;
  registry: Registry;
  audit: Audit;
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
  /** Where the hub is reached from outside. */
  publicUrl: () => URL;
  /** Its further addresses. */
  moreUrls: readonly URL[];
}

/** The parts of enrolment, wired. */
export interface EnrolmentParts {
  enrolment: Enrolment;
  /** Hands out endpoint details. */
  desk: DetailsDesk;
  addresses: PublicAddresses;
  tokenKeeper: Tokens;
  /** Has to be started and closed. */
  tokenExpiry: TokenExpiry;
}

/** Wires the parts of enrolment. Nothing runs yet. */
export function makeEnrolment(options: MakeEnrolmentOptions): EnrolmentParts {
  const { registry, audit, limits, clock, logger } = options;
  const { log, recorder, primaries, tokens, views, details } = options.state;
  const now = () => clock.now();
  const addresses = new PublicAddresses(options.publicUrl, options.moreUrls);
  const desk = new DetailsDesk({ details, tokens, recorder, now });
  const enrolment = new Enrolment({
    primaries,
    views,
    recorder,
    desk,
    addresses,
    cut: (primaryId) => registry.cut(primaryId),
    dialectChanged: (primary) => registry.setDialect(primary),
    newId: randomUUID,
  });
  const cut = (tokenId: string) => registry.cutToken(tokenId);
  const running = { tokens, recorder, cut };
  const tokenExpiry = new TokenExpiry({ ...running, audit, log, clock, logger, newId: randomUUID });
  const kept = { views, desk, addresses, expiry: tokenExpiry, limits, now };
  const tokenKeeper = new Tokens({ ...running, ...kept });
  return { enrolment, desk, addresses, tokenKeeper, tokenExpiry };
}
