/** What the body of an error of NetBackup says, cut short: it goes to logs and reports. Never throws. */
export function errorMessageOf(body: string, maxCharacters = 200): string {
  try {
    const { errorMessage } = JSON.parse(body) as { errorMessage?: unknown };
    if (typeof errorMessage === "string") return errorMessage.slice(0, maxCharacters);
  } catch {
    // Not JSON: a proxy's page, say. The status alone has to do.
  }
  return "no reason was given";
}
