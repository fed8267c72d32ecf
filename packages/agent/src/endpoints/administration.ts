import { z } from "zod";
import { request } from "undici";
import type { Dispatcher } from "undici";
import { describeCertificate } from "@sallyport/certificates";
import { AgentError } from "../errors.ts";
import type { AgentLimits } from "../limits.ts";
import { checkInput, endpointDetails, endpointObject, type EndpointDetails } from "./details.ts";
import type { EndpointStore, SavedEndpoint } from "./store.ts";
import { fetchCertificate } from "./trust.ts";

/** What administration works on. */
export interface EndpointAdministrationOptions {
  store: EndpointStore;
  /** Authorities to verify endpoints and details URLs against, PEM. */
  ca: string[];
  /** Carries the request for a details URL, with the same authorities. */
  dispatcher: Dispatcher;
  limits: AgentLimits;
  /** Acts on a change at once (NBWSS, connection rules, ours). */
  changed(): void;
  isConnected(hostName: string): boolean;
}

/** An endpoint with what an administrator compares before accepting it. */
export interface ValidatedEndpoint extends EndpointDetails {
  certificate: string;
  subject: string;
  sha1Fingerprints: string;
  sha256Fingerprint: string;
}

/** An endpoint as the list shows it; the token is never given out again. */
export interface ListedEndpoint extends Omit<SavedEndpoint, "closeStatus"> {
  connectionState: "CONNECTED" | "DISCONNECTED";
  closeStatus?: string;
}

const detailsUrl = z.object({ url: z.string().max(4096) });
const update = z.object({ hostName: z.string(), state: z.enum(["ACTIVATED", "DEACTIVATED"]) });
const hiddenToken = "********";

/** Validate, save, activate, deactivate, remove and list endpoints (NBWSS, endpoint administration). */
export class EndpointAdministration {
  readonly #options: EndpointAdministrationOptions;

  constructor(options: EndpointAdministrationOptions) {
    this.#options = options;
  }

  /**
   * Fetches endpoint details from the URL that the cloud application generated, and the endpoint's certificate.
   * @throws AgentError `invalid_details`, `details_unreachable` or `endpoint_unreachable`
   */
  async validateUrl(body: unknown): Promise<ValidatedEndpoint> {
    const { url } = checkInput(detailsUrl, body, "request");
    if (!URL.canParse(url) || new URL(url).protocol !== "https:") {
      const attributeErrors = { url: "has to be an https:// URL" };
      throw new AgentError("invalid_details", "the details URL has to be https://", { attributeErrors });
    }
    return this.#describe(checkInput(endpointDetails, await this.#fetchDetails(url), "endpoint details"));
  }

  /**
   * Fetches the certificate of an endpoint whose details are at hand.
   * @throws AgentError `invalid_details` or `endpoint_unreachable`
   */
  async validateHost(body: unknown): Promise<ValidatedEndpoint> {
    return this.#describe(checkInput(endpointDetails, body, "endpoint"));
  }

  /**
   * Saves an endpoint with the certificate that the administrator accepted; it is DEACTIVATED unless the body says otherwise.
   * @throws AgentError `certificate_changed` when the server now shows another
   */
  async save(body: unknown): Promise<void> {
    const { state, ...endpoint } = checkInput(endpointObject, body, "endpoint");
    const accepted = describe(endpoint.certificate);
    const shown = describeCertificate(await this.#certificateOf(endpoint.url));
    if (accepted.sha256Fingerprint !== shown.sha256Fingerprint) {
      throw new AgentError(
        "certificate_changed",
        "The certificate did not match with the one accepted by the user; validate the endpoint again",
      );
    }
    this.#options.store.save({ ...endpoint, state: state ?? "DEACTIVATED" });
    this.#options.changed();
  }

  /** @throws AgentError `invalid_details` when there is no such endpoint: `save` goes before */
  update(body: unknown): void {
    const { hostName, state } = checkInput(update, body, "request");
    if (!this.#options.store.setState(hostName, state)) {
      const attributeErrors = { hostName: "no endpoint of this name was saved" };
      throw new AgentError("invalid_details", `there is no endpoint ${hostName}`, { attributeErrors });
    }
    this.#options.changed();
  }

  /** @throws AgentError `endpoint_unknown` */
  remove(hostName: string): void {
    if (!this.#options.store.remove(hostName)) {
      throw new AgentError("endpoint_unknown", `there is no endpoint ${hostName}`);
    }
    this.#options.changed();
  }

  list(): ListedEndpoint[] {
    return this.#options.store.list().map(({ closeStatus, ...endpoint }) => ({
      ...endpoint,
      token: hiddenToken,
      connectionState: this.#options.isConnected(endpoint.hostName) ? "CONNECTED" : "DISCONNECTED",
      ...(closeStatus === null ? {} : { closeStatus }),
    }));
  }

  async #describe(details: EndpointDetails): Promise<ValidatedEndpoint> {
    const certificate = await this.#certificateOf(details.url);
    const { subject, sha1Fingerprint, sha256Fingerprint } = describeCertificate(certificate);
    return { ...details, certificate, subject, sha1Fingerprints: sha1Fingerprint, sha256Fingerprint };
  }

  #certificateOf(url: string): Promise<string> {
    return fetchCertificate(url, this.#options.ca, this.#options.limits.validationTimeoutMs);
  }

  async #fetchDetails(url: string): Promise<unknown> {
    const { dispatcher, limits } = this.#options;
    try {
      const { statusCode, body } = await request(url, {
        dispatcher,
        headers: { accept: "application/json" },
        signal: AbortSignal.timeout(limits.validationTimeoutMs),
      });
      const text = await readBounded(body, limits.maxDetailsBytes);
      if (statusCode !== 200)
        throw new Error(`it answered ${statusCode}; a details URL works once, within an hour`);
      return JSON.parse(text);
    } catch (error) {
      // The URL is a secret until it was used: the message names the host alone.
      const why = error instanceof SyntaxError ? "its answer is not JSON" : (error as Error).message;
      throw new AgentError("details_unreachable", `no endpoint details from ${new URL(url).host}: ${why}`);
    }
  }
}

async function readBounded(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`its answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function describe(certificate: string) {
  try {
    return describeCertificate(certificate);
  } catch (error) {
    const attributeErrors = { certificate: "has to be the PEM certificate that validation returned" };
    throw new AgentError("invalid_details", "endpoint: wrong or missing: certificate", {
      attributeErrors,
      cause: error,
    });
  }
}
