import { MultiBar, Presets, type SingleBar } from "cli-progress";
import { printLine } from "./print.ts";

/** Shows how far long work has come: a bar on a terminal, a line now and then elsewhere. */
export class Progress implements Disposable {
  readonly #title: string;
  readonly #bars: MultiBar | undefined;
  readonly #bar: SingleBar | undefined;
  #lastPercent = -1;

  /** @param title such as "backup job 1" */
  constructor(title: string) {
    this.#title = title;
    if (!process.stdout.isTTY) return;
    this.#bars = new MultiBar(
      { format: `  ${title} {bar} {percentage}%  {detail}`, stream: process.stdout, forceRedraw: true },
      Presets.shades_classic,
    );
    this.#bar = this.#bars.create(100, 0, { detail: "" });
  }

  /** @param detail such as "1,204 files, 3.1 MiB" */
  update(percent: number, detail: string): void {
    this.#bar?.update(Math.floor(percent), { detail });
    const step = Math.floor(percent / 10) * 10;
    if (this.#bar === undefined && step !== this.#lastPercent) {
      this.#lastPercent = step;
      printLine(`  ${this.#title} ${Math.floor(percent)}%  ${detail}`);
    }
  }

  /** Prints a line above the bar. */
  line(text: string): void {
    if (this.#bars === undefined) printLine(text);
    else this.#bars.log(`${text}\n`);
  }

  /** Leaves the bar as it stands. */
  [Symbol.dispose](): void {
    this.#bars?.stop();
  }
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes for people, such as `3.1 MiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
