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
			"kinds": [
				{
					"apiGroups": [
						"rbac.authorization.k8s.io",
					],
					"kinds": [
						"RoleBinding",
						"ClusterRoleBinding",
					],
				},
			],
		},
		"name": "kfs-access-binding-deny",
		"parameters": {
			"allowedSubjects": [
				{
					"kind": "User",
					"name": "system:kube-controller-manager",
				},
				{
					"kind": "User",
					"name": "system:kube-scheduler",
				},
			],
			"flavor": "classic",
			"publicRoles": [
				"system:discovery",
				"system:basic-user",
				"system:public-info-viewer",
				"system:service-account-issuer-discovery",
				"system:cluster-trust-bundle-discovery",
			],
			"rules": [
				"KFS-711",
				"KFS-713",
			],
			"systemNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
		},
		"policy": "access_binding",
	},
	{
		"action": "warn",
		"match": {
			"kinds": [
				{
					"apiGroups": [
						"rbac.authorization.k8s.io",
					],
					"kinds": [
						"RoleBinding",
						"ClusterRoleBinding",
					],
				},
			],
		},
		"name": "kfs-access-binding-warn",
		"parameters": {
			"allowedSubjects": [
				{
					"kind": "User",
					"name": "system:kube-controller-manager",
				},
				{
					"kind": "User",
					"name": "system:kube-scheduler",
				},
			],
			"flavor": "classic",
			"publicRoles": [
				"system:discovery",
				"system:basic-user",
				"system:public-info-viewer",
				"system:service-account-issuer-discovery",
				"system:cluster-trust-bundle-discovery",
			],
			"rules": [
				"KFS-712",
				"KFS-714",
			],
			"systemNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
		},
		"policy": "access_binding",
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
						"rbac.authorization.k8s.io",
					],
					"kinds": [
						"Role",
						"ClusterRole",
					],
				},
			],
		},
		"name": "kfs-access-role-deny",
		"parameters": {
			"allowedRoles": [
				"system:aggregate-to-view",
				"system:aggregate-to-edit",
				"system:aggregate-to-admin",
				"view",
				"edit",
				"admin",
				"kyma-functions-view",
				"kyma-functions-edit",
				"kyma-serverless-view",
				"kyma-serverless-edit",
				"kyma-api-gateway-view",
				"kyma-api-gateway-edit",
				"kyma-api-gateway-admin",
				"kyma-docker-registry-view",
				"kyma-docker-registry-edit",
				"kyma-eventing-view",
				"kyma-eventing-edit",
			],
			"flavor": "classic",
			"rules": [
				"KFS-702",
				"KFS-704",
				"KFS-705",
				"KFS-706",
			],
		},
		"policy": "access_role",
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
						"rbac.authorization.k8s.io",
					],
					"kinds": [
						"Role",
						"ClusterRole",
					],
				},
			],
		},
		"name": "kfs-access-role-warn",
		"parameters": {
			"allowedRoles": [
				"system:aggregate-to-view",
				"system:aggregate-to-edit",
				"system:aggregate-to-admin",
				"view",
				"edit",
				"admin",
				"kyma-functions-view",
				"kyma-functions-edit",
				"kyma-serverless-view",
				"kyma-serverless-edit",
				"kyma-api-gateway-view",
				"kyma-api-gateway-edit",
				"kyma-api-gateway-admin",
				"kyma-docker-registry-view",
				"kyma-docker-registry-edit",
				"kyma-eventing-view",
				"kyma-eventing-edit",
			],
			"flavor": "classic",
			"rules": [
				"KFS-701",
				"KFS-703",
			],
		},
		"policy": "access_role",
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
						"eventing.kyma-project.io",
					],
					"kinds": [
						"Subscription",
					],
				},
			],
		},
		"name": "kfs-event-scope-deny",
		"parameters": {
			"allowedSources": [],
			"rules": [
				"KFS-431",
			],
			"unconfigured": "allowed",
		},
		"policy": "event_scope",
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
						"eventing.kyma-project.io",
					],
					"kinds": [
						"Subscription",
					],
				},
			],
		},
		"name": "kfs-event-scope-warn",
		"parameters": {
			"allowedSources": [],
			"rules": [
				"KFS-432",
			],
			"unconfigured": "allowed",
		},
		"policy": "event_scope",
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
						"gateway.kyma-project.io",
					],
					"kinds": [
						"APIRule",
					],
				},
				{
					"apiGroups": [
						"oathkeeper.ory.sh",
					],
					"kinds": [
						"Rule",
					],
				},
				{
					"apiGroups": [
						"networking.istio.io",
					],
					"kinds": [
						"VirtualService",
						"ServiceEntry",
					],
				},
				{
					"apiGroups": [
						"networking.k8s.io",
						"extensions",
					],
					"kinds": [
						"Ingress",
					],
				},
				{
					"apiGroups": [
						"gateway.networking.k8s.io",
					],
					"kinds": [
						"HTTPRoute",
						"GRPCRoute",
						"TCPRoute",
						"TLSRoute",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Service",
					],
				},
			],
		},
		"name": "kfs-exposure-deny",
		"parameters": {
			"foreignServices": "functions",
			"openMethods": [
				"OPTIONS",
			],
			"rules": [
				"KFS-113",
				"KFS-114",
				"KFS-115",
				"KFS-116",
			],
			"trustedControllers": [
				"system:serviceaccount:kyma-system:api-gateway-controller-manager",
			],
		},
		"policy": "exposure",
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
						"gateway.kyma-project.io",
					],
					"kinds": [
						"APIRule",
					],
				},
				{
					"apiGroups": [
						"oathkeeper.ory.sh",
					],
					"kinds": [
						"Rule",
					],
				},
				{
					"apiGroups": [
						"networking.istio.io",
					],
					"kinds": [
						"VirtualService",
						"ServiceEntry",
					],
				},
				{
					"apiGroups": [
						"networking.k8s.io",
						"extensions",
					],
					"kinds": [
						"Ingress",
					],
				},
				{
					"apiGroups": [
						"gateway.networking.k8s.io",
					],
					"kinds": [
						"HTTPRoute",
						"GRPCRoute",
						"TCPRoute",
						"TLSRoute",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Service",
					],
				},
			],
		},
		"name": "kfs-exposure-warn",
		"parameters": {
			"foreignServices": "functions",
			"openMethods": [
				"OPTIONS",
			],
			"rules": [
				"KFS-111",
				"KFS-112",
				"KFS-117",
				"KFS-118",
			],
			"trustedControllers": [
				"system:serviceaccount:kyma-system:api-gateway-controller-manager",
			],
		},
		"policy": "exposure",
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
		"name": "kfs-image-scan-deny",
		"parameters": {
			"flavor": "classic",
			"harmlessData": [
				"internal",
				"public",
			],
			"maxAgeDays": 30,
			"maxCritical": 0,
			"maxHigh": -1,
			"rules": [
				"KFS-321",
				"KFS-322",
			],
			"scanOverrides": false,
		},
		"policy": "image_scan",
	},
	{
		"action": "deny",
		"match": {
			"kinds": [
				{
					"apiGroups": [
						"security.istio.io",
					],
					"kinds": [
						"AuthorizationPolicy",
						"RequestAuthentication",
					],
				},
				{
					"apiGroups": [
						"networking.istio.io",
					],
					"kinds": [
						"EnvoyFilter",
						"Sidecar",
					],
				},
				{
					"apiGroups": [
						"extensions.istio.io",
					],
					"kinds": [
						"TrafficExtension",
						"WasmPlugin",
					],
				},
			],
		},
		"name": "kfs-istio-auth-deny",
		"parameters": {
			"openPaths": [
				"/healthz",
			],
			"platformObjects": [
				{
					"kind": "EnvoyFilter",
					"name": "kyma-referer",
					"namespace": "istio-system",
				},
			],
			"rootNamespace": "istio-system",
			"rules": [
				"KFS-121",
				"KFS-122",
			],
			"trustedControllers": [
				"system:serviceaccount:kyma-system:api-gateway-controller-manager",
			],
		},
		"policy": "istio_auth",
	},
	{
		"action": "warn",
		"match": {
			"kinds": [
				{
					"apiGroups": [
						"security.istio.io",
					],
					"kinds": [
						"AuthorizationPolicy",
						"RequestAuthentication",
					],
				},
				{
					"apiGroups": [
						"networking.istio.io",
					],
					"kinds": [
						"EnvoyFilter",
						"Sidecar",
					],
				},
				{
					"apiGroups": [
						"extensions.istio.io",
					],
					"kinds": [
						"TrafficExtension",
						"WasmPlugin",
					],
				},
			],
		},
		"name": "kfs-istio-auth-warn",
		"parameters": {
			"openPaths": [
				"/healthz",
			],
			"platformObjects": [
				{
					"kind": "EnvoyFilter",
					"name": "kyma-referer",
					"namespace": "istio-system",
				},
			],
			"rootNamespace": "istio-system",
			"rules": [
				"KFS-123",
			],
			"trustedControllers": [
				"system:serviceaccount:kyma-system:api-gateway-controller-manager",
			],
		},
		"policy": "istio_auth",
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
						"gateway.kyma-project.io",
					],
					"kinds": [
						"APIRule",
					],
				},
			],
		},
		"name": "kfs-jwt-binding-deny",
		"parameters": {
			"rules": [
				"KFS-101",
				"KFS-102",
				"KFS-103",
				"KFS-107",
				"KFS-109",
			],
			"sharedWithin": "namespace",
			"targets": "all",
			"trustedAuthorizers": [],
			"trustedIssuers": [],
		},
		"policy": "jwt_binding",
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
						"gateway.kyma-project.io",
					],
					"kinds": [
						"APIRule",
					],
				},
			],
		},
		"name": "kfs-jwt-binding-warn",
		"parameters": {
			"rules": [
				"KFS-104",
				"KFS-105",
				"KFS-106",
				"KFS-108",
				"KFS-110",
			],
			"sharedWithin": "namespace",
			"targets": "all",
			"trustedAuthorizers": [],
			"trustedIssuers": [],
		},
		"policy": "jwt_binding",
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
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Pod",
					],
				},
				{
					"apiGroups": [
						"apps",
					],
					"kinds": [
						"Deployment",
						"StatefulSet",
						"ReplicaSet",
						"DaemonSet",
					],
				},
				{
					"apiGroups": [
						"batch",
					],
					"kinds": [
						"Job",
						"CronJob",
					],
				},
				{
					"apiGroups": [
						"networking.istio.io",
					],
					"kinds": [
						"WorkloadEntry",
					],
				},
			],
		},
		"name": "kfs-mesh-membership-deny",
		"parameters": {
			"flavor": "classic",
			"rules": [
				"KFS-411",
				"KFS-412",
				"KFS-413",
			],
		},
		"policy": "mesh_membership",
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
				{
					"apiGroups": [
						"networking.k8s.io",
					],
					"kinds": [
						"NetworkPolicy",
					],
				},
				{
					"apiGroups": [
						"security.istio.io",
					],
					"kinds": [
						"PeerAuthentication",
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
		"name": "kfs-namespace-isolation-deny",
		"parameters": {
			"clusterCIDRs": [
				"10.0.0.0/8",
				"172.16.0.0/12",
				"192.168.0.0/16",
				"fc00::/7",
			],
			"flavor": "classic",
			"meshMtls": "PERMISSIVE",
			"openPaths": [
				"/healthz",
			],
			"rootNamespace": "istio-system",
			"rules": [
				"KFS-402",
				"KFS-403",
				"KFS-406",
			],
			"systemNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
			"trustedProviders": [],
		},
		"policy": "namespace_isolation",
	},
	{
		"action": "deny",
		"match": {
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
						"networking.k8s.io",
					],
					"kinds": [
						"NetworkPolicy",
					],
				},
				{
					"apiGroups": [
						"security.istio.io",
					],
					"kinds": [
						"PeerAuthentication",
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
		"name": "kfs-namespace-isolation-deny-everywhere",
		"parameters": {
			"clusterCIDRs": [
				"10.0.0.0/8",
				"172.16.0.0/12",
				"192.168.0.0/16",
				"fc00::/7",
			],
			"flavor": "classic",
			"meshMtls": "PERMISSIVE",
			"openPaths": [
				"/healthz",
			],
			"rootNamespace": "istio-system",
			"rules": [
				"KFS-408",
			],
			"systemNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
			"trustedProviders": [],
		},
		"policy": "namespace_isolation",
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
						"networking.k8s.io",
					],
					"kinds": [
						"NetworkPolicy",
					],
				},
				{
					"apiGroups": [
						"security.istio.io",
					],
					"kinds": [
						"PeerAuthentication",
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
		"name": "kfs-namespace-isolation-warn",
		"parameters": {
			"clusterCIDRs": [
				"10.0.0.0/8",
				"172.16.0.0/12",
				"192.168.0.0/16",
				"fc00::/7",
			],
			"flavor": "classic",
			"meshMtls": "PERMISSIVE",
			"openPaths": [
				"/healthz",
			],
			"rootNamespace": "istio-system",
			"rules": [
				"KFS-401",
				"KFS-404",
				"KFS-405",
				"KFS-407",
			],
			"systemNamespaces": [
				"kube-system",
				"kube-public",
				"kube-node-lease",
				"istio-system",
				"kyma-system",
				"gatekeeper-system",
				"docker-registry",
			],
			"trustedProviders": [],
		},
		"policy": "namespace_isolation",
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
		"action": "warn",
		"match": {
			"kinds": [
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"ConfigMap",
						"Secret",
					],
				},
			],
		},
		"name": "kfs-registry-secret-warn",
		"parameters": {
			"registryNamespaces": [
				"kyma-system",
				"docker-registry",
			],
			"rules": [
				"KFS-721",
				"KFS-723",
			],
		},
		"policy": "registry_secret",
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
						"GitRepository",
					],
				},
				{
					"apiGroups": [
						"gateway.kyma-project.io",
					],
					"kinds": [
						"APIRule",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Secret",
					],
				},
			],
		},
		"name": "kfs-sensitive-data-deny",
		"parameters": {
			"protectedSecrets": [
				"serverless-registry-config*",
				"dockerregistry-config*",
			],
			"rules": [
				"KFS-301",
				"KFS-302",
				"KFS-303",
				"KFS-304",
				"KFS-307",
				"KFS-308",
				"KFS-309",
				"KFS-311",
			],
			"secretsInConfigMaps": "allowed",
		},
		"policy": "sensitive_data",
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
						"GitRepository",
					],
				},
				{
					"apiGroups": [
						"gateway.kyma-project.io",
					],
					"kinds": [
						"APIRule",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Secret",
					],
				},
			],
		},
		"name": "kfs-sensitive-data-warn",
		"parameters": {
			"protectedSecrets": [
				"serverless-registry-config*",
				"dockerregistry-config*",
			],
			"rules": [
				"KFS-310",
			],
			"secretsInConfigMaps": "allowed",
		},
		"policy": "sensitive_data",
	},
	{
		"action": "deny",
		"match": {
			"kinds": [
				{
					"apiGroups": [
						"operator.kyma-project.io",
					],
					"kinds": [
						"Serverless",
						"DockerRegistry",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Pod",
						"ReplicationController",
					],
				},
				{
					"apiGroups": [
						"apps",
					],
					"kinds": [
						"DaemonSet",
						"Deployment",
						"ReplicaSet",
						"StatefulSet",
					],
				},
				{
					"apiGroups": [
						"batch",
					],
					"kinds": [
						"CronJob",
						"Job",
					],
				},
			],
		},
		"name": "kfs-serverless-registry-deny",
		"parameters": {
			"allowedWorkloads": [],
			"clusterDefaultLevel": "none",
			"registryDaemonSet": true,
			"rules": [
				"KFS-602",
				"KFS-604",
				"KFS-607",
			],
			"trustedEndpointHosts": [],
		},
		"policy": "serverless_registry",
	},
	{
		"action": "warn",
		"match": {
			"kinds": [
				{
					"apiGroups": [
						"operator.kyma-project.io",
					],
					"kinds": [
						"Serverless",
						"DockerRegistry",
					],
				},
				{
					"apiGroups": [
						"",
					],
					"kinds": [
						"Pod",
						"ReplicationController",
					],
				},
				{
					"apiGroups": [
						"apps",
					],
					"kinds": [
						"DaemonSet",
						"Deployment",
						"ReplicaSet",
						"StatefulSet",
					],
				},
				{
					"apiGroups": [
						"batch",
					],
					"kinds": [
						"CronJob",
						"Job",
					],
				},
			],
		},
		"name": "kfs-serverless-registry-warn",
		"parameters": {
			"allowedWorkloads": [],
			"clusterDefaultLevel": "none",
			"registryDaemonSet": true,
			"rules": [
				"KFS-601",
				"KFS-605",
				"KFS-606",
			],
			"trustedEndpointHosts": [],
		},
		"policy": "serverless_registry",
	},
	{
		"action": "deny",
		"match": {
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
						"ServiceAccount",
					],
				},
				{
					"apiGroups": [
						"rbac.authorization.k8s.io",
					],
					"kinds": [
						"RoleBinding",
						"ClusterRoleBinding",
					],
				},
			],
		},
		"name": "kfs-service-account-deny-everywhere",
		"parameters": {
			"flavor": "classic",
			"publicRoles": [
				"system:basic-user",
				"system:discovery",
				"system:public-info-viewer",
				"system:service-account-issuer-discovery",
				"system:cluster-trust-bundle-discovery",
			],
			"rules": [
				"KFS-422",
			],
		},
		"policy": "service_account",
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
						"ServiceAccount",
					],
				},
				{
					"apiGroups": [
						"rbac.authorization.k8s.io",
					],
					"kinds": [
						"RoleBinding",
						"ClusterRoleBinding",
					],
				},
			],
		},
		"name": "kfs-service-account-warn",
		"parameters": {
			"flavor": "classic",
			"publicRoles": [
				"system:basic-user",
				"system:discovery",
				"system:public-info-viewer",
				"system:service-account-issuer-discovery",
				"system:cluster-trust-bundle-discovery",
			],
			"rules": [
				"KFS-421",
			],
		},
		"policy": "service_account",
	},
]

# The rules that can't be decided while the input lacks the object's Namespace, with the kinds they judge.
needs_namespace := {
	"KFS-122": [
		"RequestAuthentication",
	],
	"KFS-321": [
		"Function",
	],
	"KFS-401": [
		"Function",
	],
	"KFS-402": [
		"Function",
	],
	"KFS-404": [
		"Function",
	],
	"KFS-405": [
		"Function",
	],
	"KFS-421": [
		"Function",
		"ServiceAccount",
	],
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
	"KFS-602": [
		"Serverless",
	],
	"KFS-603": [
		"Serverless",
	],
}

# The rules that can't be decided while the input holds none of these kinds in the object's namespace.
needs_evidence := {}

# Of each kind that is known whether its objects are in namespaces.
scopes := {
	"/ConfigMap": "Namespaced",
	"/Namespace": "Cluster",
	"/Pod": "Namespaced",
	"/ReplicationController": "Namespaced",
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
	"extensions.istio.io/TrafficExtension": "Namespaced",
	"extensions.istio.io/WasmPlugin": "Namespaced",
	"extensions/Ingress": "Namespaced",
	"gateway.kyma-project.io/APIRule": "Namespaced",
	"gateway.networking.k8s.io/GRPCRoute": "Namespaced",
	"gateway.networking.k8s.io/HTTPRoute": "Namespaced",
	"gateway.networking.k8s.io/TCPRoute": "Namespaced",
	"gateway.networking.k8s.io/TLSRoute": "Namespaced",
	"networking.istio.io/EnvoyFilter": "Namespaced",
	"networking.istio.io/ServiceEntry": "Namespaced",
	"networking.istio.io/Sidecar": "Namespaced",
	"networking.istio.io/VirtualService": "Namespaced",
	"networking.istio.io/WorkloadEntry": "Namespaced",
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
