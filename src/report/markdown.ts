/** The little GitHub Markdown that the summary needs. */

/** Text that means itself: no HTML, no emphasis, no mention, on one line. */
export function plain(text: string): string {
  return (
    text
      .replace(/\s*[\r\n]+\s*/g, ' ')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/([\\`*_[\]|~])/g, '\\$1')
      // A zero-width space keeps GitHub from mentioning somebody or linking an issue.
      .replace(/([@#])(?=\w)/g, '$1\u200b')
  );
}

/** A code span; inside a table too, where a bar would end the cell. */
export function code(text: string): string {
  const line = text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/`/g, "'");
  return line === '' ? '' : `\`${line.replace(/\|/g, '\\|')}\``;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map(line)];
}

/** A fenced block whose fence is longer than any in the text. */
export function fenced(language: string, lines: readonly string[]): string[] {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((ticks) => ticks.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence];
}

export function details(summary: string, lines: readonly string[]): string[] {
  return ['<details>', `<summary>${summary}</summary>`, '', ...lines, '', '</details>'];
}
