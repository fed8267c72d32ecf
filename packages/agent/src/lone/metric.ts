/** A metric and its values. */
export interface Metric {
  name: string;
  type: "gauge" | "counter";
  help: string;
  /** Labels and value; without a value there is no line. */
  samples: [labels: Record<string, string>, value: number | undefined][];
}

/** A metric in Prometheus' text format; one without values still says that it exists, and what it is. */
export function textOf({ name, type, help, samples }: Metric): string {
  const lines = samples.flatMap(([labels, value]) => {
    if (value === undefined) return [];
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return [`${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`];
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
