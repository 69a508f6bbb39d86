// A day with @kubernetes/client-node: typed calls, dynamic ones, a watch, an informer, patches of four types, errors. Ends with the number
// of things it looked at.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// Where the package is is told by the environment; ES modules do not look at NODE_PATH.
const require = createRequire(`${process.env.NODE_MODULES}/`);
const k8s = await import(pathToFileURL(require.resolve('@kubernetes/client-node')));

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const batch = config.makeApiClient(k8s.BatchV1Api);
const rbac = config.makeApiClient(k8s.RbacAuthorizationV1Api);
const authorization = config.makeApiClient(k8s.AuthorizationV1Api);
const extensions = config.makeApiClient(k8s.ApiextensionsV1Api);
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const version = config.makeApiClient(k8s.VersionApi);
const dynamic = k8s.KubernetesObjectApi.makeApiClient(config);
const namespace = 'day';

let checked = 0;
function same(got, want, what) {
  checked += 1;
  assert.deepEqual(got, want, what);
}
async function refused(promise, code, reason) {
  checked += 1;
  const error = await promise.then(() => assert.fail(`it was not refused with ${code}`), (e) => e);
  assert.equal(error.code, code, error.message);
  if (reason) assert.match(typeof error.body === 'string' ? error.body : JSON.stringify(error.body), reason);
}
async function until(what, look, seconds = 20) {
  checked += 1;
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    const got = await look();
    if (got) return got;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`${what}: not within ${seconds} s`);
}
const patchOf = (type) => k8s.setHeaderOptions('Content-Type', type);

async function typedObjects() {
  same((await version.getCode()).minor, '36', 'the version');
  const made = await core.createNamespace({ body: { metadata: { name: namespace } } });
  same(made.status.phase, 'Active', 'a namespace');
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'settings', labels: { a: 'b' } }, data: { color: 'red' }, binaryData: { raw: 'AAH/' } } });
  const map = await core.readNamespacedConfigMap({ name: 'settings', namespace });
  same([map.data.color, map.binaryData.raw, map.metadata.creationTimestamp instanceof Date], ['red', 'AAH/', true], 'a config map');
  map.data.color = 'blue';
  same((await core.replaceNamespacedConfigMap({ name: 'settings', namespace, body: map })).data.color, 'blue', 'replaced');
  await refused(core.replaceNamespacedConfigMap({ name: 'settings', namespace, body: map }), 409, /the object has been modified/);
  await refused(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'settings' } } }), 409, /"reason":"AlreadyExists"|AlreadyExists/);
  await refused(core.readNamespacedConfigMap({ name: 'none', namespace }), 404, /configmaps \\*"none\\*" not found/);
  await refused(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'Not_A_Name' } } }), 422, /metadata.name/);
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'keys' }, stringData: { token: 'abc' } } });
  same((await core.readNamespacedSecret({ name: 'keys', namespace })).data.token, 'YWJj', 'a secret');
}

async function lists() {
  for (let i = 0; i < 5; ++i) await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: `page-${i}`, labels: { page: `${i % 2}` } } } });
  const names = [];
  let _continue;
  let pages = 0;
  do {
    const page = await core.listNamespacedConfigMap({ namespace, limit: 2, labelSelector: 'page', _continue });
    names.push(...page.items.map((item) => item.metadata.name));
    _continue = page.metadata._continue;
    pages += 1;
  } while (_continue);
  same([names, pages], [['page-0', 'page-1', 'page-2', 'page-3', 'page-4'], 3], 'pages');
  same((await core.listNamespacedConfigMap({ namespace, labelSelector: 'page in (1)' })).items.length, 2, 'by label');
  same((await core.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=page-3' })).items.length, 1, 'by field');
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'page' });
  same((await core.listNamespacedConfigMap({ namespace, labelSelector: 'page' })).items, [], 'a collection deleted');
}

async function workloads() {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] }] } };
  const body = { metadata: { name: 'web' }, spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template } };
  await apps.createNamespacedDeployment({ namespace, body });
  await until('a rollout', async () => (await apps.readNamespacedDeploymentStatus({ name: 'web', namespace })).status.readyReplicas === 2);
  const scale = await apps.readNamespacedDeploymentScale({ name: 'web', namespace });
  same([scale.spec.replicas, scale.status.selector], [2, 'app=web'], 'a scale');
  scale.spec.replicas = 3;
  same((await apps.replaceNamespacedDeploymentScale({ name: 'web', namespace, body: scale })).spec.replicas, 3, 'scaled');
  await until('three pods', async () => (await apps.readNamespacedDeployment({ name: 'web', namespace })).status.readyReplicas === 3);
  await batch.createNamespacedJob({ namespace, body: { metadata: { name: 'once' }, spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x', command: ['echo', 'done'] }] } } } } });
  await until('a job', async () => (await batch.readNamespacedJob({ name: 'once', namespace })).status.succeeded === 1);
  const [pod] = (await core.listNamespacedPod({ namespace, labelSelector: 'batch.kubernetes.io/job-name=once' })).items;
  same(await core.readNamespacedPodLog({ name: pod.metadata.name, namespace }), 'done\n', 'its log');
  const evicted = (await core.listNamespacedPod({ namespace, labelSelector: 'app=web' })).items[0].metadata.name;
  await core.createNamespacedPodEviction({ name: evicted, namespace, body: { metadata: { name: evicted, namespace } } });
  await until('an eviction', async () => !(await core.listNamespacedPod({ namespace })).items.some((p) => p.metadata.name === evicted));
}

async function patches() {
  const one = { name: 'web', namespace };
  const patch = async (type, body, more) => apps.patchNamespacedDeployment({ ...one, body, ...more }, patchOf(type));
  let web = await patch(k8s.PatchStrategy.StrategicMergePatch, { spec: { template: { spec: { containers: [{ name: 'side', image: 'side:1' }] } } } });
  same(web.spec.template.spec.containers.map((c) => c.name), ['side', 'web'], 'strategic');
  web = await patch(k8s.PatchStrategy.MergePatch, { metadata: { labels: { tier: 'front' }, annotations: { note: 'x' } } });
  same([web.metadata.labels.tier, web.metadata.annotations.note], ['front', 'x'], 'merge');
  web = await patch(k8s.PatchStrategy.JsonPatch, [{ op: 'remove', path: '/spec/template/spec/containers/0' }, { op: 'replace', path: '/spec/replicas', value: 1 }]);
  same([web.spec.template.spec.containers.length, web.spec.replicas], [1, 1], 'json');
  const applied = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 4 } };
  await refused(patch(k8s.PatchStrategy.ServerSideApply, applied, { fieldManager: 'day' }), 409, /conflict.*\.spec\.replicas/);
  web = await patch(k8s.PatchStrategy.ServerSideApply, applied, { fieldManager: 'day', force: true });
  same([web.spec.replicas, web.metadata.managedFields.find((m) => m.manager === 'day').operation], [4, 'Apply'], 'apply');
  web = await patch(k8s.PatchStrategy.MergePatch, { spec: { paused: true } }, { dryRun: 'All' });
  same([web.spec.paused, (await apps.readNamespacedDeployment(one)).spec.paused], [true, undefined], 'a dry run');
  await refused(patch(k8s.PatchStrategy.JsonPatch, [{ op: 'remove', path: '/spec/nothing' }]), 422);
  await refused(patch('application/nonsense', {}), 415);
}

async function watches() {
  const seen = [];
  let ended;
  const watch = new k8s.Watch(config);
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const from = (await core.listNamespacedConfigMap({ namespace })).metadata.resourceVersion;
  const controller = await watch.watch(path, { resourceVersion: from, labelSelector: 'seen', allowWatchBookmarks: true }, (phase, object) => seen.push(`${phase} ${object.metadata.name}`), (error) => { ended = error ?? 'done'; });
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'w1', labels: { seen: 'yes' } } } });
  await core.patchNamespacedConfigMap({ namespace, name: 'w1', body: { data: { k: 'v' } } }, patchOf(k8s.PatchStrategy.MergePatch));
  await core.patchNamespacedConfigMap({ namespace, name: 'settings', body: { metadata: { labels: { seen: 'yes' } } } }, patchOf(k8s.PatchStrategy.MergePatch));
  await core.patchNamespacedConfigMap({ namespace, name: 'settings', body: { metadata: { labels: { seen: null } } } }, patchOf(k8s.PatchStrategy.MergePatch));
  await core.deleteNamespacedConfigMap({ namespace, name: 'w1' });
  const told = () => seen.filter((event) => !event.startsWith('BOOKMARK'));
  await until('events', () => told().length >= 5);
  same(told(), ['ADDED w1', 'MODIFIED w1', 'ADDED settings', 'DELETED settings', 'DELETED w1'], 'what a watch tells');
  controller.abort();
  await until('the end of the watch', () => ended);
  const gone = [];
  await watch.watch(path, { resourceVersion: '1' }, (phase, object) => gone.push([phase, object.code ?? object.metadata?.name]), () => gone.push('end'));
  await until('an answer to an old revision', () => gone.length > 0);
}

async function informers() {
  const events = [];
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () => core.listNamespacedPod({ namespace, labelSelector: 'informed' }), 'informed');
  for (const verb of ['add', 'delete']) informer.on(verb, (object) => events.push(`${verb} ${object.metadata.name}`));
  let phase;
  informer.on('update', (object) => { phase = object.status.phase; });
  informer.on('error', () => {});
  const pod = (name) => core.createNamespacedPod({ namespace, body: { metadata: { name, labels: { informed: 'yes' } }, spec: { containers: [{ name: 'c', image: 'x' }] } } });
  await pod('before');
  await informer.start();
  await pod('behind');
  await until('a running pod in the cache', () => informer.get('behind', namespace)?.status?.phase === 'Running');
  same([phase, informer.list(namespace).map((p) => p.metadata.name).sort()], ['Running', ['before', 'behind']], 'the cache');
  await core.deleteNamespacedPod({ name: 'before', namespace, gracePeriodSeconds: 0 });
  await until('a deletion', () => events.includes('delete before'));
  same(events, ['add before', 'add behind', 'delete before'], 'what an informer tells');
  await informer.stop();
}

async function dynamicObjects() {
  const spec = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'front', namespace }, spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } } };
  same((await dynamic.create(spec)).spec.defaultBackend.service.name, 'web', 'created');
  same((await dynamic.read(spec)).metadata.name, 'front', 'read');
  same((await dynamic.patch({ ...spec, metadata: { ...spec.metadata, labels: { x: 'y' } } }, undefined, undefined, undefined, undefined, k8s.PatchStrategy.MergePatch)).metadata.labels, { x: 'y' }, 'patched');
  same((await dynamic.list('networking.k8s.io/v1', 'Ingress', namespace)).items.length, 1, 'listed');
  await dynamic.delete(spec);
  await refused(dynamic.read(spec), 404);
  const group = 'day.example.dev';
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer', _default: 3, maximum: 9 } } }, status: { type: 'object', properties: { done: { type: 'boolean' } } } } } };
  await extensions.createCustomResourceDefinition({ body: { metadata: { name: `things.${group}` }, spec: { group, scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }] } } });
  await until('an established kind', async () => (await extensions.readCustomResourceDefinition({ name: `things.${group}` })).status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True'));
  const thing = { group, version: 'v1', namespace, plural: 'things' };
  const made = await until('a custom object', () => custom.createNamespacedCustomObject({ ...thing, body: { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'one' }, spec: {}, status: { done: true } } }).catch((e) => (e.code === 404 ? undefined : Promise.reject(e))));
  same([made.spec.size, made.status], [3, undefined], 'a default, and no status by a create');
  const done = await custom.patchNamespacedCustomObjectStatus({ ...thing, name: 'one', body: { status: { done: true } } }, patchOf(k8s.PatchStrategy.MergePatch));
  same(done.status.done, true, 'its status');
  await refused(custom.patchNamespacedCustomObject({ ...thing, name: 'one', body: { spec: { size: 10 } } }, patchOf(k8s.PatchStrategy.MergePatch)), 422, /should be less than or equal to 9/);
  same((await custom.listNamespacedCustomObject(thing)).items.length, 1, 'custom objects');
  await extensions.deleteCustomResourceDefinition({ name: `things.${group}` });
  await until('no such kind', () => custom.listNamespacedCustomObject(thing).then(() => false, (e) => e.code === 404));
}

async function rights() {
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'robot' } } });
  const { status } = await core.createNamespacedServiceAccountToken({ name: 'robot', namespace, body: { spec: { audiences: [], expirationSeconds: 3600 } } });
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name: 'robot' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace }] } });
  const own = new k8s.KubeConfig();
  const cluster = config.getCurrentCluster();
  own.loadFromOptions({ clusters: [cluster], users: [{ name: 'robot', token: status.token }], contexts: [{ name: 'own', cluster: cluster.name, user: 'robot' }], currentContext: 'own' });
  const robot = own.makeApiClient(k8s.CoreV1Api);
  same((await robot.listNamespacedPod({ namespace })).items.length > 0, true, 'what a robot reads');
  await refused(robot.listNamespacedSecret({ namespace }), 403, /cannot list resource/);
  const review = await authorization.createSubjectAccessReview({ body: { spec: { user: `system:serviceaccount:${namespace}:robot`, resourceAttributes: { namespace, verb: 'delete', resource: 'pods' } } } });
  same(review.status.allowed, false, 'a review');
}

for (const part of [typedObjects, lists, workloads, patches, watches, informers, dynamicObjects, rights]) {
  console.log(`== ${part.name}`);
  await part();
}
await core.deleteNamespace({ name: namespace });
await until('the namespace to go', () => core.readNamespace({ name: namespace }).then(() => false, (e) => e.code === 404), 60);
console.log(`${checked} checks`);
process.exit(0);
