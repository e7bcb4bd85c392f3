package manifest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin is the name of the source that "-" stands for.
const Stdin = "<stdin>"

// A Source is one named stream of manifests.
type Source struct {
	// Name is what positions and errors call it: the path as given or walked to, or Stdin.
	Name string
	// Walked says that a directory walk found it: what is no manifest in it is skipped rather than an error.
	Walked bool
	// Hidden says that it is a hidden folder with manifests in it, which a walk left out: Read skips it, by name.
	Hidden bool
	// Open opens the stream. Read calls it once.
	Open func() (io.ReadCloser, error)
}

// Sources finds the sources that paths name, in their order: files, directories, and "-" for stdin.
//
// A directory is walked in the order of its names for .yaml, .yml and .json; hidden folders are left out (kubectl -R takes them, so one
// that holds manifests is a source that Read names as skipped; only .git is none), links are followed. A file
// is a source once, however many paths and links lead to it. A path that doesn't exist is an error that names it; what can't be read inside
// a directory is a source that fails to open, so that the rest is still read and nothing passes unseen.
func Sources(paths []string, stdin io.Reader) ([]Source, error) {
	w := walk{files: map[string]int{}}
	piped := false
	for _, path := range paths {
		if path == "-" {
			if !piped {
				w.sources = append(w.sources, Source{Name: Stdin, Open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }})
				piped = true
			}
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: path, Err: cause(err)}
		}
		if info.IsDir() {
			w.directories = map[string]bool{}
			w.directory(filepath.Clean(path))
			continue
		}
		w.file(path, info, false)
	}
	return w.sources, nil
}

// walk collects sources; a path's identity is where its links end.
type walk struct {
	sources     []Source
	files       map[string]int // index in sources by identity
	directories map[string]bool
}

func (w *walk) directory(path string) {
	id := identity(path)
	if w.directories[id] {
		return
	}
	w.directories[id] = true

	entries, err := os.ReadDir(path)
	if err != nil {
		w.broken(path, err)
		return
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		name := filepath.Join(path, entry.Name())
		info, err := os.Stat(name)
		switch {
		case err != nil:
			if manifestName(name) {
				w.broken(name, err)
			}
		case info.IsDir():
			switch {
			case !strings.HasPrefix(entry.Name(), "."):
				w.directory(name)
			case entry.Name() != ".git" && holdsManifests(name):
				w.sources = append(w.sources, Source{Name: name, Walked: true, Hidden: true})
			}
		case info.Mode().IsRegular() && manifestName(name):
			w.file(name, info, true)
		}
	}
}

func (w *walk) file(path string, info fs.FileInfo, walked bool) {
	if info.Mode().IsRegular() { // a pipe has no identity: /dev/fd/63 may be another one next time
		id := identity(path)
		if i, seen := w.files[id]; seen {
			w.sources[i].Walked = w.sources[i].Walked && walked
			return
		}
		w.files[id] = len(w.sources)
	}
	w.sources = append(w.sources, Source{Name: path, Walked: walked, Open: func() (io.ReadCloser, error) { return os.Open(path) }})
}

func (w *walk) broken(path string, err error) {
	w.sources = append(w.sources, Source{Name: path, Walked: true, Open: func() (io.ReadCloser, error) { return nil, err }})
}

func manifestName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func holdsManifests(folder string) bool {
	found := errors.New("found")
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && manifestName(path) {
			return found
		}
		return nil
	})
	return errors.Is(err, found)
}

func identity(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return path
}
