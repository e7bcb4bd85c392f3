package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/policy"
)

func generateCommand() command {
	return command{
		name:    "generate",
		summary: "write what is generated from the policies into a checkout",
		usage:   "[--check] [ROOT]",
		help: `
Writes constrainttemplates/, bundle/gatekeeper/, bundle/conftest/ and the README's table below ROOT (default: the current folder)
from the policies and bundle.yaml that are compiled into this program, and removes generated files that are stale. So build it
first, as make generate does.`,
		flags: func(flags *pflag.FlagSet) func(environment, []string) (int, error) {
			check := flags.Bool("check", false, "write nothing; name the files that differ and exit 1")
			return func(env environment, args []string) (int, error) {
				root := "."
				switch len(args) {
				case 0:
				case 1:
					root = args[0]
				default:
					return exitBroken, usageError{errors.New("generate takes one folder")}
				}
				return generate(env, root, *check)
			}
		},
	}
}

func generate(env environment, root string, check bool) (int, error) {
	if _, err := os.Stat(filepath.Join(root, "bundle", "bundle.yaml")); err != nil {
		return exitBroken, fmt.Errorf("%s is no checkout of this project: %w", root, err)
	}
	embedded, err := load()
	if err != nil {
		return exitBroken, err
	}
	files, err := bundle.Generate(embedded.library, embedded.config, embedded.schemas)
	if err != nil {
		return exitBroken, err
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return exitBroken, err
	}
	if files["README.md"], err = bundle.Readme(readme, embedded.library); err != nil {
		return exitBroken, err
	}
	changed, stale, err := compare(root, files)
	if err != nil {
		return exitBroken, err
	}
	if check {
		for _, name := range slices.Sorted(slices.Values(append(changed, stale...))) {
			fmt.Fprintf(env.stdout, "%s differs from what is generated; run make generate\n", name)
		}
		if len(changed)+len(stale) > 0 {
			return exitFindings, nil
		}
		return exitClean, nil
	}
	for _, name := range changed {
		target := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return exitBroken, err
		}
		if err := os.WriteFile(target, files[name], 0o644); err != nil {
			return exitBroken, err
		}
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			return exitBroken, err
		}
	}
	fmt.Fprintf(env.stderr, "%d generated files, %d written, %d removed\n", len(files), len(changed), len(stale))
	return exitClean, nil
}

// compare finds the files to write and those that nothing generates any more.
func compare(root string, files map[string][]byte) (changed, stale []string, err error) {
	for _, name := range bundle.Paths(files) {
		there, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		if err != nil || !bytes.Equal(there, files[name]) {
			changed = append(changed, name)
		}
	}
	for _, folder := range bundle.Folders {
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(folder)), func(file string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, file)
			if _, generated := files[filepath.ToSlash(name)]; !generated {
				stale = append(stale, filepath.ToSlash(name))
			}
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return changed, stale, nil
}

func bundleCommand() command {
	return command{
		name:    "bundle",
		summary: "write the OPA bundle, or the Rego that conftest needs",
		usage:   "[flags] [--output FILE | --conftest DIR]",
		help: `
Writes the policies with the constraints of a profile and a flavor, or those of --constraints, as an OPA bundle. The same
sources give the same bytes.

  kfs bundle --profile strict --output dist/kfs.tar.gz
  opa eval --fail-defined -b dist/kfs.tar.gz -i list.yaml 'data.kfs.adapter.deny[_]'

  kfs bundle --profile strict --flavor buildless --conftest dist/conftest
  conftest test -p policies -p dist/conftest my-manifests/

With --standalone the policies are in that folder too, to hand out alone or to push to an OCI registry:

  kfs bundle --profile strict --standalone --conftest dist/policy
  conftest push registry.example/kfs:1 -p dist/policy
  conftest test --update oci://registry.example/kfs:1 my-manifests/`,
		flags: func(flags *pflag.FlagSet) func(environment, []string) (int, error) {
			var o checkFlags
			var output, conftest string
			var standalone bool
			flags.StringVar(&output, "output", "dist/kyma-function-security.tar.gz", "`FILE` of the OPA bundle")
			flags.StringVar(&conftest, "conftest", "", "write constraints.rego and main.rego into `DIR` instead")
			flags.BoolVar(&standalone, "standalone", false, "write the policies into --conftest's DIR too")
			flags.StringVar(&o.profile, "profile", policy.Profiles[0], "baseline or strict")
			flags.StringVar(&o.flavor, "flavor", policy.Flavors[0], "classic or buildless")
			flags.StringVar(&o.constraints, "constraints", "", "`DIR`, file or - with Gatekeeper Constraints, instead of a profile's")
			return func(env environment, args []string) (int, error) {
				if len(args) > 0 {
					return exitBroken, usageError{errors.New("bundle takes no arguments")}
				}
				if flags.Changed("output") && conftest != "" {
					return exitBroken, usageError{errors.New("--output or --conftest, not both")}
				}
				if standalone && conftest == "" {
					return exitBroken, usageError{errors.New("--standalone needs --conftest")}
				}
				for _, err := range []error{oneOf("profile", o.profile, policy.Profiles...), oneOf("flavor", o.flavor, policy.Flavors...)} {
					if err != nil {
						return exitBroken, err
					}
				}
				return writeBundle(env, &o, output, conftest, standalone)
			}
		},
	}
}

func writeBundle(env environment, o *checkFlags, output, conftest string, standalone bool) (int, error) {
	embedded, err := load()
	if err != nil {
		return exitBroken, err
	}
	constraints, profile, err := o.configuration(env, embedded)
	if err != nil {
		return exitBroken, err
	}
	adapter, err := bundle.Conftest(embedded.library, embedded.schemas, constraints, profile, o.flavor)
	if err != nil {
		return exitBroken, err
	}
	if conftest != "" {
		if standalone {
			maps.Copy(adapter, embedded.library.Files())
		}
		for _, name := range bundle.Paths(adapter) {
			if err := writeFile(filepath.Join(conftest, name), adapter[name]); err != nil {
				return exitBroken, err
			}
		}
		return exitClean, nil
	}
	data, err := bundle.OPA(embedded.library, embedded.config, adapter)
	if err != nil {
		return exitBroken, err
	}
	return exitClean, writeFile(output, data)
}

// writeFile writes a file whole or not at all.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(name), ".kfs-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(data)
	if err = errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(part.Name(), name)
}

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print the bundle's version and what it supports",
		flags: func(*pflag.FlagSet) func(environment, []string) (int, error) {
			return func(env environment, args []string) (int, error) {
				if len(args) > 0 {
					return exitBroken, usageError{errors.New("version takes no arguments")}
				}
				embedded, err := load()
				if err != nil {
					return exitBroken, err
				}
				rules := 0
				for _, p := range embedded.library.Policies {
					rules += len(p.Rules)
				}
				fmt.Fprintf(env.stdout, "kyma-function-security %s: %d policies, %d rules; from Gatekeeper %s (OPA %s) on\n",
					embedded.config.Version, len(embedded.library.Policies), rules,
					embedded.config.Support.Gatekeeper, embedded.config.Support.OPA)
				return exitClean, nil
			}
		},
	}
}

// compact shows a value of a schema in one line.
func compact(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSpace(string(data))
}
