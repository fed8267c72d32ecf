import { request } from "node:https";

/** A page that a browser came to. */
export interface VisitedPage {
  url: URL;
  status: number;
  text: string;
  /** What this last answer set. */
  setCookies: readonly string[];
}

/** Follows redirects and keeps cookies for each origin, as a browser does; cookies that cross sites as `SameSite=Strict` are not modelled. */
export class Browser {
  readonly #ca: readonly string[];
  readonly #cookies = new Map<string, Map<string, string>>();

  /** @param ca the authorities that it trusts, PEM */
  constructor(ca: readonly string[]) {
    this.#ca = ca;
  }

  /** The cookies that go to this origin, as a header. */
  cookiesOf(origin: string): string {
    return [...(this.#cookies.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /**
   * Goes to an address and wherever it leads.
   * @param stop ends before an address is visited
   */
  async visit(address: string | URL, stop: (url: URL) => boolean = () => false): Promise<VisitedPage> {
    let url = new URL(address);
    for (let hops = 0; hops < 10; hops += 1) {
      const page = await this.#get(url);
      if (page.location === undefined) return page;
      url = new URL(page.location, url);
      if (stop(url)) return { ...page, url };
    }
    throw new Error(`no end of redirects at ${url.origin}${url.pathname}`);
  }

  #get(url: URL): Promise<VisitedPage & { location: string | undefined }> {
    const headers = { Cookie: this.cookiesOf(url.origin), Accept: "text/html" };
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { ca: [...this.#ca], agent: false, headers }, (response) => {
        const setCookies = response.headers["set-cookie"] ?? [];
        for (const text of setCookies) this.#keep(url.origin, text);
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            url,
            status: response.statusCode ?? 0,
            text,
            setCookies,
            location: response.headers.location,
          }),
        );
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  }

  #keep(origin: string, setCookie: string): void {
    const [pair = "", ...attributes] = setCookie.split(";");
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    if (value === "" || attributes.some((text) => text.trim().toLowerCase() === "max-age=0"))
      jar.delete(name);
    else jar.set(name, value);
    this.#cookies.set(origin, jar);
  }
}
