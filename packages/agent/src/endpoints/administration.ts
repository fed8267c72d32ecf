import { z } from "zod";
import { describeCertificate } from "@sallyport/certificates";
import { AgentError } from "../errors.ts";
import type { AgentLimits } from "../limits.ts";
import { checkInput, endpointDetails, endpointObject, type EndpointDetails } from "./details.ts";
import type { EndpointStore, SavedEndpoint } from "./store.ts";
import { fetchPublishedDetails } from "./published-details.ts";
import { fetchCertificate, type Egress } from "./trust.ts";

/** What administration works on. */
export interface EndpointAdministrationOptions {
  store: EndpointStore;
  egress: Egress;
  limits: AgentLimits;
  /** Acts on a change at once (NBWSS, connection rules, ours). */
  changed(): void;
  isConnected(hostName: string): boolean;
  /** Why the last dial of an endpoint failed; undefined when it did not. */
  failureOf(hostName: string): string | undefined;
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
  /** Why the last try to connect failed (ours); absent while connected. */
  failure?: string;
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
    const { egress, limits } = this.#options;
    const found = await fetchPublishedDetails(url, egress, limits);
    return this.#describe(checkInput(endpointDetails, found, "endpoint details"));
  }

  /**
   * Fetches the certificate of an endpoint whose details are at hand.
   * @throws AgentError `invalid_details` or `endpoint_unreachable`
   */
  async validateHost(body: unknown): Promise<ValidatedEndpoint> {
    return this.#describe(checkInput(endpointDetails, body, "endpoint"));
  }

  /**
   * The token of an endpoint as it is saved, where the list's stand-in for it was sent back: so its other details can be changed by who
   * does not know it. Only for the same URL, or the token would go to another server.
   */
  #tokenOf({ hostName, url, token }: EndpointDetails): string {
    if (token !== hiddenToken) return token;
    const saved = this.#options.store.list().find((endpoint) => endpoint.hostName === hostName);
    if (saved?.url === url) return saved.token;
    const attributeErrors = {
      token: "is hidden; it can be left so only for a saved endpoint whose URL stays the same",
    };
    throw new AgentError("invalid_details", "endpoint: wrong or missing: token", { attributeErrors });
  }

  /**
   * Saves an endpoint with the certificate that the administrator accepted; it is DEACTIVATED unless the body says otherwise.
   * @throws AgentError `certificate_changed` when the server now shows another
   */
  async save(body: unknown): Promise<void> {
    const { state, ...endpoint } = checkInput(endpointObject, body, "endpoint");
    const token = this.#tokenOf(endpoint);
    const accepted = describe(endpoint.certificate);
    const shown = describeCertificate(await this.#certificateOf(endpoint.url));
    if (accepted.sha256Fingerprint !== shown.sha256Fingerprint) {
      throw new AgentError(
        "certificate_changed",
        "The certificate did not match with the one accepted by the user; validate the endpoint again",
      );
    }
    this.#options.store.save({ ...endpoint, token, state: state ?? "DEACTIVATED" });
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
    return this.#options.store.list().map(({ closeStatus, ...endpoint }) => {
      const isConnected = this.#options.isConnected(endpoint.hostName);
      const failure = isConnected ? undefined : this.#options.failureOf(endpoint.hostName);
      return {
        ...endpoint,
        token: hiddenToken,
        connectionState: isConnected ? "CONNECTED" : "DISCONNECTED",
        ...(closeStatus === null ? {} : { closeStatus }),
        ...(failure === undefined ? {} : { failure }),
      };
    });
  }

  async #describe(details: EndpointDetails): Promise<ValidatedEndpoint> {
    const certificate = await this.#certificateOf(details.url);
    const { subject, sha1Fingerprint, sha256Fingerprint } = describeCertificate(certificate);
    return { ...details, certificate, subject, sha1Fingerprints: sha1Fingerprint, sha256Fingerprint };
  }

  #certificateOf(url: string): Promise<string> {
    return fetchCertificate(url, this.#options.egress, this.#options.limits.validationTimeoutMs);
  }
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
