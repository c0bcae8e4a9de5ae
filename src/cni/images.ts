/**
 * The images that a rehearsal starts, by who starts them: what stands on every node, and what runs somewhere. Read from
 * the charts and from the lists that go with Calico's manifests (data/calico/README.md, data/cilium/images.json).
 */
import semver from 'semver';
import type { Json, JsonObject } from '../scenario/scenario.ts';
import { hasFlowLogs } from './calico.ts';
import { hasEnvoy } from './cilium.ts';
import { listData, readData } from './data.ts';
import { mergeValues, valueAt } from './merge.ts';

export interface StartedImage {
  readonly image: string;
  /** `every-node`: a DaemonSet's. `somewhere`: a Deployment's, whose pods may land on any node. */
  readonly on: 'every-node' | 'somewhere';
}

/** Images of Calico's DaemonSets, by name; all others are Deployments' (tigera/operator pkg/render, v1.29 to v1.42). */
const CALICO_ON_EVERY_NODE = new Set(['node', 'cni', 'pod2daemon-flexvol', 'csi', 'node-driver-registrar']);
const CALICO_CSI = new Set(['csi', 'node-driver-registrar']);
const CALICO_FLOW_LOGS = new Set(['goldmane', 'whisker', 'whisker-backend']);

/**
 * The images that the operator's manifest and an Installation of this spec start; empty where the release is not bundled.
 * @param installation the spec of Installation/default; `registry`, `imagePath` and `imagePrefix` move all but the
 * operator's own image (tigera/operator pkg/components/references.go, v1.40.15)
 */
export function calicoImages(version: string, installation: JsonObject): StartedImage[] {
  const data = readData(`calico/v${version.replace(/^v/, '')}/images.json`);
  if (data === undefined) return [];
  const { images } = JSON.parse(data) as { images: string[] };
  return images.flatMap((image): StartedImage[] => {
    const name = nameOf(image);
    if (CALICO_CSI.has(name) && valueAt(installation, 'kubeletVolumePluginPath') === 'None') return [];
    if (name === 'pod2daemon-flexvol' && valueAt(installation, 'flexVolumePath') === 'None') return [];
    if (CALICO_FLOW_LOGS.has(name) && !hasFlowLogs(version)) return [];
    const on = CALICO_ON_EVERY_NODE.has(name) ? 'every-node' : 'somewhere';
    return [{ image: name === 'operator' ? image : moved(image, installation), on }];
  });
}

/** Name of an image's repository without its path: `node`. */
const nameOf = (image: string): string => image.split('/').at(-1)!.split(':')[0]!;

function moved(image: string, installation: JsonObject): string {
  const at = (key: string): string => {
    const text = textOf(valueAt(installation, key));
    return text === 'UseDefault' ? '' : text;
  };
  const [, registry = '', path = '', rest = ''] = /^([^/]+)\/(.+)\/([^/]+)$/.exec(image) ?? [];
  const host = at('registry') === '' ? registry : at('registry').replace(/\/+$/, '');
  return `${host}/${at('imagePath') === '' ? path : at('imagePath')}/${at('imagePrefix')}${rest}`;
}

/** Where the chart's helper takes an image of Cilium from. */
export interface CiliumImageSource {
  readonly path: string;
  readonly digestKey: string;
  readonly on: StartedImage['on'];
  /** Between repository and tag. */
  readonly suffix: (values: JsonObject) => string;
  readonly used: (version: string, values: JsonObject) => boolean;
}

/** charts cilium 1.14 to 1.20, templates/_helpers.tpl (cilium.image, cilium.operator.image). */
export const CILIUM_IMAGE_SOURCES: readonly CiliumImageSource[] = [
  { path: 'image', digestKey: 'digest', on: 'every-node', suffix: () => '', used: () => true },
  {
    path: 'operator.image',
    digestKey: 'genericDigest',
    on: 'somewhere',
    // No cloud's own operator with the IPAM modes of a rehearsal.
    suffix: (values) => `-generic${textOf(valueAt(values, 'operator.image.suffix'))}`,
    used: (_, values) => valueAt(values, 'operator.enabled') !== false,
  },
  { path: 'envoy.image', digestKey: 'digest', on: 'every-node', suffix: () => '', used: hasEnvoy },
];

/** The reference that the chart renders; undefined where neither the values nor the bundled chart say which tag. */
export function imageOfChart(values: JsonObject, { path, digestKey, suffix }: CiliumImageSource): string | undefined {
  const at = (key: string): string => textOf(valueAt(values, `${path}.${key}`));
  if (at('override') !== '') return at('override');
  if (at('repository') === '' || at('tag') === '') return undefined;
  const digest = at(digestKey);
  const useDigest = valueAt(values, `${path}.useDigest`);
  const pinned = (useDigest === true || useDigest === 'true') && digest !== '' ? `@${digest}` : '';
  return `${at('repository')}${suffix(values)}:${at('tag')}${pinned}`;
}

/** The chart's own values; without its data the names that all charts share, but not envoy's tag. */
export function chartValues(version: string): JsonObject {
  const data = readData(`cilium/${version}/values.json`);
  if (data !== undefined) return JSON.parse(data) as JsonObject;
  return {
    image: { repository: 'quay.io/cilium/cilium', tag: `v${version}` },
    operator: { image: { repository: 'quay.io/cilium/operator', tag: `v${version}` } },
    envoy: { image: { repository: 'quay.io/cilium/cilium-envoy' } },
  };
}

/** The images of Cilium with these values of ours and the user's over the chart's own. */
export function ciliumImages(version: string, values: JsonObject): StartedImage[] {
  const merged = mergeValues(chartValues(version), values);
  return CILIUM_IMAGE_SOURCES.flatMap((source): StartedImage[] => {
    if (!source.used(version, merged)) return [];
    const image = imageOfChart(merged, source);
    return image === undefined ? [] : [{ image, on: source.on }];
  });
}

/** Versions of Cilium whose chart is bundled, oldest first: what the facts of this release were verified with. */
export function verifiedCiliumVersions(): string[] {
  return semver.sort(listData('cilium').filter((name) => /^\d+\.\d+\.\d+$/.test(name)));
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
