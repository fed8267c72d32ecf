import { dirname, resolve } from "node:path";
import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Node, type ParsedNode } from "yaml";
import { hubSettings, settingGroups } from "./setting-list.ts";
import { unknownName, type Given, type Problem } from "./given.ts";

/** A configuration file that was read. */
export interface SettingsFile {
  /** Its path, for messages; paths in it count from its folder. */
  name: string;
  text: string;
}

/** What a configuration file gives, and what is wrong with it. */
export interface SettingsOfFile {
  given: Given[];
  problems: Problem[];
}

/** Reads a configuration file: YAML 1.2, of which JSON is a part. Nothing of it is shown in a problem but names of keys. */
export function readSettingsFile(file: SettingsFile): SettingsOfFile {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number | undefined) => `${file.name}:${lines.linePos(offset ?? 0).line}`;
  const given: Given[] = [];
  const problems = document.errors.map(({ pos, code }) => ({
    origin: at(pos[0]),
    message: syntaxMessages[code] ?? `is not YAML or JSON (${code})`,
  }));
  if (problems.length > 0) return { given, problems };

  function readMap(node: ParsedNode | null, path: string): void {
    // A section whose lines are all commented out.
    if (node === null || (isScalar(node) && node.value === null)) return;
    if (!isMap(node)) {
      const what = path === "" ? "the file" : path;
      problems.push({ origin: at(node.range[0]), message: `${what} has to hold keys and values` });
      return;
    }
    for (const { key, value } of node.items) {
      // A dot is how messages write a key below a key, never a part of one.
      const name = isScalar(key) ? String(key.value).replaceAll(".", "/") : "";
      readSetting(path === "" ? name : `${path}.${name}`, key, value);
    }
  }

  function readSetting(path: string, key: Node, node: ParsedNode | null): void {
    const origin = at(key.range?.[0]);
    if (settingGroups.has(path)) {
      readMap(node, path);
      return;
    }
    const setting = hubSettings.find((known) => known.path === path);
    if (setting === undefined) {
      const names = [...hubSettings.map((known) => known.path), ...settingGroups];
      problems.push({ origin, message: unknownName("key", path, names) });
      return;
    }
    if (isAlias(node)) {
      problems.push({ origin, message: `${path} has to be written out; aliases are not followed` });
      return;
    }
    const value: unknown = node?.toJS(document) ?? null;
    const isRelative = setting.isPath && typeof value === "string" && value !== "";
    given.push({ path, origin, value: isRelative ? resolve(dirname(file.name), value) : value });
  }

  readMap(document.contents, "");
  return { given, problems };
}

const syntaxMessages: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "has a key that stands there already",
  BAD_INDENT: "is indented wrongly",
  TAB_AS_INDENT: "is indented with a tab; use blanks",
};
