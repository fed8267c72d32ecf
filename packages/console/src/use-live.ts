import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { everyType, followLive } from "./api/live.ts";
import { isAffected } from "./live-queries.ts";

/** Reads again what is in view as soon as the hub says that it has changed. @returns whether the hub says so */
export function useLive(): boolean {
  const client = useQueryClient();
  const [isLive, setLive] = useState(false);
  useEffect(() => {
    let was = false;
    const changed = (types: readonly string[]) => {
      void client.invalidateQueries(
        { predicate: ({ queryKey: [path] }) => isAffected(String(path), types) },
        { cancelRefetch: false },
      );
    };
    return followLive({
      changed,
      live(is) {
        // The hub also ends the stream of a session that is not good any more: reading tells which it is.
        if (was && !is) changed([everyType]);
        was = is;
        setLive(is);
      },
    });
  }, [client]);
  return isLive;
}
