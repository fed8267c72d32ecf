// Loaded into a server with --import and --expose-gc: reports the process's own memory to the bench.
import { memoryUsage } from "node:process";

declare const gc: () => void;

process.on("message", ({ id, question }: { id: number; question?: { memory?: number } }) => {
  if (question?.memory === undefined) return;
  gc();
  const { rss, heapUsed, external } = memoryUsage();
  process.send?.({ id, facts: { rss, heapUsed, external } });
});
