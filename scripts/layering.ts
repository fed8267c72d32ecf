import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Which packages of ours each package may import, as the picture in ARCHITECTURE.md draws it.
 * A package that is missing here may import none.
 */
const mayImport: Record<string, readonly string[]> = {
  nbwss: [],
  certificates: ["durable"],
  durable: [],
  hub: ["nbwss", "certificates", "durable"],
  agent: ["nbwss", "certificates", "durable"],
  primary: ["agent", "certificates", "durable"],
  console: ["hub"],
  conformance: ["nbwss", "certificates"],
  cli: ["nbwss", "certificates", "durable", "hub", "agent", "primary", "conformance"],
};

const importPattern = /(?:from|import)\s*\(?\s*"([^"]+)"/g;

/**
 * Finds imports against the direction of the architecture, and imports past a package's one door.
 * @param root the repository's folder
 * @returns one line for each violation; empty when all is well
 */
export function checkLayering(root: string): string[] {
  const violations: string[] = [];
  const files = globSync("packages/*/src/**/*.{ts,tsx}", { cwd: root });
  for (const file of files.filter((name) => !name.includes(".test."))) {
    const owner = file.split("/")[1] ?? "";
    for (const [, target = ""] of readFileSync(join(root, file), "utf8").matchAll(importPattern)) {
      violations.push(...violationsOf(file, owner, target));
    }
  }
  return violations;
}

function violationsOf(file: string, owner: string, target: string): string[] {
  if (target.includes("../packages/"))
    return [`${file}: imports "${target}" by path; import the package instead`];
  if (!target.startsWith("@sallyport/")) return [];
  const [, name = "", ...deep] = target.split("/");
  if (deep.length > 0) return [`${file}: imports "${target}" past the door of @sallyport/${name}`];
  if (name !== owner && !(mayImport[owner] ?? []).includes(name)) {
    return [`${file}: ${owner} may not import ${name} (see ARCHITECTURE.md)`];
  }
  return [];
}
