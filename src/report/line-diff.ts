/** A unified diff of two short texts, by their longest common subsequence of lines. */

const CONTEXT = 3;

interface Edit {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** Empty when the texts are equal. */
export function unifiedDiff(before: string, after: string, names: { before: string; after: string }): string {
  const edits = editsOf(linesOf(before), linesOf(after));
  const hunks = hunksOf(edits);
  if (hunks.length === 0) return '';
  return [`--- ${names.before}`, `+++ ${names.after}`, ...hunks.flatMap((hunk) => hunkLines(edits, hunk)), ''].join(
    '\n',
  );
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

function editsOf(a: readonly string[], b: readonly string[]): Edit[] {
  // common[i][j]: length of the longest common subsequence of a from i and b from j.
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const edits: Edit[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ sign: ' ', text: a[i]! });
      i++;
      j++;
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      edits.push({ sign: '-', text: a[i++]! });
    } else {
      edits.push({ sign: '+', text: b[j++]! });
    }
  }
  return edits;
}

/** Stretches of edits with their context, joined where they touch. */
function hunksOf(edits: readonly Edit[]): { from: number; to: number }[] {
  const hunks: { from: number; to: number }[] = [];
  for (const [index, { sign }] of edits.entries()) {
    if (sign === ' ') continue;
    const from = Math.max(0, index - CONTEXT);
    const to = Math.min(edits.length, index + CONTEXT + 1);
    const last = hunks.at(-1);
    if (last && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  }
  return hunks;
}

function hunkLines(edits: readonly Edit[], { from, to }: { from: number; to: number }): string[] {
  const count = (list: readonly Edit[], without: Edit['sign']): number =>
    list.filter(({ sign }) => sign !== without).length;
  const start = edits.slice(0, from);
  const hunk = edits.slice(from, to);
  const range = (without: Edit['sign']): string => {
    const length = count(hunk, without);
    return `${count(start, without) + (length > 0 ? 1 : 0)},${length}`;
  };
  return [`@@ -${range('+')} +${range('-')} @@`, ...hunk.map(({ sign, text }) => `${sign}${text}`)];
}
