// Package networkpolicy holds no code, only the proof that the policy namespace_isolation reads NetworkPolicies right. Its
// tests generate small worlds (a Function, its namespace, policies, addresses) and demand of KFS-401, 402, 403 and 406 the
// verdict of a reference that asks whether traffic passes: Kubernetes' own types, defaults and selectors
// (k8s.io/api/networking/v1, metav1.LabelSelectorAsSelector), net/netip for addresses, and every stranger that there can be.
package networkpolicy
