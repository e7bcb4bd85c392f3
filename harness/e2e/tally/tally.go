// Package tally collects what each consumer of the policies judged, and makes one table of it.
//
// The tests of several packages, each a process of its own, take part: each row is a file in one folder.
package tally

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Folder is the environment variable that names the folder of the rows. Without it rows are only logged.
const Folder = "KFS_PARITY"

// Consumers are all that must agree, in the table's order.
var Consumers = []string{
	"kfs check",
	"Gatekeeper client",
	"Gatekeeper webhook",
	"Gatekeeper audit",
	"gator test",
	"gator verify",
	"conftest, each document",
	"conftest, a List",
	"conftest --combine",
	"conftest from OCI",
	"opa eval",
}

// Row is what one consumer judged.
type Row struct {
	Consumer string `json:"consumer"` // of Consumers
	Version  string `json:"version"`  // "v3.23.1"
	Objects  int    `json:"objects"`  // that were judged; those that are only around them don't count
	Findings int    `json:"findings"` // that were compared
	// Disagreements are findings that only the consumer has or only what it is compared with: kfs, and for kfs the fixtures.
	Disagreements int `json:"disagreements"`
	// Varies says that the number of objects depends on the day: in a cluster, whose clock is the real one, what is denied isn't
	// there for what comes after it. The table then has whole thousands.
	Varies bool `json:"varies,omitempty"`
}

// Add records a row. A row without objects or findings fails the test: it would compare nothing with nothing.
func Add(t testing.TB, r Row) {
	t.Helper()
	t.Logf("%s %s: %d objects judged, %d findings compared, %d disagreements", r.Consumer, r.Version, r.Objects, r.Findings, r.Disagreements)
	if r.Objects == 0 || r.Findings == 0 || r.Version == "" || !slices.Contains(Consumers, r.Consumer) {
		t.Errorf("nothing was compared, or by nobody known: %+v", r)
		return
	}
	folder := os.Getenv(Folder)
	if folder == "" {
		return
	}
	data, err := json.Marshal(r)
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		name := strings.Map(func(c rune) rune {
			if strings.ContainsRune(`/\: `, c) {
				return '-'
			}
			return c
		}, r.Consumer+" "+r.Version)
		err = os.WriteFile(filepath.Join(folder, name+".json"), data, 0o644)
	}
	if err != nil {
		t.Errorf("record %s: %v", r.Consumer, err)
	}
}

// Read reads a folder's rows in the table's order. It is an error if a consumer is missing; the rows come all the same.
func Read(folder string) ([]Row, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	var rows []Row
	missing := slices.Clone(Consumers)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var r Row
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		rows = append(rows, r)
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == r.Consumer })
	}
	slices.SortFunc(rows, func(a, b Row) int {
		if d := slices.Index(Consumers, a.Consumer) - slices.Index(Consumers, b.Consumer); d != 0 {
			return d
		}
		return compareVersions(a.Version, b.Version)
	})
	if len(missing) > 0 {
		return rows, errors.New("nothing came from " + strings.Join(missing, ", "))
	}
	return rows, nil
}

// compareVersions orders by the first numbers: v1.3.0, v1.22.2.
func compareVersions(a, b string) int {
	numbers := func(version string) (all []int) {
		head, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), " ")
		for part := range strings.SplitSeq(head, ".") {
			n, _ := strconv.Atoi(part)
			all = append(all, n)
		}
		return all
	}
	if d := slices.Compare(numbers(a), numbers(b)); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// Table is the rows as a Markdown table. It has no findings: what is found depends on the day, since Kyma retires runtimes by
// date, and some programs' clocks can't be set.
func Table(rows []Row) string {
	var out strings.Builder
	out.WriteString("| consumer | version | objects judged | disagreements |\n|---|---|---:|---:|\n")
	for _, r := range rows {
		objects := strconv.Itoa(r.Objects)
		if r.Varies && r.Objects > 1000 {
			objects = fmt.Sprintf("over %d,000", r.Objects/1000)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %d |\n", r.Consumer, r.Version, objects, r.Disagreements)
	}
	return out.String()
}
