// Command table prints the table of what `make parity` judged, and compares it with the README's.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"kyma-function-security/harness/e2e/tally"
)

const (
	begin = "<!-- The table is measured by `make parity`. -->\n\n"
	end   = "\n<!-- End of the measured table. -->\n"
)

func main() {
	folder := pflag.String("folder", "dist/parity", "where the rows are")
	readme := pflag.String("readme", "README.md", "the file that has the table")
	update := pflag.Bool("update", false, "write the table into the README instead of comparing")
	pflag.Parse()
	if err := run(*folder, *readme, *update); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

func run(folder, readme string, update bool) error {
	rows, err := tally.Read(folder)
	table := tally.Table(rows)
	fmt.Print("\n", table, "\n")
	for _, r := range rows {
		if r.Disagreements > 0 {
			err = errors.Join(err, fmt.Errorf("%s %s disagrees", r.Consumer, r.Version))
		}
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	was, after, closed := bytes.Cut(rest, []byte(end))
	switch {
	case !ok || !closed:
		return fmt.Errorf("%s lacks the marks of the measured table, %q and %q", readme, begin, end)
	case string(was) == table:
		return nil
	case !update:
		return fmt.Errorf("%s has another table; `make parity UPDATE=1` writes this one", readme)
	}
	return os.WriteFile(readme, bytes.Join([][]byte{before, []byte(begin), []byte(table), []byte(end), after}, nil), 0o644)
}
