/** What a Calico release does differently from others, as the actors need it (tigera/operator and projectcalico/calico at the tags in data/calico). */
import { calicoReleases } from './data.ts';

export interface Release {
  /** Such as v3.31.7. */
  readonly version: string;
  /** 31 of v3.31.7. */
  readonly minor: number;
  /** Image of a component, such as `quay.io/calico/node:v3.31.7`. @throws Error when the release has none of that name. */
  image(component: string): string;
  /** A controller of its own makes IPPools (operator 1.34); before, calico-node made the first one. */
  readonly poolController: boolean;
  /** ServiceAccount `calico-cni-plugin` of its own, guarded as `calico-node` is (operator 1.34). */
  readonly cniPluginAccount: boolean;
  /** Installation carries one finalizer per controller (operator 1.34). */
  readonly controllerFinalizers: boolean;
  /** Goldmane and Whisker (3.30). */
  readonly goldmane: boolean;
  /** The API server lives in calico-system (operator 1.40, #10574). */
  readonly apiServerNamespace: string;
  /** PodDisruptionBudget of calico-apiserver (operator 1.36). */
  readonly apiServerBudget: boolean;
  /** Init container `ebpf-bootstrap` (3.31; recorded). */
  readonly ebpfBootstrap: boolean;
  /** Node annotation `projectcalico.org/Interfaces` (3.31; recorded). */
  readonly interfacesAnnotation: boolean;
  /** Name of the ipset of all pools: renamed in 3.31 (recorded; before: felix/rules/static.go). */
  readonly allPoolsSet: string;
  /** `kubernetesProvider: Kind` is found from the nodes' providerID (operator 1.40). */
  readonly detectsKind: boolean;
  /** Tier `calico-system` with policies of projectcalico.org instead of Kubernetes ones (operator 1.42). */
  readonly tier: boolean;
  /** csi-node-driver is taken down before the finalizers go (operator 1.42). */
  readonly removesCsiFirst: boolean;
  /** On SIGTERM the operator stays while an Installation terminates, at most 60 s (operator 1.34). */
  readonly waitsOnShutdown: boolean;
}

function make(version: string, images: readonly string[]): Release {
  const minor = Number(version.split('.')[1]);
  return {
    version,
    minor,
    image: (component) => {
      const found = images.find((image) => image.includes(`/calico/${component}:`));
      if (!found) throw new Error(`Calico ${version} has no image ${component}`);
      return found;
    },
    poolController: minor >= 28,
    cniPluginAccount: minor >= 28,
    controllerFinalizers: minor >= 28,
    goldmane: minor >= 30,
    apiServerNamespace: minor >= 31 ? 'calico-system' : 'calico-apiserver',
    apiServerBudget: minor >= 29,
    ebpfBootstrap: minor >= 31,
    interfacesAnnotation: minor >= 31,
    allPoolsSet: minor >= 31 ? 'cali40network-ip-pools' : 'cali40all-ipam-pools',
    detectsKind: minor >= 31,
    tier: minor >= 32,
    removesCsiFirst: minor >= 32,
    waitsOnShutdown: minor >= 28,
  };
}

const tagOf = (image: string): string => image.slice(image.lastIndexOf(':') + 1);

/** The release that an operator image installs; undefined when we have no data of it. */
export function releaseOfOperator(image: string): Release | undefined {
  const data = calicoReleases().find((release) => release.operator === tagOf(image));
  return data && make(data.calico, data.images);
}

/** The release of a component's image (`calico/node:v3.31.7`); unknown patch versions behave as their line does. */
export function releaseOfComponent(image: string): Release {
  const tag = tagOf(image).replace(/@.*$/, '');
  const data = calicoReleases().find((release) => release.calico === tag);
  return make(tag, data?.images ?? []);
}
