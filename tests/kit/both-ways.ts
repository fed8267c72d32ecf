import { test, type TestContext } from "node:test";

/**
 * Makes two tests of one, with a hub that speaks `sallyport.v1` with our primaries, and with one that speaks NBWSS 1.0 only. Hubs that are
 * started as processes take it from their environment.
 */
export function testBothWays(name: string, run: (context: TestContext) => Promise<void>): void {
  for (const protocol of ["sallyport.v1", "nbwss-1.0"]) {
    test(`${name} (${protocol})`, async (context) => {
      const before = process.env["SALLYPORT_HUB_PROTOCOL"];
      process.env["SALLYPORT_HUB_PROTOCOL"] = protocol;
      try {
        await run(context);
      } finally {
        if (before === undefined) delete process.env["SALLYPORT_HUB_PROTOCOL"];
        else process.env["SALLYPORT_HUB_PROTOCOL"] = before;
      }
    });
  }
}
