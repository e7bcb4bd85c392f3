package programs_test

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"kyma-function-security/bundle"
	"kyma-function-security/harness/e2e/programs"
	"kyma-function-security/harness/internal/constraint"
)

const (
	opa        = "github.com/open-policy-agent/opa"
	gatekeeper = "github.com/open-policy-agent/gatekeeper/v3"
)

// Every program must be the release it says, with the OPA that release ships, whatever kfs links.
func TestEachProgramHasItsOwnOPA(t *testing.T) {
	releases := map[string]struct{ module, version, opa string }{
		"conftest":   {"github.com/open-policy-agent/conftest", "v0.71.1", "v1.21.1"},
		"gator":      {gatekeeper, "v3.23.1", "v1.17.1"},
		"gator-3.19": {gatekeeper, "v3.19.1", "v1.3.0"},
		"opa":        {opa, "v1.22.2", "v1.22.2"},
		"opa-1.3":    {opa, "v1.3.0", "v1.3.0"},
		"opa-1.10":   {opa, "v1.10.0", "v1.10.0"},
		"opa-1.17":   {opa, "v1.17.1", "v1.17.1"},
		"registry":   {"github.com/distribution/distribution/v3", "v3.1.2", "none"},
	}
	for _, name := range append(programs.Names(), "registry") {
		t.Run(name, func(t *testing.T) {
			want, ok := releases[name]
			if !ok {
				t.Fatal("its release isn't in this test")
			}
			start := time.Now()
			info := read(t, name)
			t.Logf("after %.1f s", time.Since(start).Seconds())
			if info.Main.Path != want.module || info.Main.Version != want.version {
				t.Errorf("it is %s %s, want %s %s", info.Main.Path, info.Main.Version, want.module, want.version)
			}
			if got := version(info, opa); got != want.opa {
				t.Errorf("it links OPA %s, want %s", got, want.opa)
			}
		})
	}
}

// The bundle says which Gatekeeper and OPA it supports; the oldest programs that judge the fixtures must be these. Which OPA
// a release of Gatekeeper links stands in Gatekeeper's documentation.
func TestSupportFloor(t *testing.T) {
	config, err := constraint.ReadConfig(bundle.Config)
	if err != nil {
		t.Fatal(err)
	}
	source, err := programs.Source(t.Context(), "gator", gatekeeper)
	if err != nil {
		t.Fatal(err)
	}
	documented, err := os.ReadFile(filepath.Join(source, "website", "docs", "opa-versions.md"))
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| *`(v[0-9.]+)` *\\| *`(v[0-9.]+)` *\\|").FindAllStringSubmatch(string(documented), -1) {
		links[row[1]] = row[2]
	}
	// The documentation of a release ends with the one before it.
	today := read(t, "gator")
	links[regexp.MustCompile(`^v\d+\.\d+`).FindString(today.Main.Version)+".0"] = version(today, opa)

	releases := programs.Releases()
	var previous [2]int
	var each []string
	for _, r := range releases {
		got := read(t, r.OPA).Main.Version
		if want := links["v"+r.Gatekeeper+".0"]; got != want {
			t.Errorf("Gatekeeper %s: the program %s is %s, want %q", r.Gatekeeper, r.OPA, got, want)
		}
		var numbers [2]int
		if _, err := fmt.Sscanf(r.Gatekeeper, "%d.%d", &numbers[0], &numbers[1]); err != nil {
			t.Errorf("Gatekeeper %s: %v", r.Gatekeeper, err)
		}
		if slices.Compare(numbers[:], previous[:]) <= 0 {
			t.Errorf("Gatekeeper %s is not newer than the one before it", r.Gatekeeper)
		}
		previous = numbers
		each = append(each, fmt.Sprintf("%s (%s)", r.Gatekeeper, strings.TrimPrefix(got, "v")))
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	last := len(each) - 1
	for _, promise := range []string{
		"Gatekeeper " + releases[0].Gatekeeper + " and later",
		"the OPA of Gatekeeper " + strings.Join(each[:last], ", ") + " and " + each[last],
	} {
		if !strings.Contains(string(readme), promise) {
			t.Errorf("the README doesn't say %q", promise)
		}
	}

	floor := releases[0]
	if config.Support.Gatekeeper != floor.Gatekeeper {
		t.Errorf("the bundle supports Gatekeeper %s, the oldest that is tested is %s", config.Support.Gatekeeper, floor.Gatekeeper)
	}
	for _, name := range []string{floor.OPA, "gator-" + floor.Gatekeeper} {
		if got := version(read(t, name), opa); got != "v"+config.Support.OPA {
			t.Errorf("the bundle supports OPA %s, the oldest that is tested, %s, has %s", config.Support.OPA, name, got)
		}
	}
}

// read returns what the named program was built from.
func read(t *testing.T, name string) *debug.BuildInfo {
	t.Helper()
	program, err := programs.Build(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func version(info *debug.BuildInfo, module string) string {
	for _, dependency := range append(info.Deps, &info.Main) {
		if dependency.Path == module {
			return dependency.Version
		}
	}
	return "none"
}
