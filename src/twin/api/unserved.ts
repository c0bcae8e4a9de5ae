/**
 * Built-in resources and subresources of Kubernetes 1.36 that the twin does not model: asked for, they are refused by name
 * (501), and discovery does not list them. What is in neither table does not exist in Kubernetes either (404).
 */

const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  '': ['bindings', 'componentstatuses'],
  'events.k8s.io': ['events'],
  'authentication.k8s.io': ['tokenreviews'],
  'authorization.k8s.io': ['localsubjectaccessreviews', 'subjectaccessreviews'],
  'networking.k8s.io': ['ipaddresses', 'servicecidrs'],
  'storage.k8s.io': ['volumeattributesclasses'],
  'admissionregistration.k8s.io': ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'],
  'flowcontrol.apiserver.k8s.io': ['flowschemas', 'prioritylevelconfigurations'],
};

/** Resources without anybody who acts on them: none can be made (501), so that their lists are truly empty. */
const EMPTY = new Set([
  'replicationcontrollers',
  'deviceclasses.resource.k8s.io',
  'resourceclaims.resource.k8s.io',
  'resourceclaimtemplates.resource.k8s.io',
  'resourceslices.resource.k8s.io',
]);

/** `resource` as in ResourceInfo.name. */
export const isAlwaysEmpty = (resource: string): boolean => EMPTY.has(resource);

const SUBRESOURCES = new Set([
  'pods/attach',
  'pods/ephemeralcontainers',
  'pods/exec',
  'pods/log',
  'pods/portforward',
  'pods/resize',
  'nodes/proxy',
  'serviceaccounts/token',
  'certificatesigningrequests.certificates.k8s.io/approval',
]);

/** Is this a group of which nothing is served? */
export const isUnservedGroup = (group: string): boolean => group !== '' && RESOURCES[group] !== undefined;

/** Is this a resource of Kubernetes that is not modelled? Autoscaling's old version is one whole. */
export const isUnservedResource = (group: string, version: string, plural: string): boolean =>
  RESOURCES[group]?.includes(plural) === true || (group === 'autoscaling' && version === 'v1');

/** `resource` as in ResourceInfo.name. */
export const isUnservedSubresource = (resource: string, subresource: string): boolean =>
  SUBRESOURCES.has(`${resource}/${subresource}`);
