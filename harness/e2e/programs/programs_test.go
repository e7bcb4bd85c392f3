package programs_test

import (
	"debug/buildinfo"
	"runtime/debug"
	"testing"
	"time"

	"kyma-function-security/harness/e2e/programs"
)

const opa = "github.com/open-policy-agent/opa"

// Every program must be the release it says, with the OPA that release ships, whatever kfs links.
func TestEachProgramHasItsOwnOPA(t *testing.T) {
	releases := map[string]struct{ module, version, opa string }{
		"conftest": {"github.com/open-policy-agent/conftest", "v0.71.1", "v1.21.1"},
		"gator":    {"github.com/open-policy-agent/gatekeeper/v3", "v3.23.1", "v1.17.1"},
		"opa":      {opa, "v1.22.2", "v1.22.2"},
		"registry": {"github.com/distribution/distribution/v3", "v3.1.2", "none"},
	}
	for _, name := range append(programs.Names(), "registry") {
		t.Run(name, func(t *testing.T) {
			want, ok := releases[name]
			if !ok {
				t.Fatal("its release isn't in this test")
			}
			start := time.Now()
			program, err := programs.Build(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s after %.1f s", program, time.Since(start).Seconds())

			info, err := buildinfo.ReadFile(program)
			if err != nil {
				t.Fatal(err)
			}
			if info.Main.Path != want.module || info.Main.Version != want.version {
				t.Errorf("it is %s %s, want %s %s", info.Main.Path, info.Main.Version, want.module, want.version)
			}
			if got := version(info, opa); got != want.opa {
				t.Errorf("it links OPA %s, want %s", got, want.opa)
			}
		})
	}
}

func version(info *debug.BuildInfo, module string) string {
	for _, dependency := range append(info.Deps, &info.Main) {
		if dependency.Path == module {
			return dependency.Version
		}
	}
	return "none"
}
