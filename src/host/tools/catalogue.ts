/** The tools that can be set up: where they are published, how they say their version, and which versions we choose. */

/** The name of the command. */
export type ToolName = 'kind' | 'helm' | 'cilium';

/** As publishers name platforms. */
export interface Platform {
  readonly os: 'linux' | 'darwin';
  readonly arch: 'amd64' | 'arm64';
}

export interface PinnedVersion {
  readonly version: string;
  /** Published SHA-256 of the asset by `OS-ARCH`; where one is missing the publisher's checksum file is asked. */
  readonly sha256: Readonly<Record<string, string>>;
}

export interface Tool {
  readonly name: ToolName;
  /** Its name in caches, on mirrors and in the action's input `ID-version`. */
  readonly id: string;
  /** The first is the default. */
  readonly pinned: readonly [PinnedVersion, ...PinnedVersion[]];
  /** A range (semver): what is on the PATH and lies in it is taken where no version was asked for. */
  readonly fits: string;
  readonly versionArgs: readonly string[];
  /** Environment of that question only. */
  readonly versionEnvironment: Readonly<Record<string, string | undefined>>;
  /** Finds the version in what it answers. */
  readonly versionPattern: RegExp;
  /** File name of what is published for a version. */
  asset(version: string, platform: Platform): string;
  /** The directory of the publisher's assets for a version, with `/` at its end. */
  directory(version: string): string;
  /** Where the publisher says which version is the newest: in the text of a file, or at the end of where it redirects to. */
  readonly latest: { readonly url: string; readonly in: 'text' | 'redirect' };
  /** Where the program is in the asset when that is an archive; undefined: the asset is the program. */
  member(platform: Platform): string | undefined;
}

/** kubernetes-sigs/kind, pkg/cmd/kind/version/version.go: `kind v0.32.0 go1.26.3 linux/amd64`. */
const KIND: Tool = {
  name: 'kind',
  id: 'kind',
  pinned: [
    {
      version: '0.32.0',
      sha256: {
        'linux-amd64': '50030de23cf40a18505f20426f6a8506bedf13c6e509244bd1fa9463721b0f54',
        'linux-arm64': 'b92cd615e97585de8ddade28ed5cd7feb4248d717c233eea5b03c37298900f5d',
      },
    },
  ],
  // A node image is promised to work with the kind that built it; older kinds do not know the kubeadm of newer images.
  fits: '>=0.30.0 <0.34.0',
  versionArgs: ['version'],
  versionEnvironment: {},
  versionPattern: /^kind (?:version )?v?(\d\S*)/m,
  asset: (_version, { os, arch }) => `kind-${os}-${arch}`,
  directory: (version) => `https://github.com/kubernetes-sigs/kind/releases/download/v${version}/`,
  latest: { url: 'https://github.com/kubernetes-sigs/kind/releases/latest', in: 'redirect' },
  member: () => undefined,
};

/** Checksums: release notes of helm/helm v3.21.4 and v4.2.4. `--template` is in Helm 2.8 to 4. */
const HELM: Tool = {
  name: 'helm',
  id: 'helm',
  pinned: [
    {
      version: '3.21.4',
      sha256: {
        'linux-amd64': '61f88ab166748cb19604d7884cb100ae9ccb13804ddeb98e08af167eacbb6a14',
        'linux-arm64': 'b54c04b4e0b2540bbdc08c17a121dab70e9a2ed0de5705528fec68a5fd3b85a7',
        'darwin-amd64': '9173d05edf9592c6be1d0412ffafd935448dfc7a63c2bc732b8c67e55503e8a8',
        'darwin-arm64': '6e0bf5eb6daafc2b1ec34bb5ba04ef103f3afc16192fb19805c2924d7ea1033f',
      },
    },
    {
      version: '4.2.4',
      sha256: {
        'linux-amd64': 'c306b46f719b0a4da32d0f78ee21bf90ce8d602f15b22ab753f0674d1670a7f3',
        'linux-arm64': '564de2191b881e9f71b5606b25345821ea1682f06ab90499d3ab22b530176da1',
        'darwin-amd64': '6c163d687ca03c3b5c01928e53bbbcf9518278f47ce7a2f249a5a08e8bdaa2bc',
        'darwin-arm64': 'd747eb4e28bd2727173d15b759fa0a17822291ec09db7ced3d55af290a3661a2',
      },
    },
  ],
  fits: '>=3.14.0 <5.0.0',
  versionArgs: ['version', '--template', '{{.Version}}'],
  versionEnvironment: {},
  versionPattern: /^v?(\d+\.\d+\.\d\S*)/m,
  asset: (version, { os, arch }) => `helm-v${version}-${os}-${arch}.tar.gz`,
  directory: () => 'https://get.helm.sh/',
  latest: { url: 'https://get.helm.sh/helm-latest-version', in: 'text' },
  member: ({ os, arch }) => `${os}-${arch}/helm`,
};

/**
 * cilium/cilium, cilium-cli/cli/version.go: behind its own version `--client` prints the newest Cilium's, for which it asks
 * the Internet without any time limit. A proxy where nobody listens makes it say `unknown` at once.
 */
const CILIUM: Tool = {
  name: 'cilium',
  id: 'cilium-cli',
  pinned: [{ version: '0.19.7', sha256: {} }],
  fits: '>=0.19.0 <0.20.0',
  versionArgs: ['version', '--client'],
  versionEnvironment: { HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: undefined, no_proxy: undefined },
  versionPattern: /^cilium-cli: v?(\d\S*)/m,
  asset: (_version, { os, arch }) => `cilium-${os}-${arch}.tar.gz`,
  directory: (version) => `https://github.com/cilium/cilium-cli/releases/download/v${version}/`,
  latest: { url: 'https://raw.githubusercontent.com/cilium/cilium-cli/main/stable.txt', in: 'text' },
  member: () => 'cilium',
};

export const TOOLS: Readonly<Record<ToolName, Tool>> = { kind: KIND, helm: HELM, cilium: CILIUM };

/**
 * Which cilium-cli goes with which Cilium, newest first: its README and the lowest chart in its code at each tag
 * (cilium/cilium-cli v0.15.23, v0.16.24, v0.19.0, v0.19.7).
 */
const CILIUM_CLI_BY_CILIUM = [
  { since: 17, version: '0.19.7', fits: '>=0.19.0 <0.20.0' },
  { since: 16, version: '0.19.0', fits: '>=0.18.9 <0.19.8' },
  { since: 15, version: '0.16.24', fits: '>=0.16.0 <0.18.6' },
  { since: 0, version: '0.15.23', fits: '>=0.15.22 <0.16.0' },
] as const;

/** The cilium-cli for a Cilium version, as `1.18.4`: what to set up by default, and what may be taken from the PATH. */
export function ciliumCliFor(ciliumVersion: string): { readonly version: string; readonly fits: string } {
  const [major, minor] = ciliumVersion.split('.').map(Number);
  const row = CILIUM_CLI_BY_CILIUM.find(({ since }) => major !== 1 || (minor ?? 0) >= since);
  return { version: row!.version, fits: row!.fits };
}
