/** What a setting says about itself beside its schema. */
export interface SettingNotes {
  /** How its value is written in help texts, such as `host:port`. */
  placeholder?: string;
  /** Whether it names a file or folder; in a configuration file it then counts from the file's own folder. */
  isPath?: boolean;
}
