import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";

/** A primary's name, leading to its page. */
export function PrimaryLink({ id, name }: { id: string; name: string }) {
  return (
    <Anchor
      size="sm"
      renderRoot={(props) => <Link to="/primaries/$id" params={{ id }} {...props} />}
      className="name-link"
    >
      {name}
    </Anchor>
  );
}
