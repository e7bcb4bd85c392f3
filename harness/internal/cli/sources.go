package cli

import (
	"kyma-function-security/bundle"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

// sources is what is embedded in the program: the policies, bundle.yaml and the schemas.
type sources struct {
	library *policy.Library
	config  constraint.Config
	schemas *schema.Set
}

func load() (sources, error) {
	var s sources
	var err error
	if s.library, err = policy.Load(policies.FS); err != nil {
		return s, err
	}
	if s.config, err = constraint.ReadConfig(bundle.Config); err != nil {
		return s, err
	}
	s.schemas = schema.Load()
	return s, nil
}
