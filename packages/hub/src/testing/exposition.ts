/** All samples of one metric. */
export interface Family {
  name: string;
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
const samplePattern = new RegExp(
  String.raw`^([a-zA-Z_:][\w:]*)(?:\{(${label}(?:,${label})*)\})? (-?\d[\d.e+-]*|NaN|[+-]Inf)$`,
);

/**
 * Reads Prometheus' text format 0.0.4, strictly.
 * @throws Error that names the line
 */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let family: Family | undefined;
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.split("\n")) {
    const [, help, said = ""] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    const [, typed, type = ""] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
    if (line === "") continue;
    if (help !== undefined) {
      if (families.has(help)) throw new Error(`twice: ${line}`);
      family = { name: help, type: "", help: said, samples: [] };
      families.set(help, family);
    } else if (typed !== undefined && family?.name === typed) family.type = type;
    else if (family !== undefined) family.samples.push(parseSample(line, family));
    else fail(line);
  }
  return families;
}

function parseSample(line: string, family: Family): Family["samples"][number] {
  const [, name = "", labels = "", value = ""] = samplePattern.exec(line) ?? fail(line);
  const suffix = name.slice(family.name.length);
  if (!name.startsWith(family.name) || !["", "_bucket", "_sum", "_count"].includes(suffix)) fail(line);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", text = ""]) => [
    key,
    text,
  ]);
  return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
}

function fail(line: string): never {
  throw new Error(`not Prometheus text: ${line}`);
}
