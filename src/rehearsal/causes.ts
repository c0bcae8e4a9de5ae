/**
 * What commands and kubelets say when they fail, sorted by whose doing it is. Pure tables: the first row that fits wins,
 * so what is narrow stands before what is wide. Each row's true texts, with tool and source, are in
 * test/fixtures/error-texts.
 */
import type { Reason } from '../events/verdict.ts';

export interface Cause {
  readonly verdict: 'error' | 'refused';
  readonly reason: Reason;
  /** What is wrong, one clause for people. */
  readonly what: string;
  /** What to do now, one clause for people. */
  readonly remedy: string;
}

interface Row extends Cause {
  readonly says: RegExp;
}

const row = (verdict: Cause['verdict'], reason: Reason, what: string, remedy: string, says: RegExp): Row => ({
  ...{ verdict, reason, what, remedy, says },
});

const INOTIFY_REMEDY = 'sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288';

/** Limits of inotify are the host's, shared by all nodes; ENOSPC of inotify_add_watch is no full disk (inotify(7)). */
const inotify = (reason: Reason): Row =>
  row(
    'error',
    reason,
    "the host's inotify limits are too low for so many nodes",
    INOTIFY_REMEDY,
    /too many open files|(inotify|fsnotify)[^\n]*no space left on device/i,
  );

const DISK = row(
  'error',
  'disk-full',
  'a disk is full',
  'make room (docker system df shows what Docker holds), take fewer nodes or a larger machine',
  /no space left on device|disk quota exceeded|not enough (free )?disk space|\bENOSPC\b|\bEDQUOT\b/i,
);

/** dockerd is asked by kind and by us; the words are those of docker/cli, from 20.10 to 29. */
const DAEMON: readonly Row[] = [
  row(
    'error',
    'tool-failed',
    "Docker's socket may not be used",
    'add this user to the group docker, or run as one who is in it',
    /permission denied while trying to connect to the docker (daemon socket|api)/i,
  ),
  row(
    'error',
    'tool-failed',
    "Docker's daemon does not answer",
    'start it; docker info must answer',
    /cannot connect to the docker daemon|failed to connect to the docker API|is the docker daemon running|error during connect:|docker daemon is not running/i,
  ),
];

/** Pulls, by dockerd, containerd and whoever hands their words on (kind, kubelet). */
const IMAGES: readonly Row[] = [
  row(
    'error',
    'download-failed',
    'a registry limits how much may be pulled',
    'log in to it (docker login), use a mirror of it, or wait',
    /toomanyrequests|too many requests|pull rate limit|status( code)?:? 429\b|pull QPS exceeded/i,
  ),
  row(
    'error',
    'download-failed',
    'something between here and the registry answers in its place (a proxy, a portal, a limit)',
    'pull the image by hand to see what',
    /unexpected media type text\/html/i,
  ),
  row(
    'refused',
    'image-missing',
    'there is no such image',
    'correct its name or tag, or log in where it is private',
    /manifest unknown|manifest for \S+ not found|not found: manifest|failed to resolve (reference|image)[^\n]*: not found|repository does not exist|name unknown|NAME_UNKNOWN|insufficient_scope|requested access to the resource is denied|invalid reference format|InvalidImageName|ErrImageNeverPull|unexpected status[^\n]*\b401\b|\bno match(ing manifest)? for (platform|linux)/i,
  ),
];

const NETWORK = row(
  'error',
  'download-failed',
  'a download failed on the way',
  'look at proxy, DNS and certificates of this machine, and run again',
  /\b5\d\d (internal server error|bad gateway|service unavailable|gateway time-?out)|unexpected (http )?status[^\n]*\b(403|5\d\d)\b|: (403 forbidden|5\d\d [A-Z])|time-?out|timed out|deadline ?exceeded|connection (was )?(refused|reset)|no such host|temporary failure in name resolution|server misbehaving|network is unreachable|no route to host|TLS handshake|x509:|tls: |proxyconnect|\bEOF\b|request canceled|httpReadSeeker|unexpected status/i,
);

/** Of a pull: what its text gives away. */
const PULL: readonly Row[] = [DISK, ...DAEMON, ...IMAGES, NETWORK];

/** kind v0.27 to v0.33 (pkg/cluster/internal/create, pkg/internal/apis/config/validate.go, providers/docker). */
const KIND: readonly Row[] = [
  inotify('provision-failed'),
  DISK,
  ...DAEMON,
  row(
    'refused',
    'scenario-invalid',
    'there is a cluster of this name already',
    'delete it (kind delete cluster --name NAME), or set cluster.name',
    /node\(s\) already exist for a cluster with the name/,
  ),
  row(
    'error',
    'provision-failed',
    'a port of this machine that the cluster needs is taken',
    'end what listens on it (the message has its number)',
    /port is already allocated|bind: address already in use|failed to bind (host )?port|ports are not available/i,
  ),
  row(
    'error',
    'provision-failed',
    "Docker has no free subnet for kind's network",
    'docker network prune, or larger default-address-pools',
    /non-overlapping|pool overlaps with other one|all predefined address pools have been fully subnetted/i,
  ),
  row(
    'error',
    'provision-failed',
    'this machine has the wrong control groups for the nodes',
    'use cgroup v2 and a kernel with cgroup namespaces, or an older Kubernetes',
    /not support cgroup namespaces|requires cgroup v2|not to run on a host using cgroup v1|configured to not run on a host using cgroup v1/i,
  ),
  row(
    'error',
    'provision-failed',
    "Docker's own init stands in the way of the nodes' systemd",
    'remove "init": true from daemon.json',
    /alternative telinit implementation/,
  ),
  row(
    'error',
    'provision-failed',
    'a node did not boot within the 30 s that kind gives it',
    `look at load and disk of this machine, its control groups and its inotify limits (${INOTIFY_REMEDY})`,
    /could not find a log line that matches/,
  ),
  row(
    'error',
    'provision-failed',
    'the control plane did not come up',
    "read the first node's kubelet.log in the evidence; most often the machine is too small or its disk too slow",
    /failed to init node with kubeadm/,
  ),
  row(
    'error',
    'provision-failed',
    'a node did not join the cluster',
    "read that node's kubelet.log in the evidence; take fewer nodes or a larger machine",
    /failed to join node with kubeadm/,
  ),
  row(
    'refused',
    'scenario-invalid',
    'kind refuses the configuration that the scenario makes',
    'see kind.yaml in the report directory, and cluster.* and kubernetes.* of the scenario',
    /unknown field|unable to decode config|unknown apiVersion|is not a valid cluster name|must have at least one control-plane|is not a valid node role|invalid (pod|service) subnet|only one CIDR allowed|expected IPv[46] CIDR|invalid (kubeProxyMode|ipFamily|port number)|port mapping with same listen address|unknown node role/,
  ),
  ...IMAGES,
  row(
    'error',
    'download-failed',
    "the nodes' image could not be pulled",
    'look at proxy, DNS and registry, or pull it beforehand',
    /failed to pull image/,
  ),
];

const API_LOST = { what: 'helm lost the API server on the way', remedy: 'look at the control plane in the evidence' };

/** helm v3.0 to v4.2 (pkg/engine, pkg/action, pkg/kube, pkg/repo, pkg/chart/common/util). */
const HELM: readonly Row[] = [
  DISK,
  row(
    'error',
    'tool-failed',
    API_LOST.what,
    API_LOST.remedy,
    /kubernetes cluster unreachable|\b(Get|Post|Put|Patch|Delete) "https:\/\/[^"]*\/(apis?|version|openapi)\b[^"]*": /i,
  ),
  row(
    'refused',
    'version-unknown',
    'the repository has no such chart',
    'see cilium.version of the scenario',
    /chart "[^"]*"[^\n]*not found|no chart (version|name) found|chart version not found|\.tgz : 404/i,
  ),
  row(
    'error',
    'download-failed',
    "the chart's repository limits downloads",
    'wait, or use a mirror',
    /toomanyrequests|too many requests|: 429\b/i,
  ),
  row(
    'error',
    'download-failed',
    "the chart's repository cannot be reached",
    'look at proxy, DNS and certificates of this machine, and run again',
    /is not a valid chart repository or cannot be reached|failed to (fetch|download|do request)|could not (download|find) (chart|protocol handler)/i,
  ),
  row(
    'refused',
    'chart-rejected-values',
    'the chart refuses the values',
    'see cilium.values and cilium.finalValues of the scenario',
    /values don't meet the specifications|schema validation|(execution|parse) error (at|in) \(|rendering template failed|error calling (fail|required|include|tpl|template)|: executing "|nil pointer evaluating|YAML parse error|error converting YAML|unable to build kubernetes objects|error validating ""|cannot load values|error unmarshaling JSON|cannot unmarshal|resource mapping not found/i,
  ),
  row(
    'refused',
    'version-unknown',
    'this chart does not support the Kubernetes of the scenario',
    'see cilium.version and kubernetes.version',
    /chart requires kubeVersion/i,
  ),
  row(
    'error',
    'tool-failed',
    'an earlier helm that was killed has left its release locked',
    'delete the Secret of its last revision (sh.helm.release.v1.*), or the cluster, and run again',
    /another operation \(install\/upgrade\/rollback\) is in progress/i,
  ),
  row(
    'refused',
    'scenario-invalid',
    "an object of the chart exists already and is not this release's",
    "leave it out of the scenario's workloads",
    /cannot be imported into the current release|rendered manifests contain a resource that already exists/i,
  ),
  row(
    'error',
    'tool-failed',
    'somebody else owns fields of the release or changed its objects meanwhile',
    'the message names field and owner; leave them to the chart',
    /apply failed with \d+ conflict|conflict occurred while applying|operation cannot be fulfilled on|cannot re-use a name|has no deployed releases|invalid client update option/i,
  ),
  row(
    'error',
    'tool-failed',
    API_LOST.what,
    API_LOST.remedy,
    /etcdserver: |http2: client connection|the server (was unable|is currently unable)/i,
  ),
  row(
    'error',
    'tool-failed',
    'helm gave up waiting',
    'look at the pods in the evidence',
    /timed out waiting for the condition|context deadline exceeded|resource not ready/i,
  ),
  NETWORK,
];

const GONE = row(
  'error',
  'node-container-gone',
  "a node's container is not running any more",
  'look at docker events and at the memory of this machine',
  /no such container|container \S+ is not running/i,
);

const DOCKER: readonly Row[] = [
  inotify('runner-overloaded'),
  GONE,
  row(
    'error',
    'tool-failed',
    "the nodes' image lacks a program",
    "use kind's own images of 2025 or later (kubernetes.image)",
    /executable file not found in \$PATH/,
  ),
  DISK,
  ...DAEMON,
];

/** Words with which docker, ctr or crictl fetch or move images; other commands say "timeout" of other things. */
const MOVES_IMAGES =
  /^docker (image )?(pull|load|save)\b|^docker (manifest|buildx imagetools) |\bimages? (pull|import)\b|crictl pull/;

function firstOf(rows: readonly Row[], text: string): Cause | undefined {
  const found = rows.find(({ says }) => says.test(text));
  if (found === undefined) return undefined;
  const { verdict, reason, what, remedy } = found;
  return { verdict, reason, what, remedy };
}

/** What a failed pull says about its cause, by a kubelet or by docker; undefined when the text gives none away. */
export function causeOfPull(text: string): Cause | undefined {
  return firstOf(PULL, text);
}

/** What the last log lines of a container say of the machine that it runs on; undefined: nothing. */
export function causeInLog(text: string): Cause | undefined {
  return firstOf([inotify('runner-overloaded'), DISK], text);
}

/** Docker itself is gone, or not ours to use. */
export function isDaemonGone(stderr: string): boolean {
  return firstOf(DAEMON, stderr) !== undefined;
}

/**
 * What a failed command says about its cause.
 * @param command its words; the first is the program
 */
export function causeOfCommand(command: string, stderr: string): Cause | undefined {
  if (command.startsWith('helm ')) return firstOf(HELM, stderr);
  if (command.startsWith('kind ')) return firstOf(KIND, stderr);
  return firstOf(DOCKER, stderr) ?? (MOVES_IMAGES.test(command) ? firstOf(PULL, stderr) : undefined);
}
