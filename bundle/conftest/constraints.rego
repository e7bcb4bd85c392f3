# Generated from policies and bundle/bundle.yaml by `make generate`. Don't edit.
package kfs.constraints

# The profile and the flavor of the constraints.
profile := "baseline"

flavor := "classic"

# What Gatekeeper's Constraints say, less their shell.
all := [
	{
		"action": "deny",
		"match": {
			"excludedNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
			"kinds": [
				{
					"apiGroups": [
						"serverless.kyma-project.io",
					],
					"kinds": [
						"Function",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Namespace",
					],
				},
			],
		},
		"name": "kfs-pod-security-level-deny",
		"parameters": {
			"clusterDefaultLevel": "none",
			"flavor": "classic",
			"minEnforceVersion": "v1.25",
			"rules": [
				"KFS-501",
				"KFS-502",
				"KFS-503",
			],
		},
		"policy": "pod_security_level",
	},
	{
		"action": "warn",
		"match": {
			"excludedNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
			"kinds": [
				{
					"apiGroups": [
						"serverless.kyma-project.io",
					],
					"kinds": [
						"Function",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Namespace",
					],
				},
			],
		},
		"name": "kfs-pod-security-level-warn",
		"parameters": {
			"clusterDefaultLevel": "none",
			"flavor": "classic",
			"minEnforceVersion": "v1.25",
			"rules": [
				"KFS-504",
			],
		},
		"policy": "pod_security_level",
	},
	{
		"action": "deny",
		"match": {
			"excludedNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
			"kinds": [
				{
					"apiGroups": [
						"serverless.kyma-project.io",
					],
					"kinds": [
						"Function",
					],
				},
			],
		},
		"name": "kfs-runtime-image-deny",
		"parameters": {
			"allowedRepositories": [
				"official",
			],
			"currentRuntimes": [
				"nodejs24",
			],
			"maxAssessmentDays": 365,
			"retiredRuntimes": {
				"java17": "2022-12-30",
				"nodejs10": "2021-04-15",
				"nodejs12": "2022-11-02",
				"nodejs14": "2023-06-28",
				"nodejs16": "2024-03-19",
				"nodejs18": "2024-10-16",
				"nodejs20": "2026-04-30",
				"nodejs22": "2026-11-30",
				"python312": "2027-03-31",
				"python38": "2022-02-01",
				"python39": "2024-10-16",
			},
			"rules": [
				"KFS-201",
				"KFS-202",
				"KFS-204",
				"KFS-205",
			],
			"warnDays": 180,
		},
		"policy": "runtime_image",
	},
	{
		"action": "warn",
		"match": {
			"excludedNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
			"kinds": [
				{
					"apiGroups": [
						"serverless.kyma-project.io",
					],
					"kinds": [
						"Function",
					],
				},
			],
		},
		"name": "kfs-runtime-image-warn",
		"parameters": {
			"allowedRepositories": [
				"official",
			],
			"currentRuntimes": [
				"nodejs24",
			],
			"maxAssessmentDays": 365,
			"retiredRuntimes": {
				"java17": "2022-12-30",
				"nodejs10": "2021-04-15",
				"nodejs12": "2022-11-02",
				"nodejs14": "2023-06-28",
				"nodejs16": "2024-03-19",
				"nodejs18": "2024-10-16",
				"nodejs20": "2026-04-30",
				"nodejs22": "2026-11-30",
				"python312": "2027-03-31",
				"python38": "2022-02-01",
				"python39": "2024-10-16",
			},
			"rules": [
				"KFS-203",
				"KFS-206",
			],
			"warnDays": 180,
		},
		"policy": "runtime_image",
	},
]

# The rules that can't be decided while the input lacks the object's Namespace, with the kinds they judge.
needs_namespace := {
	"KFS-501": [
		"Function",
	],
	"KFS-502": [
		"Function",
	],
	"KFS-504": [
		"Function",
	],
	"KFS-505": [
		"Function",
	],
	"KFS-506": [
		"Function",
	],
	"KFS-512": [
		"Function",
	],
}

# Of each kind that is known whether its objects are in namespaces.
scopes := {
	"/ConfigMap": "Namespaced",
	"/Namespace": "Cluster",
	"/Pod": "Namespaced",
	"/Secret": "Namespaced",
	"/Service": "Namespaced",
	"/ServiceAccount": "Namespaced",
	"apps/DaemonSet": "Namespaced",
	"apps/Deployment": "Namespaced",
	"apps/ReplicaSet": "Namespaced",
	"apps/StatefulSet": "Namespaced",
	"aquasecurity.github.io/VulnerabilityReport": "Namespaced",
	"batch/CronJob": "Namespaced",
	"batch/Job": "Namespaced",
	"eventing.kyma-project.io/Subscription": "Namespaced",
	"extensions.istio.io/WasmPlugin": "Namespaced",
	"gateway.kyma-project.io/APIRule": "Namespaced",
	"gateway.networking.k8s.io/GRPCRoute": "Namespaced",
	"gateway.networking.k8s.io/HTTPRoute": "Namespaced",
	"gateway.networking.k8s.io/TCPRoute": "Namespaced",
	"gateway.networking.k8s.io/TLSRoute": "Namespaced",
	"networking.istio.io/EnvoyFilter": "Namespaced",
	"networking.istio.io/ServiceEntry": "Namespaced",
	"networking.istio.io/Sidecar": "Namespaced",
	"networking.istio.io/VirtualService": "Namespaced",
	"networking.k8s.io/Ingress": "Namespaced",
	"networking.k8s.io/NetworkPolicy": "Namespaced",
	"oathkeeper.ory.sh/Rule": "Namespaced",
	"operator.kyma-project.io/DockerRegistry": "Namespaced",
	"operator.kyma-project.io/Serverless": "Namespaced",
	"rbac.authorization.k8s.io/ClusterRole": "Cluster",
	"rbac.authorization.k8s.io/ClusterRoleBinding": "Cluster",
	"rbac.authorization.k8s.io/Role": "Namespaced",
	"rbac.authorization.k8s.io/RoleBinding": "Namespaced",
	"security.istio.io/AuthorizationPolicy": "Namespaced",
	"security.istio.io/PeerAuthentication": "Namespaced",
	"security.istio.io/RequestAuthentication": "Namespaced",
	"serverless.kyma-project.io/Function": "Namespaced",
	"serverless.kyma-project.io/GitRepository": "Namespaced",
}
