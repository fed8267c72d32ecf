// Says what a CPU profile's time went into, by part: `node bench/profile.ts FILE.cpuprofile [SKIP_S]`.
import { readFileSync } from "node:fs";

interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string };
    children?: readonly number[];
  }[];
  samples: readonly number[];
  /** µs. */
  timeDeltas: readonly number[];
}

const [file, skipS = "3"] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("node bench/profile.ts FILE.cpuprofile [SKIP_S]   skips the start, 3 s unless said\n");
  process.exit(2);
}
const profile = JSON.parse(readFileSync(file, "utf8")) as Profile;
const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
const parents = new Map(
  profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
);

/** What a function without a module of its own belongs to. */
const natives: readonly [pattern: RegExp, part: string][] = [
  [/^(writev|write(Utf8|Latin1|Ascii)?String|writeBuffer)$/, "writes to sockets: TLS and the kernel"],
  [/^\(garbage collector\)$/, "garbage collection"],
  [/^\(program\)$/, "outside JavaScript"],
];

function partOf(id: number): string {
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const { functionName, url } = frames.get(at) ?? { functionName: "", url: "" };
    const native = natives.find(([pattern]) => url === "" && pattern.test(functionName));
    if (native !== undefined) return native[1];
    const own = /packages\/([^/]+)\/src\/(?:([^/]+)\/)?/.exec(url);
    if (own !== null) return `@sallyport/${own[1]}${own[2] === undefined ? "" : `, ${own[2]}`}`;
    const library = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
    if (library !== undefined) return library;
    if (url.startsWith("node:_http") || url.startsWith("node:http")) return "node:http";
    if (url.startsWith("node:internal/fs") || url === "node:fs") return "node:fs";
    if (url.startsWith("node:")) return "node: streams, sockets, timers, events";
  }
  return "outside JavaScript";
}

const parts = new Map<string, number>();
let [elapsedUs, busyUs] = [0, 0];
for (const [index, id] of profile.samples.entries()) {
  const us = profile.timeDeltas[index] ?? 0;
  elapsedUs += us;
  if (elapsedUs < Number(skipS) * 1e6 || frames.get(id)?.functionName === "(idle)") continue;
  busyUs += us;
  const part = partOf(id);
  parts.set(part, (parts.get(part) ?? 0) + us);
}
const rows = [...parts].sort((a, b) => b[1] - a[1]).filter(([, us]) => us / busyUs >= 0.005);
const lines = rows.map(([part, us]) => `| ${part} | ${((us * 100) / busyUs).toFixed(1)} % |`);
process.stdout.write(
  `| part | share of ${(busyUs / 1e6).toFixed(1)} s busy |\n|---|---|\n${lines.join("\n")}\n`,
);
