# kubectl describe of every kind: it reads other objects, fields and events too, and says what it found.
source "$(dirname "$0")/lib.sh"
start --nodes 2
"$K" create namespace shop >/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$WORK/key" -out "$WORK/csr" -subj /O=staff/CN=ann 2>/dev/null
cat >"$WORK/all.yaml" <<Y
apiVersion: v1
kind: Pod
metadata: {name: pod, namespace: shop, labels: {app: pod}, annotations: {note: here}}
spec:
  terminationGracePeriodSeconds: 5
  tolerations: [{key: spot, operator: Exists, effect: NoSchedule}]
  initContainers: [{name: first, image: "i:1"}]
  containers:
  - name: main
    image: "m:1"
    ports: [{containerPort: 80, name: http}]
    env: [{name: A, value: "1"}, {name: B, valueFrom: {configMapKeyRef: {name: settings, key: k}}}, {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    envFrom: [{secretRef: {name: keys, optional: true}}]
    resources: {limits: {cpu: 200m, memory: 64Mi}, requests: {cpu: 100m}}
    livenessProbe: {httpGet: {path: /live, port: http}, periodSeconds: 7}
    volumeMounts: [{name: cfg, mountPath: /cfg, readOnly: true}, {name: tmp, mountPath: /tmp}]
  volumes: [{name: cfg, configMap: {name: settings}}, {name: tmp, emptyDir: {sizeLimit: 1Gi}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "w:1"}]}}}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: old, namespace: shop}
spec: {replicas: 1, template: {metadata: {labels: {app: old}}, spec: {containers: [{name: old, image: "o:1"}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {serviceName: db, replicas: 2, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "d:1"}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: agent, image: "a:1"}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec: {completions: 2, parallelism: 1, backoffLimit: 3, template: {spec: {restartPolicy: Never, containers: [{name: once, image: x, command: ["true"]}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec: {schedule: "0 3 * * *", concurrencyPolicy: Forbid, jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: nightly, image: x}]}}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, sessionAffinity: ClientIP, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front, namespace: shop}
spec:
  ingressClassName: public
  tls: [{hosts: [shop.example], secretName: cert}]
  rules: [{host: shop.example, http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: public, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: example.com/ingress}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: guard, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 5432, protocol: TCP}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {k: some value}
binaryData: {bin: AAECAw==}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: shop}
stringData: {token: abc}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: shop}
imagePullSecrets: [{name: keys}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list], resourceNames: [pod]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: robot, namespace: shop}]
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: slow}
provisioner: example.com/slow
parameters: {type: rust}
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], storageClassName: slow, hostPath: {path: /disk}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: slow, resources: {requests: {storage: 1Gi}}}
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: driver.example.com}
spec: {attachRequired: false}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 4, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: keep, namespace: shop}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota, namespace: shop}
spec: {hard: {pods: "50", configmaps: "20"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: limits, namespace: shop}
spec: {limits: [{type: Container, max: {cpu: "4"}, defaultRequest: {cpu: 10m}}]}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
description: before others
---
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: ann}
spec: {signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], request: $(base64 -w0 "$WORK/csr")}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: lock, namespace: shop}
spec: {holderIdentity: me, leaseDurationSeconds: 15}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: sandboxed}
handler: runsc
---
apiVersion: v1
kind: PodTemplate
metadata: {name: mould, namespace: shop}
template: {metadata: {labels: {from: mould}}, spec: {containers: [{name: c, image: "c:1"}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks: []
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: card}
spec: {selectors: [{cel: {expression: 'device.driver == "card.example.com"'}}]}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: mine}
spec: {type: Limited, limited: {nominalConcurrencyShares: 5, limitResponse: {type: Reject}}}
Y
"$K" create -f "$WORK/all.yaml" >"$WORK/created" 2>&1 || fail "$(cat "$WORK/created")"
"$K" -n shop rollout status deployment web --timeout=30s >/dev/null
"$K" -n shop wait --for=condition=Ready pod/pod --timeout=20s >/dev/null
"$K" -n shop wait --for=condition=Complete job/once --timeout=30s >/dev/null
"$K" -n shop rollout status statefulset db --timeout=30s >/dev/null

# describes KIND NAME PATTERN…: each pattern is in what `describe` says; `~` stands for blanks.
describes() {
  local kind=$1 name=$2 out pattern
  shift 2
  out=$("$K" -n shop describe "$kind" $name 2>&1) || fail "describe $kind $name ended with $?: $out"
  for pattern in "$@"; do
    CHECKED=$((CHECKED + 1))
    grep -Eq -- "${pattern//\~/[[:space:]]+}" <<<"$out" || fail "describe $kind $name does not show /$pattern/ but: $out"
  done
}

step "workloads"
describes pod pod '^Name:~pod$' '^Node:~node-[01]/172\.18\.' '^Labels:~app=pod$' '^Annotations:~note: here' '^Status:~Running$' '^IP:~10\.' \
  '^  first:$' 'State:~Terminated' 'Reason:~Completed' '^  main:$' 'Image:~m:1' 'Port:~80/TCP( \(http\))?' 'Ready:~True' 'cpu:~200m' 'Liveness:~http-get http://:http/live .*period=7s' \
  "B:~<set to the key 'k' of config map 'settings'>" 'C:~pod \(v1:metadata.name\)' '  keys~Secret~Optional: true' '/cfg from cfg \(ro\)' '^  PodScheduled~True' 'SizeLimit:~1Gi' \
  '^QoS Class:~Burstable' 'spot:NoSchedule op=Exists' 'kube-api-access-[a-z0-9]{5}' 'Scheduled.*Successfully assigned shop/pod to node-'
describes deployment web '^Replicas:~2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable' '^RollingUpdateStrategy:~25% max unavailable, 25% max surge' '^NewReplicaSet:~web-[0-9a-z]+ \(2/2 replicas created\)' 'Available~True~MinimumReplicasAvailable' 'ScalingReplicaSet.*Scaled up replica set web-[0-9a-z]+ from 0 to 2'
describes replicaset '' '^Controlled By:~Deployment/web$' '^Replicas:~2 current / 2 desired' '^Pods Status:~2 Running / 0 Waiting / 0 Succeeded / 0 Failed' 'SuccessfulCreate.*Created pod: web-'
describes replicationcontroller old '^Selector:~app=old' '^Replicas:~1 current / 1 desired' 'SuccessfulCreate.*Created pod: old-'
describes statefulset db '^Replicas:~2 desired \| 2 total' '^Update Strategy:~RollingUpdate' 'SuccessfulCreate.*Create Pod db-1 in StatefulSet db successful'
describes daemonset agent '^Desired Number of Nodes Scheduled: 2' '^Number of Nodes Scheduled with Available Pods: 2' 'SuccessfulCreate.*Created pod: agent-'
describes job once '^Parallelism:~1$' '^Completions:~2$' '^Pods Statuses:~0 Active .*/ 2 Succeeded / 0 Failed' '^Backoff Limit:~3' '^Duration:~' 'Completed.*Job completed'
describes cronjob nightly '^Schedule:~0 3 \* \* \*$' '^Concurrency Policy:~Forbid$' '^Suspend:~False$' '^Last Schedule Time:~<unset>' '^Active Jobs:~<none>'
describes controllerrevision '' '^Kind:~ControllerRevision' 'Revision:~1'
describes podtemplate mould '^Kind:~PodTemplate' 'Image:~c:1'

step "services and networks"
describes service web '^Type:~ClusterIP$' '^IP Family Policy:~SingleStack$' '^IP Families:~IPv4' '^Port:~http~80/TCP' '^TargetPort:~8080/TCP' '^Endpoints:~10\.[0-9.]+:8080,10\.[0-9.]+:8080' '^Session Affinity:~ClientIP'
describes endpoints web '^Subsets:' 'Addresses:~10\.' 'http~8080~TCP'
describes endpointslice '' '^AddressType:~IPv4' 'http~8080~TCP' 'Ready:~true' 'TargetRef:~Pod/web-' 'kubernetes.io/service-name=web'
describes ingress front '^Ingress Class:~public' 'cert terminates shop.example' '/cart~web:80 \(10\.[0-9.]+:8080'
describes ingressclass public '^Controller:~example.com/ingress'
describes networkpolicy guard 'PodSelector:~app=db' 'To Port: 5432/TCP' 'PodSelector: app=web' 'CIDR: 10.0.0.0/8' 'Except: 10.1.0.0/16' 'Policy Types: Ingress, Egress'
describes servicecidr kubernetes '^Name:~kubernetes'

step "settings, storage"
describes configmap settings 'some value' '^bin: 4 bytes'
describes secret keys '^Type:~Opaque' '^token:~3 bytes'
describes serviceaccount robot '^Image pull secrets:~keys' '^Events:~<none>'
describes persistentvolume disk '^StorageClass:~slow' '^Reclaim Policy:~Retain' '^Access Modes:~RWO' '^Capacity:~1Gi' 'Path:~/disk' '^Finalizers:~\[kubernetes.io/pv-protection\]'
describes persistentvolumeclaim data '^StorageClass:~slow' '^Status:~Pending' '^Used By:~<none>' '^Finalizers:~\[kubernetes.io/pvc-protection\]'
describes storageclass slow '^IsDefaultClass:~No' '^Provisioner:~example.com/slow' '^Parameters:~type=rust' '^VolumeBindingMode:~WaitForFirstConsumer' '^ReclaimPolicy:~Delete'
describes csidriver driver.example.com 'Attach Required:~false'

step "who may what"
describes role reader 'pods~\[\]~\[pod\]~\[get list\]'
describes rolebinding readers 'Kind:~Role' 'Name:~reader' 'ServiceAccount~robot~shop'
describes clusterrole view 'kubernetes.io/bootstrapping=rbac-defaults' 'pods~\[\]~\[\]~\[get list watch\]'
describes clusterrolebinding cluster-admin 'Name:~cluster-admin' 'Group~system:masters'
describes certificatesigningrequest ann '^Requesting User:~kubernetes-admin' '^Status:~Pending' 'Common Name:~ann' 'Organization:~staff' '^Signer:~kubernetes.io/kube-apiserver-client'

step "limits, scaling, priorities, leases"
describes horizontalpodautoscaler web '^Reference:~Deployment/web' 'resource cpu on pods.*<unknown> / 70%' '^Min replicas:~1' '^Max replicas:~4'
describes poddisruptionbudget keep '^Min available:~1' 'Allowed disruptions:~1' 'Current:~2' 'Desired:~1'
describes resourcequota quota 'pods~[0-9]+~50' 'configmaps~2~20'
describes limitrange limits 'Container~cpu~-~4~10m~4'
describes priorityclass urgent '^Value:~1000' '^Description:~before others' '^PreemptionPolicy:~PreemptLowerPriority'
describes lease lock 'Holder Identity:~me' 'Lease Duration Seconds:~15'
describes namespace shop '^Status:~Active' 'Resource Quotas' 'Resource Limits' 'Container~cpu~-~4'
describes node node-0 'Taints:~<none>' 'Unschedulable:~false' 'Ready~True' 'InternalIP:~172\.18\.' 'Kubelet Version:~v1\.36\.' 'shop~agent-[a-z0-9]{5}~[0-9]+m? \([0-9]+%\)' '  cpu~[0-9]+m? \([0-9]+%\)' 'RenewTime:~' 'AcquireTime:~'

step "what has no printer of its own"
describes runtimeclass sandboxed '^Handler:~runsc'
describes validatingwebhookconfiguration hook '^Kind:~ValidatingWebhookConfiguration'
describes deviceclass card 'Expression:~device.driver == "card.example.com"'
describes prioritylevelconfiguration mine 'Nominal Concurrency Shares:~5'
describes flowschema catch-all 'Matching Precedence:~10000'
describes apiservice v1.apps 'Group:~apps' 'Version:~v1'
describes event '' 'Reason:~(Scheduled|SuccessfulCreate|Created|Started|Pulled)'
"$K" create -f "$ROOT/tests/data/crds/rollouts.yaml" >/dev/null
"$K" wait --for=condition=Established crd/rollouts.deploy.example.dev --timeout=10s >/dev/null
describes crd rollouts.deploy.example.dev 'Kind:~Rollout' 'Scope:~Namespaced' 'Reason:~InitialNamesAccepted'
sed 's/namespace: default/namespace: shop/' "$ROOT/tests/data/crds/samples/rollouts.yaml" | "$K" create -f - >/dev/null
describes rollout web '^Kind:~Rollout' '^API Version:~deploy.example.dev/v1'

step "several at once"
equals 'web' "$("$K" -n shop describe deployment,service web 2>/dev/null | sed -n 's/^Name: *//p' | sort -u)" "two kinds of one name"
equals 2 "$("$K" -n shop describe pods -l app=db | grep -c '^Name:  *db-')" "by label"
expect '^Name: +db-1$' "$K" -n shop describe pod db
refuse 'pods "none" not found' "$K" -n shop describe pod none
equals '' "$("$K" -n shop describe pod pod --show-events=false | grep '^Events' || true)" "without events"
stop
