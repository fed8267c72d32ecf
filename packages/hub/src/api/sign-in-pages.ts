import { problemAnswer } from "../problem.ts";

const headers = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/**
 * The page that leads to the console after signing in elsewhere. A redirect would not do: to a browser it would still be the other site's
 * link, for which it keeps the session cookie (SameSite=Strict) back. This page is the hub's own, and so is where it leads.
 */
export function signedInPage(cookies: readonly string[]): Response {
  const head = '<meta http-equiv="refresh" content="0;url=/"><title>Signed in</title>';
  return page(200, { head, body: '<h1>Signed in</h1><p><a href="/">Go on to the console</a></p>' }, cookies);
}

/** The page for somebody who was not signed in, and why. */
export function notSignedInPage(error: unknown, cookie: string): Response {
  const answer = problemAnswer(error);
  const { detail } = JSON.parse(answer.body) as { detail: string };
  const body = `<h1>Not signed in</h1><p>${escaped(detail)}</p><p><a href="/">Back to the console</a></p>`;
  const response = page(answer.status, { head: "<title>Not signed in</title>", body }, [cookie]);
  const retryAfter = answer.headers["retry-after"];
  if (retryAfter !== undefined) response.headers.set("retry-after", retryAfter);
  return response;
}

function page(status: number, text: { head: string; body: string }, cookies: readonly string[]): Response {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8">${text.head}</head><body>${text.body}</body></html>`;
  const response = new Response(html, { status, headers });
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
