import { Button, Group } from "@mantine/core";

interface FormButtonsProps {
  /** What sending the form does, such as "Add". */
  action: string;
  /** The form was sent and not answered yet. */
  isPending: boolean;
  /** Something that is needed is still missing. */
  disabled?: boolean;
  onCancel: () => void;
}

/** The end of a dialog's form: leave it, or send it. */
export function FormButtons({ action, isPending, disabled, onCancel }: FormButtonsProps) {
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onCancel}>
        Cancel
      </Button>
      <Button type="submit" loading={isPending} {...(disabled === undefined ? {} : { disabled })}>
        {action}
      </Button>
    </Group>
  );
}
