package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options are what the caller knows about where a report goes. Renderers take what they need.
type Options struct {
	// Color asks for terminal colours.
	Color bool
	// SourceLine returns the text of a line (from 1) of a file as written, without its end. Nil, or false: no excerpt. Lines that may
	// hold a secret are not asked for or not shown.
	SourceLine func(file string, line int) (string, bool)
}

// A Renderer writes a sorted report.
type Renderer func(io.Writer, Report) error

// Renderers are the renderers by name. A new format is one more entry here.
func Renderers(options Options) map[string]Renderer {
	return map[string]Renderer{
		"json":   writeJSON,
		"pretty": pretty{options}.write,
	}
}

// Formats are the names of the renderers, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(Renderers(Options{}))) }

// writeJSON writes the stable form; lists are never null.
func writeJSON(w io.Writer, r Report) error {
	r.SchemaVersion = SchemaVersion
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	if r.Errors == nil {
		r.Errors = []Error{}
	}
	r.Undecided = append([]Undecided{}, r.Undecided...)
	for i, u := range r.Undecided {
		if u.Needs == nil {
			r.Undecided[i].Needs = []string{}
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// An Output is a parsed -o value: a format and where it goes; File is empty for stdout.
type Output struct {
	Format string
	File   string
}

// ParseOutput parses FORMAT[=FILE]. An unknown format is an error that lists the known ones.
func ParseOutput(value string) (Output, error) {
	format, file, named := strings.Cut(value, "=")
	if _, known := Renderers(Options{})[format]; !known {
		return Output{}, fmt.Errorf("unknown format %q: one of %s", format, strings.Join(Formats(), ", "))
	}
	if named && file == "" {
		return Output{}, fmt.Errorf("no file after %q", value)
	}
	if file == "-" {
		file = ""
	}
	return Output{Format: format, File: file}, nil
}

// Write renders r to stdout or, whole or not at all, to the output's file.
func (o Output) Write(stdout io.Writer, r Report, options Options) error {
	render, known := Renderers(options)[o.Format]
	if !known {
		return fmt.Errorf("unknown format %q: one of %s", o.Format, strings.Join(Formats(), ", "))
	}
	if o.File == "" {
		if err := render(stdout, r); err != nil {
			return fmt.Errorf("write standard output: %w", cause(err))
		}
		return nil
	}
	if err := replace(o.File, func(w io.Writer) error { return render(w, r) }); err != nil {
		return fmt.Errorf("write %s: %w", o.File, cause(err))
	}
	return nil
}

// cause drops the operation and the path from an error: the path may be that of the file which was to replace the other.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// replace writes a file beside path and renames it, so that path has the old content or the new one. A link stays a link, and what
// is no regular file (a pipe, /dev/stderr) is written to.
func replace(path string, write func(io.Writer) error) (err error) {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return direct(path, write)
		}
		mode = info.Mode().Perm()
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if err = write(file); err != nil {
		return err
	}
	if err = file.Chmod(mode); err != nil {
		return err
	}
	if err = file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func direct(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
