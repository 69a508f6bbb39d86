"""A day with Debian's python3-kubernetes: typed calls, dynamic ones, watches, patches, errors. Ends with the number of things it looked at."""
import json
import time

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException

config.load_kube_config()
NAMESPACE = "day"
core, apps, batch = client.CoreV1Api(), client.AppsV1Api(), client.BatchV1Api()
checked = 0


def same(got, want, what):
    global checked
    checked += 1
    assert got == want, f"{what}: wanted {want!r}, got {got!r}"


def refused(code, text, call, *args, **named):
    global checked
    checked += 1
    try:
        call(*args, **named)
    except ApiException as error:
        assert error.status == code and text in (error.body if isinstance(error.body, str) else error.body.decode()), f"wanted {code} {text!r}: {error}"
        return
    raise AssertionError(f"it was not refused with {code}")


def until(what, look, seconds=20):
    global checked
    checked += 1
    end = time.time() + seconds
    while time.time() < end:
        got = look()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def gone(call, *args, **named):
    try:
        call(*args, **named)
    except ApiException as error:
        return error.status == 404
    return False


def typed_objects():
    same(client.VersionApi().get_code().minor, "36", "the version")
    same("apps/v1" in [g.preferred_version.group_version for g in client.ApisApi().get_api_versions().groups], True, "groups")
    made = core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    same(made.status.phase, "Active", "a namespace")
    core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="settings"), data={"color": "red"}))
    settings = core.read_namespaced_config_map("settings", NAMESPACE)
    same(settings.metadata.creation_timestamp.tzinfo is not None, True, "a time")
    settings.data["color"] = "blue"
    same(core.replace_namespaced_config_map("settings", NAMESPACE, settings).data, {"color": "blue"}, "replaced")
    refused(409, "the object has been modified", core.replace_namespaced_config_map, "settings", NAMESPACE, settings)
    refused(409, "AlreadyExists", core.create_namespaced_config_map, NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="settings")))
    refused(404, 'configmaps \\"none\\" not found', core.read_namespaced_config_map, "none", NAMESPACE)
    refused(422, "spec.ports: Required value", core.create_namespaced_service, NAMESPACE, client.V1Service(metadata=client.V1ObjectMeta(name="bad"), spec=client.V1ServiceSpec()))
    same(core.patch_namespaced_config_map("settings", NAMESPACE, {"data": {"size": "large"}}).data, {"color": "blue", "size": "large"}, "patched")
    same(core.patch_namespaced_config_map("settings", NAMESPACE, [{"op": "remove", "path": "/data/size"}]).data, {"color": "blue"}, "patched with operations")
    for i in range(5):
        core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(generate_name="page-", labels={"page": "yes"})))
    page, count, pages = None, 0, 0
    while page is None or page.metadata._continue:
        page = core.list_namespaced_config_map(NAMESPACE, label_selector="page", limit=2, **({"_continue": page.metadata._continue} if page else {}))
        count, pages = count + len(page.items), pages + 1
    same((count, pages), (5, 3), "pages")
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="page")
    same(core.list_namespaced_config_map(NAMESPACE, label_selector="page").items, [], "a collection deleted")


def workloads():
    pod = client.V1PodSpec(containers=[client.V1Container(name="web", image="web:1", resources=client.V1ResourceRequirements(requests={"cpu": "10m"}))])
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels={"app": "web"}), spec=pod)
    spec = client.V1DeploymentSpec(replicas=2, selector=client.V1LabelSelector(match_labels={"app": "web"}), template=template)
    apps.create_namespaced_deployment(NAMESPACE, client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec))
    until("a rollout", lambda: apps.read_namespaced_deployment_status("web", NAMESPACE).status.ready_replicas == 2)
    same(apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 3}}).spec.replicas, 3, "scaled")
    until("three pods", lambda: apps.read_namespaced_deployment("web", NAMESPACE).status.ready_replicas == 3)
    patched = apps.patch_namespaced_deployment("web", NAMESPACE, {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}})
    same([c.name for c in patched.spec.template.spec.containers], ["side", "web"], "a strategic merge")
    job = client.V1Job(metadata=client.V1ObjectMeta(name="once"), spec=client.V1JobSpec(template=client.V1PodTemplateSpec(spec=client.V1PodSpec(
        restart_policy="Never", containers=[client.V1Container(name="c", image="x", command=["echo", "done"])]))))
    batch.create_namespaced_job(NAMESPACE, job)
    until("a job", lambda: batch.read_namespaced_job("once", NAMESPACE).status.succeeded == 1)
    name = core.list_namespaced_pod(NAMESPACE, label_selector="job-name=once").items[0].metadata.name
    same(core.read_namespaced_pod_log(name, NAMESPACE), "done\n", "its log")
    utils.create_from_dict(client.ApiClient(), {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})
    same(core.read_namespaced_service("web", NAMESPACE).spec.cluster_ip.startswith("10."), True, "a service")
    apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
    until("a foreground deletion", lambda: gone(apps.read_namespaced_deployment, "web", NAMESPACE))
    same(core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items, [], "its pods")


def watches():
    version = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="watched", labels={"seen": "yes"})))
    core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"k": "v"}})
    core.delete_namespaced_config_map("watched", NAMESPACE)
    seen = [(e["type"], e["object"].metadata.name) for e in watch.Watch().stream(
        core.list_namespaced_config_map, NAMESPACE, resource_version=version, label_selector="seen", timeout_seconds=1)]
    same(seen, [("ADDED", "watched"), ("MODIFIED", "watched"), ("DELETED", "watched")], "what a watch tells")
    core.create_namespaced_pod(NAMESPACE, {"metadata": {"name": "alone"}, "spec": {"containers": [{"name": "c", "image": "x"}]}})
    watcher = watch.Watch()
    for event in watcher.stream(core.list_namespaced_pod, NAMESPACE, field_selector="metadata.name=alone", timeout_seconds=20):
        phase = event["object"].status.phase
        if phase == "Running":
            watcher.stop()
    same(phase, "Running", "a pod watched until it runs")


def dynamic_objects():
    api = dynamic.DynamicClient(client.ApiClient())
    pods = api.resources.get(api_version="v1", kind="Pod")
    same((pods.namespaced, pods.name, "po" in pods.short_names), (True, "pods", True), "discovery")
    same(pods.get(name="alone", namespace=NAMESPACE).status.phase, "Running", "read")
    budgets = api.resources.get(api_version="policy/v1", kind="PodDisruptionBudget")
    body = {"kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "metadata": {"name": "keep"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}
    same(budgets.create(body=body, namespace=NAMESPACE).spec.minAvailable, 1, "created")
    patched = budgets.patch(body={"metadata": {"name": "keep", "labels": {"x": "y"}}}, name="keep", namespace=NAMESPACE, content_type="application/merge-patch+json")
    same(patched.metadata.labels.x, "y", "patched")
    body["spec"]["minAvailable"] = 2
    applied = budgets.patch(body=json.dumps(body), name="keep", namespace=NAMESPACE, content_type="application/apply-patch+yaml", field_manager="day", force_conflicts=True)
    same(applied.spec.minAvailable, 2, "applied")
    same(len(budgets.get(namespace=NAMESPACE).items), 1, "listed")
    budgets.delete(name="keep", namespace=NAMESPACE)
    refused(404, "not found", budgets.get, name="keep", namespace=NAMESPACE)

    group = "snake.example.dev"
    schema = client.V1CustomResourceValidation(open_apiv3_schema=client.V1JSONSchemaProps(type="object", properties={
        "spec": client.V1JSONSchemaProps(type="object", properties={"size": client.V1JSONSchemaProps(type="integer", default=3, maximum=9)})}))
    names = client.V1CustomResourceDefinitionNames(plural="eggs", kind="Egg")
    definition = client.V1CustomResourceDefinition(metadata=client.V1ObjectMeta(name=f"eggs.{group}"), spec=client.V1CustomResourceDefinitionSpec(
        group=group, scope="Namespaced", names=names, versions=[client.V1CustomResourceDefinitionVersion(name="v1", served=True, storage=True, schema=schema)]))
    extensions = client.ApiextensionsV1Api()
    extensions.create_custom_resource_definition(definition)
    until("an established kind", lambda: any(c.type == "Established" and c.status == "True" for c in (extensions.read_custom_resource_definition(f"eggs.{group}").status.conditions or [])))
    custom = client.CustomObjectsApi()
    where = (group, "v1", NAMESPACE, "eggs")
    until("a kind that is served", lambda: not gone(custom.list_namespaced_custom_object, *where))
    egg = custom.create_namespaced_custom_object(*where, {"apiVersion": f"{group}/v1", "kind": "Egg", "metadata": {"name": "one"}, "spec": {}})
    same(egg["spec"], {"size": 3}, "a default")
    same(custom.patch_namespaced_custom_object(*where, "one", {"spec": {"size": 5}})["spec"]["size"], 5, "a patch")
    refused(422, "should be less than or equal to 9", custom.patch_namespaced_custom_object, *where, "one", {"spec": {"size": 10}})
    custom.delete_namespaced_custom_object(*where, "one")
    same(custom.list_namespaced_custom_object(*where)["items"], [], "custom objects left")
    extensions.delete_custom_resource_definition(f"eggs.{group}")
    until("no such kind", lambda: gone(custom.list_namespaced_custom_object, *where))


def rights():
    core.create_namespaced_service_account(NAMESPACE, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="robot")))
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600))
    token = core.create_namespaced_service_account_token("robot", NAMESPACE, request).status.token
    own = client.Configuration.get_default_copy()
    own.cert_file = own.key_file = None
    own.api_key = {"authorization": "Bearer " + token}
    robot = client.CoreV1Api(client.ApiClient(own))
    refused(403, "cannot list resource", robot.list_namespaced_pod, NAMESPACE)
    client.RbacAuthorizationV1Api().create_namespaced_role_binding(NAMESPACE, {
        "metadata": {"name": "robot"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": NAMESPACE}]})
    same([p.metadata.name for p in robot.list_namespaced_pod(NAMESPACE).items if p.metadata.name == "alone"], ["alone"], "what a robot reads")
    refused(403, "secrets is forbidden", robot.list_namespaced_secret, NAMESPACE)
    review = client.AuthorizationV1Api().create_self_subject_access_review(client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(
        resource_attributes=client.V1ResourceAttributes(verb="create", resource="pods", namespace=NAMESPACE))))
    same(review.status.allowed, True, "a review")


for part in (typed_objects, workloads, watches, dynamic_objects, rights):
    print("==", part.__name__, flush=True)
    part()
core.delete_namespace(NAMESPACE)
until("the namespace to go", lambda: gone(core.read_namespace, NAMESPACE), 60)
print(checked, "checks")
