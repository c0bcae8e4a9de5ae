/** Where the keys of a scenario stand, for messages of those who judge it after it was read. */
import { basename } from 'node:path';
import type { ScenarioDocument } from './document.ts';

/**
 * Where a dotted key stands: `lab.yaml:12:3: cilium.podCIDR`, `values.yaml:2:3: cni.customConf`, `--set cilium.podCIDR`;
 * without a position where its default is meant.
 */
export type Positions = (path: string) => string;

/** A place in a file. */
export interface Place {
  /** Absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** Where a dotted key stands; undefined: in no file, because its default is meant or it was given beside the file. */
export type Places = (path: string) => Place | undefined;

/** Documents of Helm values in files of their own, with their absolute paths, by the key that names the file. */
export type ValuesFiles = Map<string, { readonly document: ScenarioDocument; readonly file: string }>;

export function positionsOf(document: ScenarioDocument, valuesFiles: ValuesFiles): Positions {
  return (path) => {
    for (const [key, values] of valuesFiles) {
      if (!path.startsWith(`${key}.`)) continue;
      const place = values.document.place(path.slice(key.length + 1).split('.'));
      if (place !== undefined) return place;
    }
    return document.place(path.split('.')) ?? `${basename(document.file)}: ${path}`;
  };
}

/** @param file absolute path of the document */
export function placesOf(document: ScenarioDocument, file: string, valuesFiles: ValuesFiles): Places {
  return (path) => {
    for (const [key, values] of valuesFiles) {
      if (!path.startsWith(`${key}.`)) continue;
      const position = values.document.position(path.slice(key.length + 1).split('.'));
      if (position !== undefined) return { file: values.file, ...position };
    }
    const position = document.position(path.split('.'));
    return position === undefined ? undefined : { file, ...position };
  };
}
