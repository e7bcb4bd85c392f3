package manifest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSources(t *testing.T) {
	t.Chdir(t.TempDir())
	for path, body := range map[string]string{
		"app/b.yaml":         named("b"),
		"app/a.yml":          named("a"),
		"app/c.JSON":         `{"apiVersion": "v1", "kind": "C"}`,
		"app/.hidden.yaml":   named("h"),
		"app/README.md":      "# no",
		"app/sub/d.yaml":     named("d"),
		"app/.git/x.yaml":    named("x"),
		"app/.d/e/x.yaml":    named("x"),
		"app/.empty/x.txt":   named("x"),
		"app/values.yaml":    "replicas: 1\n",
		"other/manifest.txt": named("t"),
		"other/f.yaml":       named("f"),
		".dot/e.yaml":        named("e"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"app/loop":         ".",
		"app/sub/beyond":   "../../other",
		"app/sub/back":     "..",
		"app/z.yaml":       "sub/d.yaml",
		"app/nowhere.yaml": "missing.yaml",
		"app/nowhere":      "missing",
		"linked":           "app/sub",
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo("app/pipe.yaml", 0o600); err != nil {
		t.Fatal(err)
	}

	tests := map[string]struct { // the key is the paths
		want []string // with "w" if found by a walk
		err  string
	}{
		"app": {want: []string{
			"app/.d w hidden", "app/.hidden.yaml w", "app/a.yml w", "app/b.yaml w", "app/c.JSON w", "app/nowhere.yaml w", "app/sub/beyond/f.yaml w", "app/sub/d.yaml w",
			"app/values.yaml w",
		}},
		"app/sub/d.yaml app/./sub/d.yaml - -":   {want: []string{"app/sub/d.yaml", Stdin}},
		"app/sub/beyond/ app/sub/../sub/beyond": {want: []string{"app/sub/beyond/f.yaml w"}},
		"other app/sub/beyond/f.yaml":           {want: []string{"other/f.yaml"}},
		".dot other/manifest.txt":               {want: []string{".dot/e.yaml w", "other/manifest.txt"}},
		"app/.git":                              {want: []string{"app/.git/x.yaml w"}},
		"app/b.yaml gone":                       {err: "read gone: no such file or directory"},
		"app/nowhere.yaml":                      {err: "read app/nowhere.yaml: no such file or directory"},
	}
	for paths, tc := range tests {
		t.Run(paths, func(t *testing.T) {
			sources, err := Sources(strings.Fields(paths), strings.NewReader(""))
			text := ""
			if err != nil {
				text = err.Error()
			}
			var got []string
			for _, s := range sources {
				name := s.Name
				if s.Walked {
					name += " w"
				}
				if s.Hidden {
					name += " hidden"
				}
				got = append(got, name)
			}
			if diff := cmp.Diff(tc.err, text) + cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}

	sources, err := Sources([]string{"app", "-"}, strings.NewReader(named("stdin")))
	if err != nil {
		t.Fatal(err)
	}
	for workers := range 5 {
		input, err := Read(context.Background(), sources[:len(sources)-1], Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"ConfigMap/h 1:1", "ConfigMap/a 1:1", "ConfigMap/b 1:1", "C/ 1:1", "ConfigMap/f 1:1", "ConfigMap/d 1:1",
			"error 0:0 no such file or directory", "skipped 0 a hidden folder; name it to have it read",
			"skipped 1 not a Kubernetes object: no kind",
		}
		if diff := cmp.Diff(want, outline(input)); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff([]string{"ConfigMap/stdin 1:1"}, outline(read(t, sources[len(sources)-1]))); diff != "" {
		t.Error(diff)
	}
}

func TestBigFileIsNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.yaml")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(1 << 27); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	sources, err := Sources([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"error 0:0 bigger than 64 MiB, the most that is read"}, outline(read(t, sources...))); diff != "" {
		t.Error(diff)
	}
}
