// Package bundle generates what is packaged: ConstraintTemplates, Constraints, SyncSets, the constraints of conftest and opa
// eval, and the OPA bundle. It decides nothing: all comes from the policies' annotations (package policy) and bundle.yaml.
package bundle

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

// Folders that Generate owns: what else lies in them is stale.
var Folders = []string{"constrainttemplates", "bundle/gatekeeper", "bundle/conftest"}

type generator struct {
	lib     *policy.Library
	config  constraint.Config
	schemas *schema.Set
	files   map[string][]byte
}

// Generate makes every committed generated file, by its path from the project's root. The same sources give the same bytes.
func Generate(lib *policy.Library, config constraint.Config, schemas *schema.Set) (map[string][]byte, error) {
	g := &generator{lib: lib, config: config, schemas: schemas, files: map[string][]byte{}}
	for _, step := range []func() error{g.templates, g.sync, g.constraints, g.conftest} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return g.files, nil
}

func (g *generator) templates() error {
	var resources []string
	for _, p := range g.lib.Policies {
		template, err := g.template(p)
		if err != nil {
			return err
		}
		file := p.Name + ".yaml"
		if err := g.write("constrainttemplates/"+file, "policies/"+p.Path, template); err != nil {
			return err
		}
		resources = append(resources, file)
	}
	if err := g.kustomization("constrainttemplates", resources); err != nil {
		return err
	}
	return g.kustomization("bundle/gatekeeper/templates", []string{"../../../constrainttemplates", "../sync"})
}

// sync writes the SyncSets of what the profiles' rules read, and beside them those of what only rules read that are off in
// every profile: all Secrets of a cluster in OPA's memory are nobody's default.
func (g *generator) sync() error {
	standard := inventoryKinds(g.lib.Policies, installed)
	optional := slices.DeleteFunc(inventoryKinds(g.lib.Policies, func(r *policy.Rule) bool { return !installed(r) }),
		func(kind string) bool { return slices.Contains(standard, kind) })
	for _, part := range []struct {
		folder, suffix string
		kinds          []string
	}{{"bundle/gatekeeper/sync", "", standard}, {"bundle/gatekeeper/sync-optional", "-optional", optional}} {
		if len(part.kinds) == 0 {
			continue
		}
		sets, err := g.syncSets(part.kinds, part.suffix)
		if err != nil {
			return err
		}
		var resources []string
		for _, set := range sets {
			file := strings.TrimPrefix(set.Metadata.Name, "kfs-") + ".yaml"
			if err := g.write(part.folder+"/"+file, "the inventory annotations in policies", set); err != nil {
				return err
			}
			resources = append(resources, file)
		}
		if err := g.kustomization(part.folder, resources); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) constraints() error {
	for _, profile := range policy.Profiles {
		for _, flavor := range policy.Flavors {
			constraints, err := constraint.Generate(g.lib, g.config, profile, flavor)
			if err != nil {
				return err
			}
			folder := "bundle/gatekeeper/constraints/" + profile + "-" + flavor
			var resources []string
			for _, c := range constraints {
				if err := c.Validate(); err != nil {
					return fmt.Errorf("bundle.yaml: %w", err)
				}
				file := strings.TrimPrefix(c.Name, "kfs-") + ".yaml"
				if err := g.write(path.Join(folder, file), "policies/"+c.Policy.Path+" and bundle/bundle.yaml", g.constraint(c)); err != nil {
					return err
				}
				resources = append(resources, file)
			}
			if err := g.kustomization(folder, resources); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *generator) kustomization(folder string, resources []string) error {
	slices.Sort(resources)
	return g.write(path.Join(folder, "kustomization.yaml"), "policies", struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Resources  []string `yaml:"resources"`
	}{"kustomize.config.k8s.io/v1beta1", "Kustomization", resources})
}

func (g *generator) write(file, source string, value any) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Generated from %s by `make generate`. Don't edit.\n", source)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("generate %s: %w", file, err)
	}
	g.files[file] = out.Bytes()
	return nil
}

// Paths lists the generated files, sorted.
func Paths(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
