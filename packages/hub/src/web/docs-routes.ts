import type { ApiApp } from "../api/app.ts";
import { renderDocs, type ApiDocument } from "./docs-page.ts";
import { securityHeaders } from "./security-headers.ts";

const headers = {
  ...securityHeaders,
  "content-security-policy":
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cache-control": "no-cache",
};

const style = `body{margin:0;display:grid;grid-template-columns:minmax(14rem,20rem) 1fr;font:15px/1.5 system-ui,sans-serif;color:#1d2433;background:#fff}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;box-sizing:border-box;background:#f3f5f9;font-size:13px}
nav h2{font-size:13px;margin:1rem 0 .25rem;text-transform:uppercase;letter-spacing:.05em}
nav ul{list-style:none;margin:0;padding:0}nav li{overflow-wrap:anywhere}
main{padding:1rem 2rem;min-width:0}section{border-top:1px solid #d5dbe6;padding:.5rem 0}
b{text-transform:uppercase;font-size:.85em}a{color:#0b57b7}h3{margin:.75rem 0 .25rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #d5dbe6;padding:.25rem .5rem;text-align:left;vertical-align:top}
pre,code{font:13px/1.45 ui-monospace,monospace}pre{background:#f3f5f9;padding:.5rem;overflow:auto;margin:.25rem 0}
@media(max-width:60rem){body{display:block}nav{position:static;height:auto}}
@media(prefers-color-scheme:dark){body{background:#12161f;color:#dde3ee}nav,pre{background:#1b2130}td,th,section{border-color:#333c50}a{color:#7db4ff}}
`;

/**
 * Adds `/docs`: the API for people to read, made from the same document as `/openapi.json`.
 * @param document called with the first request
 */
export function addDocsRoutes(app: ApiApp, document: () => ApiDocument): void {
  let page: Promise<string> | undefined;
  app.get("/docs", async (c) => {
    page ??= renderDocs(document());
    return c.body(await page, 200, { ...headers, "content-type": "text/html; charset=utf-8" });
  });
  app.get("/docs/style.css", (c) =>
    c.body(style, 200, { ...headers, "content-type": "text/css; charset=utf-8" }),
  );
}
