import type { Facts } from "../program.ts";

/**
 * Publishes for some seconds with `inFlight` on their way at any time, each followed by the next when it is acknowledged.
 * @throws whatever `publish` rejects with: a figure with failures is none
 */
export async function closedLoop(
  question: Facts,
  publish: (serial: number) => Promise<unknown>,
): Promise<Facts> {
  const inFlight = Number(question["inFlight"]);
  const startedAtMs = performance.now();
  const endMs = startedAtMs + Number(question["seconds"]) * 1000;
  const latencies: number[] = [];
  const one = async () => {
    while (performance.now() < endMs) {
      const sentAtMs = performance.now();
      serial += 1;
      await publish(serial);
      latencies.push(performance.now() - sentAtMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const tookMs = performance.now() - startedAtMs;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { perSecond: (latencies.length * 1000) / tookMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}

let serial = 0;
