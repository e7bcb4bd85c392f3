package tally_test

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"kyma-function-security/harness/e2e/tally"
)

func TestTable(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(tally.Folder, folder)
	tally.Add(t, tally.Row{Consumer: "opa eval", Version: "v1.22.2", Objects: 3, Findings: 1})
	tally.Add(t, tally.Row{Consumer: "opa eval", Version: "v1.3.0 (Gatekeeper 3.19)", Objects: 3, Findings: 1})
	tally.Add(t, tally.Row{Consumer: "gator test", Version: "v3.23.1", Objects: 3, Findings: 1, Disagreements: 2})
	tally.Add(t, tally.Row{Consumer: "Gatekeeper audit", Version: "v3.23.1", Objects: 3285, Findings: 1, Varies: true})

	rows, err := tally.Read(folder)
	if err == nil || !strings.Contains(err.Error(), "nothing came from kfs check, Gatekeeper client,") {
		t.Errorf("consumers are missing, but the error is %v", err)
	}
	want := `| consumer | version | objects judged | disagreements |
|---|---|---:|---:|
| Gatekeeper audit | v3.23.1 | over 3,000 | 0 |
| gator test | v3.23.1 | 3 | 2 |
| opa eval | v1.3.0 (Gatekeeper 3.19) | 3 | 0 |
| opa eval | v1.22.2 | 3 | 0 |
`
	if diff := gocmp.Diff(want, tally.Table(rows)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	for _, consumer := range tally.Consumers {
		tally.Add(t, tally.Row{Consumer: consumer, Version: "v1", Objects: 1, Findings: 1})
	}
	if _, err := tally.Read(folder); err != nil {
		t.Errorf("all are there: %v", err)
	}
}

// reports is a test that is watched failing.
type reports struct {
	testing.TB
	failed bool
}

func (r *reports) Helper()               {}
func (r *reports) Logf(string, ...any)   {}
func (r *reports) Errorf(string, ...any) { r.failed = true }

func TestNothingIsNoRow(t *testing.T) {
	for name, row := range map[string]tally.Row{
		"no objects":  {Consumer: "opa eval", Version: "v1", Findings: 1},
		"no findings": {Consumer: "opa eval", Version: "v1", Objects: 1},
		"no version":  {Consumer: "opa eval", Objects: 1, Findings: 1},
		"unknown":     {Consumer: "somebody", Version: "v1", Objects: 1, Findings: 1},
	} {
		t.Run(name, func(t *testing.T) {
			watched := &reports{TB: t}
			if tally.Add(watched, row); !watched.failed {
				t.Error("the test passes")
			}
		})
	}
}
