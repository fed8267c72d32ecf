import { randomBytes } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { headersWithNonce, securityHeaders } from "./security-headers.ts";

/** A file of the console, ready to be answered. */
export interface ConsoleFile {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};

const unbuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sallyport hub</title>
<h1>Sallyport hub</h1><p>The hub runs; its console has not been built. Run <code>npm run build -w packages/console</code>
and load this page again. The HTTP API is described at <a href="/openapi.json">/openapi.json</a>.</p></html>`;

/** What stands in the built page for the nonce of each answer (`packages/console/vite.config.ts`). */
const noncePlaceholder = "SALLYPORT-NONCE";

/**
 * Finds what the console answers to a path: a file below its folder, or its one page for every address that a person may
 * have in the browser.
 * @param dir the built console; undefined when there is none
 * @param isNavigation whether a browser wants a page, not a part of one
 */
export async function readConsoleFile(
  dir: string | undefined,
  path: string,
  isNavigation: boolean,
): Promise<ConsoleFile | undefined> {
  const file = await readBelow(dir, path === "/" ? "/index.html" : path);
  if (file !== undefined) return file;
  if (!isNavigation && path !== "/") return undefined;
  return (await readBelow(dir, "/index.html")) ?? page(503, Buffer.from(unbuilt), ".html", "no-cache");
}

async function readBelow(dir: string | undefined, path: string): Promise<ConsoleFile | undefined> {
  const extension = extname(path);
  if (dir === undefined || types[extension] === undefined || !isPlain(path)) return undefined;
  try {
    const root = await realpath(dir);
    const file = await realpath(join(root, path));
    // A link may not lead out of the folder either.
    if (!file.startsWith(`${root}${sep}`)) return undefined;
    const isHashed = path.startsWith("/assets/");
    return page(
      200,
      await readFile(file),
      extension,
      isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}

/** Only names of letters, digits and `._-`, none of which starts with a dot: nothing to decode, nowhere to climb. */
function isPlain(path: string): boolean {
  return /^(\/[\w-][\w.-]*)+$/.test(path);
}

function page(status: number, body: Buffer, extension: string, cacheControl: string): ConsoleFile {
  const contentType = types[extension] ?? "application/octet-stream";
  if (extension === ".html") return pageWithNonce(status, body.toString(), contentType);
  return {
    status,
    body,
    headers: { ...securityHeaders, "content-type": contentType, "cache-control": cacheControl },
  };
}

/** A nonce is good for one answer, so that no cache may keep it. */
function pageWithNonce(status: number, html: string, contentType: string): ConsoleFile {
  const nonce = randomBytes(16).toString("base64");
  return {
    status,
    body: Buffer.from(html.replaceAll(noncePlaceholder, nonce)),
    headers: { ...headersWithNonce(nonce), "content-type": contentType, "cache-control": "no-store" },
  };
}
