/** Where the keys of a scenario stand, for messages of those who judge it after it was read. */
import { basename } from 'node:path';
import type { ScenarioDocument } from './document.ts';

/**
 * Where a dotted key stands: `lab.yaml:12:3: cilium.podCIDR`, `values.yaml:2:3: cni.customConf`, `--set cilium.podCIDR`;
 * without a position where its default is meant.
 */
export type Positions = (path: string) => string;

/** @param valuesFiles documents of Helm values in files of their own, by the key that names the file */
export function positionsOf(document: ScenarioDocument, valuesFiles: ReadonlyMap<string, ScenarioDocument>): Positions {
  return (path) => {
    for (const [key, file] of valuesFiles) {
      if (!path.startsWith(`${key}.`)) continue;
      const place = file.place(path.slice(key.length + 1).split('.'));
      if (place !== undefined) return place;
    }
    return document.place(path.split('.')) ?? `${basename(document.file)}: ${path}`;
  };
}
