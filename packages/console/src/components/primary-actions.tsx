import type { PrimarySummary } from "@sallyport/hub";
import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { primariesKey } from "../api/primaries.ts";
import { removePrimary } from "../api/primary.ts";
import { AddEndpointDialog } from "./add-endpoint-dialog.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { EditPrimaryDialog } from "./edit-primary-dialog.tsx";
import { RotateDialog } from "./rotate-dialog.tsx";

/** What an administrator may do with a primary. */
export function PrimaryActions({ primary }: { primary: PrimarySummary }) {
  const { id, name } = primary;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [removing, removal] = useDisclosure(false);
  const [editing, edit] = useDisclosure(false);
  const [rotating, rotation] = useDisclosure(false);
  const [adding, addition] = useDisclosure(false);
  return (
    <Group gap="sm">
      <Button variant="default" onClick={edit.open}>
        Edit
      </Button>
      <Button variant="default" onClick={rotation.open}>
        Rotate the token
      </Button>
      <Button variant="default" onClick={addition.open}>
        Add an endpoint
      </Button>
      <Button color="red" variant="outline" onClick={removal.open}>
        Remove
      </Button>
      <EditPrimaryDialog primary={primary} opened={editing} onClose={edit.close} />
      <RotateDialog primary={primary} opened={rotating} onClose={rotation.close} />
      <AddEndpointDialog primary={primary} opened={adding} onClose={addition.close} />
      <ConfirmDialog
        opened={removing}
        onClose={removal.close}
        title={`Remove ${name}?`}
        action="Remove"
        typed={name}
        onConfirm={async () => {
          await removePrimary(id);
          await navigate({ to: "/primaries" });
          client.removeQueries({ queryKey: ["/primaries", id] });
          await client.invalidateQueries({ queryKey: primariesKey });
        }}
      >
        Its tokens are void at once and its connection is cut. To have it back it has to be enrolled anew.
      </ConfirmDialog>
    </Group>
  );
}
