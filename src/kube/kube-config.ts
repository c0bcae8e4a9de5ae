/** The one thing that we take of the Kubernetes client, named so that a bundle can leave the rest of it out. */
export { KubeConfig } from '@kubernetes/client-node';
