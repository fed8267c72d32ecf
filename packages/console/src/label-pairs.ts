/** Labels as they are typed: `NAME=VALUE`. */
export type LabelPairs = readonly string[];

const pair = /^[\w.-]{1,64}=.{0,256}$/su;

/** Why a text is no label, in a sentence; null when it is one. */
export function labelFault(text: string): string | null {
  return pair.test(text) ? null : `“${text}” is not NAME=VALUE (names have letters, digits and . _ - only)`;
}

/** Labels as the hub has them. The last one of a name counts. */
export function toLabels(pairs: LabelPairs): Record<string, string> {
  return Object.fromEntries(
    pairs.map((text) => {
      const at = text.indexOf("=");
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** Labels as they are typed. */
export function toPairs(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`);
}
