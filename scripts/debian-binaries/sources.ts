/** Which archive of Debian the machine's own apt uses. Pure; the files are read by the caller. */

export interface DebianArchive {
  /** As it stands there; no mirror has a name in this project. */
  readonly uri: string;
  /** Values of Signed-By; empty where the entry has none and apt's trusted keys apply. */
  readonly signedBy: readonly string[];
}

/** The main archive ends in `debian`, a snapshot of it in `debian/20260101T000000Z`; `debian-security` has other suites. */
const MAIN_ARCHIVE = /^https?:\/\/[^\s]+\/debian(\/\d{8}T\d{6}Z)?\/?$/;

/** The first main archive of Debian among files of `/etc/apt`, in both formats (sources.list(5)); disabled entries do not count. */
export function debianArchive(files: readonly { name: string; text: string }[]): DebianArchive | undefined {
  for (const { name, text } of files) {
    const found = name.endsWith('.sources') ? inStanzas(text) : inLines(text);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inStanzas(text: string): DebianArchive | undefined {
  const withoutComments = text.replace(/^#.*\n?/gm, '');
  for (const stanza of withoutComments.split(/\n\s*\n/)) {
    const fields = new Map(
      // A line that begins with a space goes on with the field before.
      stanza
        .replace(/\n[ \t]+/g, ' ')
        .split('\n')
        .map((line) => line.match(/^([A-Za-z-]+):\s*(.*?)\s*$/))
        .flatMap((match) => (match === null ? [] : [[match[1]!.toLowerCase(), match[2]!] as const])),
    );
    if (/^no$|^false$/i.test(fields.get('enabled') ?? '')) continue;
    if (!words(fields.get('types')).includes('deb')) continue;
    const uri = words(fields.get('uris')).find((each) => MAIN_ARCHIVE.test(each));
    // A key that stands in the stanza itself is not a path; apt's trusted keys are then asked instead.
    const signedBy = words(fields.get('signed-by')?.replaceAll(',', ' ')).filter((each) => each.startsWith('/'));
    if (uri !== undefined) return { uri, signedBy };
  }
  return undefined;
}

function inLines(text: string): DebianArchive | undefined {
  for (const line of text.split('\n')) {
    const match = line.match(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+\S/);
    if (match === null || !MAIN_ARCHIVE.test(match[2]!)) continue;
    const signedBy = match[1]?.match(/signed-by=(\S+)/i)?.[1];
    return { uri: match[2]!, signedBy: signedBy === undefined ? [] : signedBy.split(',') };
  }
  return undefined;
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');
