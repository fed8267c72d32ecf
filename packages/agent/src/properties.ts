/** What `nbwss.properties` sets, with NetBackup's defaults (NBWSS, keep-alive and connection rules). */
export interface NbwssProperties {
  /** `exception.ignoreDecoder`: whether a connection survives a message that can't be decoded. */
  ignoreDecoder: boolean;
  /** `notification.sendTimeout`: how long an acknowledgement is waited for, ms. */
  sendTimeoutMs: number;
  /** `notification.scheduledRate`, in seconds in the file: how soon an unacknowledged notification is sent again, ms. */
  resendAfterMs: number;
  /** `keepAlive.scheduledRate`, in seconds in the file: pause between pings, ms. */
  pingIntervalMs: number;
  /** `keepAlive.maxPongMissAllowed`. */
  maxMissedPongs: number;
  /** `connectionInfo.period`, in seconds in the file: the longest wait between two tries to connect, ms. */
  connectPeriodMs: number;
}

/** NetBackup's defaults. */
export const defaultProperties: NbwssProperties = {
  ignoreDecoder: false,
  sendTimeoutMs: 2_000,
  resendAfterMs: 5_000,
  pingIntervalMs: 30_000,
  maxMissedPongs: 3,
  connectPeriodMs: 60_000,
};

type Setter = (properties: NbwssProperties, value: string) => boolean;

/** Sets a whole number of at least 1, at most a day's worth of seconds; false when `value` is none. */
function whole(name: Exclude<keyof NbwssProperties, "ignoreDecoder">, factor: number): Setter {
  return (properties, value) => {
    const number = /^\d{1,8}$/.test(value) ? Number(value) : 0;
    if (number < 1 || number * factor > 86_400_000) return false;
    properties[name] = number * factor;
    return true;
  };
}

const setters: Readonly<Record<string, Setter>> = {
  "exception.ignoreDecoder": (properties, value) => {
    if (value !== "true" && value !== "false") return false;
    properties.ignoreDecoder = value === "true";
    return true;
  },
  "notification.sendTimeout": whole("sendTimeoutMs", 1),
  "notification.scheduledRate": whole("resendAfterMs", 1000),
  "keepAlive.scheduledRate": whole("pingIntervalMs", 1000),
  "keepAlive.maxPongMissAllowed": whole("maxMissedPongs", 1),
  "connectionInfo.period": whole("connectPeriodMs", 1000),
};

/**
 * Reads `nbwss.properties`: `key=value` lines, `#` and `!` begin comments. Unknown keys and bad values are reported
 * by line and leave the default.
 */
export function parseProperties(text: string): { properties: NbwssProperties; problems: string[] } {
  const properties = { ...defaultProperties };
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith("!")) continue;
    const [, key = trimmed, value = ""] = /^([^=]*?)\s*=\s*(.*)$/.exec(trimmed) ?? [];
    const setter = Object.hasOwn(setters, key) ? setters[key] : undefined;
    if (setter === undefined) {
      problems.push(`line ${index + 1}: unknown key "${key}"; known are ${Object.keys(setters).join(", ")}`);
    } else if (!setter(properties, value)) {
      problems.push(`line ${index + 1}: "${value}" is no value for ${key}; its default is used`);
    }
  }
  return { properties, problems };
}
