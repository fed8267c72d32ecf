import { writeSync } from "node:fs";
import { openSqliteLog } from "../log/sqlite-log.ts";

// Appends until it is killed, and prints an event's id and position only when its promise has resolved.
const log = openSqliteLog({ path: process.argv[2] ?? "", maxPendingEvents: 1_000 });
for (let turn = 0; ; turn += 1) {
  await Promise.all(
    [0, 1, 2].map(async (index) => {
      const id = `${process.pid}-${turn}-${index}`;
      const time = new Date().toISOString();
      const [at] = await log.append([{ id, type: "test", source: "/test", subject: "s", time, data: turn }]);
      writeSync(1, `${id} ${at?.position}\n`);
    }),
  );
}
