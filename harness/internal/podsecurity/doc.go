// Package podsecurity holds no code, only the proof that the policy security_context is right. Its tests generate
// security contexts of Functions, build the pods that Kyma's controller makes of them, and demand of KFS-511, 512 and 514
// the verdict of Kubernetes' own evaluator (k8s.io/pod-security-admission/policy), of KFS-513 that of a reference in Go.
package podsecurity
