import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { readCaFile, readSecret } from "../secrets.ts";
import { readProfile } from "./profile.ts";

/** How a command finds its hub. */
export interface HubOptions {
  hub?: string;
  apiKeyFile?: string;
  ca?: string;
}

/** A hub that was found, and how to get in. */
export interface HubAccess {
  origin: string;
  /** A further authority, PEM. */
  caPem: string | undefined;
  /** @throws Failure that says how to give the key */
  readApiKey: () => string;
}

/**
 * Finds the hub by options, environment (`SALLYPORT_HUB`, `SALLYPORT_API_KEY`, `SALLYPORT_CA`) and the profile of
 * `sallyport login`, in this order. The profile's key goes to the profile's hub only.
 * @throws Failure that says what is missing
 */
export function findHub(options: HubOptions): HubAccess {
  const named = options.hub ?? fromEnvironment("SALLYPORT_HUB");
  const profile = readProfile();
  const origin = named ?? profile?.hub;
  if (origin === undefined) {
    const message =
      "no hub is named: set SALLYPORT_HUB or give --hub https://HOST:PORT, or run sallyport login";
    throw new Failure(message, { exitCode: 2 });
  }
  const ca = options.ca ?? fromEnvironment("SALLYPORT_CA");
  const own = profile !== undefined && sameOrigin(profile.hub, origin) ? profile : undefined;
  const isKeyGiven = options.apiKeyFile !== undefined || fromEnvironment("SALLYPORT_API_KEY") !== undefined;
  return {
    origin,
    caPem: ca === undefined ? own?.caPem : readCaFile(ca),
    readApiKey: () =>
      own !== undefined && !isKeyGiven
        ? own.apiKey
        : readSecret("the API key", "--api-key-file", options.apiKeyFile, "SALLYPORT_API_KEY"),
  };
}

function sameOrigin(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}
