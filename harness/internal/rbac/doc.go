// Package rbac holds no code, only the proof that lib.kfs.rbac and the policy access_role read RBAC rules as Kubernetes
// does. Its tests generate rules and requests and demand the verdict of Kubernetes' own comparison of rules
// (k8s.io/component-helpers/auth/rbac/validation), which the API server trusts to stop escalation.
package rbac
