import { arch, platform } from 'node:os';
import type { Platform } from './catalogue.ts';

/** This machine as publishers name it; undefined: none of the tools is published for it. */
export function thisPlatform(): Platform | undefined {
  const os = { linux: 'linux', darwin: 'darwin' }[platform() as string] as Platform['os'] | undefined;
  const cpu = { x64: 'amd64', arm64: 'arm64' }[arch() as string] as Platform['arch'] | undefined;
  return os === undefined || cpu === undefined ? undefined : { os, arch: cpu };
}
