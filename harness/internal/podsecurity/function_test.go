package podsecurity

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// spec is the spec of a Function as a manifest has it: nulls, and keys that aren't there, included.
type spec = map[string]any

// decoded is what the controller sees of a spec.
type decoded struct {
	Annotations              map[string]string          `json:"annotations"`
	PodSecurityContext       *corev1.PodSecurityContext `json:"podSecurityContext"`
	ContainerSecurityContext *corev1.SecurityContext    `json:"containerSecurityContext"`
}

func decode(s spec) (decoded, error) {
	var d decoded
	text, err := json.Marshal(s)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("decode %s: %w", text, err)
	}
	return d, nil
}

// pod is the pod of an inline Function: Kyma's defaults, each field replaced by the user's if that isn't nil
// (kyma-project/serverless, components/buildless-serverless/internal/controller/resources/deployment.go).
func (d decoded) pod() (*metav1.ObjectMeta, *corev1.PodSpec) {
	pod := corev1.PodSecurityContext{}
	if d.PodSecurityContext != nil {
		pod = *d.PodSecurityContext
	}
	orDefault(&pod.RunAsUser, 1000)
	orDefault(&pod.RunAsGroup, 1000)
	orDefault(&pod.FSGroup, 1000)
	orDefault(&pod.SeccompProfile, corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault})
	if pod.SupplementalGroups == nil {
		pod.SupplementalGroups = []int64{1000}
	}

	container := corev1.SecurityContext{}
	if d.ContainerSecurityContext != nil {
		container = *d.ContainerSecurityContext
	}
	orDefault(&container.Privileged, false)
	orDefault(&container.Capabilities, corev1.Capabilities{Drop: []corev1.Capability{"ALL"}})
	orDefault(&container.ProcMount, corev1.DefaultProcMount)
	orDefault(&container.ReadOnlyRootFilesystem, true)
	orDefault(&container.AllowPrivilegeEscalation, false)
	orDefault(&container.RunAsNonRoot, true)

	return &metav1.ObjectMeta{Name: "orders", Annotations: d.Annotations}, &corev1.PodSpec{
		SecurityContext: &pod,
		Containers: []corev1.Container{{
			Name:            "function",
			Ports:           []corev1.ContainerPort{{ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
			SecurityContext: &container,
		}},
		Volumes: []corev1.Volume{
			{Name: "sources", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "package-registry-config", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}},
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}
}

func orDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// gitCloner is the init container of a Function with a Git source. No field of the Function reaches it.
func gitCloner() corev1.Container {
	no, yes, proc := false, true, corev1.DefaultProcMount
	return corev1.Container{Name: "init", SecurityContext: &corev1.SecurityContext{
		Privileged:             &no,
		Capabilities:           &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		ProcMount:              &proc,
		ReadOnlyRootFilesystem: &yes,
	}}
}

// field draws the value of one field; a harmless one where harmless is set.
type field func(r *rand.Rand, harmless bool) any

// one draws from values; the first `safe` of them are harmless.
func one(safe int, values ...any) field {
	return func(r *rand.Rand, harmless bool) any {
		if harmless {
			return values[r.IntN(safe)]
		}
		return values[r.IntN(len(values))]
	}
}

// list draws up to three items, null instead of the list now and then.
func list(item field, always ...any) field {
	return func(r *rand.Rand, harmless bool) any {
		if !harmless && r.IntN(8) == 0 {
			return nil
		}
		items := []any{}
		for range r.IntN(4) {
			items = append(items, item(r, harmless))
		}
		if harmless || r.IntN(2) == 0 {
			items = append(items, always...)
		}
		r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		return items
	}
}

// object draws an object with some of its fields, null instead of it now and then.
func object(fields map[string]field, always ...string) field {
	return func(r *rand.Rand, harmless bool) any {
		if r.IntN(10) == 0 {
			return nil
		}
		o := map[string]any{}
		for _, key := range sorted(fields) {
			required := false
			for _, k := range always {
				required = required || k == key && harmless
			}
			if required || r.IntN(2) == 0 {
				o[key] = fields[key](r, harmless)
			}
		}
		return o
	}
}

// securityContext draws a whole security context: a few fields, most of them harmless, so that neither verdict is rare.
func securityContext(fields map[string]field) field {
	keys := sorted(fields)
	return func(r *rand.Rand, _ bool) any {
		o := map[string]any{}
		for range r.IntN(7) {
			key := keys[r.IntN(len(keys))]
			o[key] = fields[key](r, r.IntN(2) > 0)
		}
		return o
	}
}

var (
	// The ids a pod may have are 0 to 2147483647.
	id      = one(6, nil, 1, 999, 1000, 65534, 2147483647, 0)
	profile = object(map[string]field{
		"type":             one(2, "RuntimeDefault", "Localhost", "Unconfined", "", nil, "runtime/default", "localhost"),
		"localhostProfile": one(3, nil, "", "profiles/functions.json"),
	}, "type")
	selinux = object(map[string]field{
		"type":  one(3, nil, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t", "Container_t", " "),
		"level": one(2, nil, "", "s0:c1,c2", "s0"),
		"user":  one(2, nil, "", "system_u"),
		"role":  one(2, nil, "", "system_r"),
	})
	windows = object(map[string]field{
		"hostProcess":            one(2, nil, false, true),
		"runAsUserName":          one(2, nil, "ContainerUser", "ContainerAdministrator"),
		"gmsaCredentialSpec":     one(2, nil, "spec"),
		"gmsaCredentialSpecName": one(2, nil, "name"),
	})
	bothContexts = map[string]field{
		"runAsUser":       id,
		"runAsGroup":      id,
		"runAsNonRoot":    one(2, nil, true, false),
		"seccompProfile":  profile,
		"appArmorProfile": profile,
		"seLinuxOptions":  selinux,
		"windowsOptions":  windows,
	}
	podContext = merged(bothContexts, map[string]field{
		"fsGroup":                  id,
		"fsGroupChangePolicy":      one(3, nil, "OnRootMismatch", "Always"),
		"seLinuxChangePolicy":      one(3, nil, "Recursive", "MountOption"),
		"supplementalGroups":       list(one(4, 1, 999, 1000, 2147483647, 0, nil)),
		"supplementalGroupsPolicy": one(3, nil, "Merge", "Strict"),
		"sysctls": list(func(r *rand.Rand, harmless bool) any {
			if !harmless && r.IntN(6) == 0 {
				return nil
			}
			sysctl := map[string]any{"value": "0"}
			if harmless || r.IntN(6) > 0 {
				sysctl["name"] = one(12,
					"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
					"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
					"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
					"net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
					"kernel.msgmax", "net/ipv4/tcp_rmem", "net.core.somaxconn", "fs.mqueue.msg_max", "", nil)(r, harmless)
			}
			return sysctl
		}),
	})
	containerContext = merged(bothContexts, map[string]field{
		"privileged":               one(2, nil, false, true),
		"allowPrivilegeEscalation": one(2, nil, false, true),
		"readOnlyRootFilesystem":   one(2, nil, true, false),
		"procMount":                one(2, nil, "Default", "Unmasked", "", "default"),
		"capabilities": object(map[string]field{
			"add": list(one(1,
				"NET_BIND_SERVICE",
				"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "SETFCAP", "SETGID", "SETPCAP",
				"SETUID", "SYS_CHROOT",
				"NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_PTRACE", "SYS_TIME", "BPF", "ALL", "all", "CAP_CHOWN", "chown", "", nil)),
			"drop": list(one(3, "ALL", "NET_RAW", "CHOWN", "all", "CAP_ALL", "", nil), "ALL"),
		}, "drop"),
	})
	annotations = func(r *rand.Rand, _ bool) any {
		o := map[string]any{}
		for range r.IntN(3) {
			prefix := one(1, "container.apparmor.security.beta.kubernetes.io/", "container.apparmor.security.beta.kubernetes.io",
				"Container.apparmor.security.beta.kubernetes.io/", "container.seccomp.security.alpha.kubernetes.io/",
				"seccomp.security.alpha.kubernetes.io/")(r, r.IntN(3) > 0).(string)
			name := one(1, "function", "other", "pod", "")(r, false).(string)
			o[prefix+name] = one(5, "runtime/default", "localhost/", "localhost/functions", "", nil,
				"unconfined", "Runtime/default", "runtime/default ", "localhost", "docker/default")(r, r.IntN(2) > 0)
		}
		return o
	}
)

// generate draws the spec of a Function that the API server would decode.
func generate(r *rand.Rand) spec {
	s := spec{
		"runtime": "nodejs22",
		"source":  map[string]any{"inline": map[string]any{"source": "module.exports = {}"}},
	}
	for _, part := range []struct {
		key   string
		value field
		often int
	}{
		{"podSecurityContext", securityContext(podContext), 8},
		{"containerSecurityContext", securityContext(containerContext), 8},
		{"annotations", annotations, 2},
	} {
		if r.IntN(10) >= part.often {
			continue
		}
		if r.IntN(20) == 0 {
			s[part.key] = nil
			continue
		}
		s[part.key] = part.value(r, false)
	}
	return s
}
