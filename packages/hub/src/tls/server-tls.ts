import type { X509Certificate } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import type { Server } from "node:https";
import { dirname } from "node:path";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import { checkKeyPair, type CertificateSource, type KeyPair } from "./key-pair.ts";

/** Who is given the certificate, and how often it is looked at. */
export interface ServerTlsOptions {
  server: Pick<Server, "setSecureContext">;
  /** How often it is looked at whatever the file system tells, ms. */
  checkMs: number;
  /** Pause after a change of a file, so that the other one has changed too, ms. */
  settleMs: number;
  clock: Clock;
  logger: Logger;
  registry: Registry;
}

/**
 * The server's certificate, kept fresh while it runs: a new one counts for new connections, those there are live on. One that
 * can't be used changes nothing but the log.
 */
export class ServerTls {
  readonly #options: ServerTlsOptions;
  readonly #reloads;
  readonly #watchers: FSWatcher[] = [];
  #source: CertificateSource | undefined;
  #current: { pair: KeyPair; certificate: X509Certificate } | undefined;
  #check: Timer | undefined;
  #settle: Timer | undefined;
  #reading: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ServerTlsOptions) {
    this.#options = options;
    const notAfterS = () => (this.#current?.certificate.validToDate.getTime() ?? 0) / 1000;
    options.registry.registerMetric(
      new Gauge({
        name: "sallyport_hub_tls_certificate_expiry_seconds",
        help: "When the server's certificate ends, seconds since 1970; 0 before the hub listens",
        registers: [],
        collect() {
          this.set(notAfterS());
        },
      }),
    );
    this.#reloads = new Counter({
      name: "sallyport_hub_tls_reloads_total",
      help: "Changes of the server's certificate while it ran, by result: taken, or failed and the former kept",
      labelNames: ["result"],
      registers: [options.registry],
    });
  }

  /**
   * Gives the server its certificate and begins to look for new ones.
   * @throws HubError `bad_option`, or Error from the hub's own authority: there is no former one to keep
   */
  async start(source: CertificateSource): Promise<void> {
    this.#source = source;
    await this.#take(source);
    for (const folder of new Set(source.files.map((file) => dirname(file)))) this.#watch(folder);
    this.#arm();
  }

  /** Looks for a new certificate now; never rejects: what can't be used is logged, and the former one stays. */
  reload(reason: string): Promise<void> {
    this.#reading = this.#reading.then(() => this.#reload(reason));
    return this.#reading;
  }

  /** Stops looking; resolves when nothing is read any more. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#check?.cancel();
    this.#settle?.cancel();
    for (const watcher of this.#watchers) watcher.close();
    await this.#reading;
  }

  async #reload(reason: string): Promise<void> {
    if (this.#isClosed || this.#source === undefined) return;
    try {
      if (!(await this.#take(this.#source))) return;
      this.#reloads.inc({ result: "taken" });
      const { validTo, fingerprint256 } = this.#requireCurrent();
      this.#options.logger.info({ reason, validTo, fingerprint256 }, "tls.reloaded");
    } catch (err) {
      this.#reloads.inc({ result: "failed" });
      this.#options.logger.error(
        { err, reason, validTo: this.#requireCurrent().validTo },
        "tls.not_reloaded",
      );
    }
  }

  /** @returns whether it is another one than before */
  async #take(source: CertificateSource): Promise<boolean> {
    const pair = await source.read();
    const before = this.#current?.pair;
    if (before?.cert === pair.cert && before.key === pair.key) return false;
    const certificate = checkKeyPair(pair);
    this.#options.server.setSecureContext({ ...pair, minVersion: "TLSv1.2" });
    this.#current = { pair, certificate };
    return true;
  }

  /** The folder, not the files: they are replaced by renaming, and in Kubernetes by moving a link. */
  #watch(folder: string): void {
    // Such as too many watches on this machine: the regular checks are left.
    const failed = (err: unknown) => this.#options.logger.warn({ err, folder }, "tls.not_watched");
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#changed());
      watcher.on("error", failed);
      this.#watchers.push(watcher);
    } catch (error) {
      failed(error);
    }
  }

  #changed(): void {
    const { clock, settleMs } = this.#options;
    this.#settle?.cancel();
    if (!this.#isClosed) this.#settle = clock.after(settleMs, () => void this.reload("a file has changed"));
  }

  #arm(): void {
    if (this.#isClosed) return;
    const { clock, checkMs } = this.#options;
    this.#check = clock.after(checkMs, () => void this.reload("regular check").then(() => this.#arm()));
  }

  #requireCurrent(): X509Certificate {
    if (this.#current === undefined) throw new TypeError("the certificate is not started");
    return this.#current.certificate;
  }
}
