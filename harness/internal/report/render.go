package report

import (
	"errors"
	"io"
)

// Options are what the caller knows about where a report goes. Renderers take what they need.
type Options struct {
	// Color asks for terminal colours.
	Color bool
	// SourceLine returns the text of a line (from 1) of a file as written, without its end. Nil, or false: no excerpt.
	SourceLine func(file string, line int) (string, bool)
}

// A Renderer writes a sorted report.
type Renderer func(io.Writer, Report) error

// Renderers are the renderers by name, with options bound.
func Renderers(options Options) map[string]Renderer {
	return map[string]Renderer{}
}

// An Output is a parsed -o value: a format and where it goes; File is empty for stdout.
type Output struct {
	Format string
	File   string
}

// ParseOutput parses FORMAT[=FILE]. An unknown format is an error that lists the known ones.
func ParseOutput(value string) (Output, error) {
	return Output{}, errors.New("not implemented")
}

// Write renders r to stdout or, whole or not at all, to the output's file.
func (o Output) Write(stdout io.Writer, r Report, options Options) error {
	return errors.New("not implemented")
}
