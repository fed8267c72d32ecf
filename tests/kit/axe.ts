import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const tags = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']";

/** A screen with room for tables. */
export const wide = { width: 1280, height: 800 };
/** A telephone. */
const narrow = { width: 400, height: 800 };

/** Resolves when the page looks as it is going to: what fades into another colour has less contrast meanwhile. */
const settled = `new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next))).then(() =>
  Promise.allSettled(document.getAnimations()
    .filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished))).then(() => 0)`;

/** What axe objects to in the look that the page has at the moment. */
async function violationsOf(page: Page, rules = "{}"): Promise<string[]> {
  await page.evaluate(settled);
  const options = `{ resultTypes: ["violations"], runOnly: ${tags}, rules: ${rules} }`;
  return (await page.evaluate(
    `axe.run(document, ${options}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + " at " + target.join(" ") + ": " + failureSummary)))`,
  )) as string[];
}

/** Faults of a page by axe, light and dark. */
export async function faultsOf(page: Page, what: string): Promise<string[]> {
  const faults: string[] = [];
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    faults.push(...(await violationsOf(page)).map((fault) => `${what}, ${colorScheme}: ${fault}`));
  }
  return faults;
}

/** By how much the page is wider than the screen, CSS pixels. */
export async function excessWidthOf(page: Page): Promise<number> {
  await page.evaluate(settled);
  return Number(await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"));
}

/** Faults on a narrow screen, where tables are cards; its colours are those of the wide one. */
export async function faultsOfNarrow(page: Page, what: string): Promise<string[]> {
  await page.setViewportSize(narrow);
  const found = await violationsOf(page, `{ "color-contrast": { enabled: false } }`);
  const excess = await excessWidthOf(page);
  if (excess !== 0) found.push(`${String(excess)} px wider than the screen`);
  await page.setViewportSize(wide);
  return found.map((fault) => `${what}, narrow: ${fault}`);
}
