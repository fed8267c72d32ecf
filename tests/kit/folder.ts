import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder that is removed at the end of its scope: `using folder = temporaryFolder()`. @param parent where it is made */
export function temporaryFolder(parent = tmpdir()): { path: string } & Disposable {
  const path = mkdtempSync(join(parent, "sallyport-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
