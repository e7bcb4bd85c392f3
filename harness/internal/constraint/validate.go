package constraint

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Validate checks the parameters of a constraint as Read does those of a file: the API server would refuse it, or drop what
// is misspelt.
func (c *Constraint) Validate() error {
	flaws, err := validate(ParametersSchema(c.Policy), c.AllParameters())
	if err != nil {
		return fmt.Errorf("constraint %s: %w", c.Name, err)
	}
	if len(flaws) > 0 {
		return fmt.Errorf("constraint %s: %s", c.Name, flaws[0].text)
	}
	return nil
}

// flaw is one disagreement of parameters with their schema.
type flaw struct {
	path []any
	text string
}

// validate checks parameters as the API server would with the template's CRD, but refuses unknown fields, which that drops
// silently: a misspelt parameter would be none.
func validate(schema, parameters map[string]any) ([]flaw, error) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	plain, err := plain(closed(schema))
	if err != nil {
		return nil, err
	}
	if err := compiler.AddResource("parameters", plain); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile("parameters")
	if err != nil {
		return nil, err
	}
	if parameters == nil {
		parameters = map[string]any{}
	}
	invalid, ok := compiled.Validate(parameters).(*jsonschema.ValidationError)
	if !ok {
		return nil, nil
	}
	var flaws []flaw
	printer := message.NewPrinter(language.English)
	var collect func(*jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			path := make([]any, len(e.InstanceLocation))
			for i, step := range e.InstanceLocation {
				path[i] = step
				if index, err := strconv.Atoi(step); err == nil {
					path[i] = index
				}
			}
			if unknown, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
				for _, name := range unknown.Properties {
					text := fmt.Sprintf("there is no parameter %q", name)
					if len(path) > 0 {
						text = fmt.Sprintf("%s has no field %q", shown(path), name)
					}
					flaws = append(flaws, flaw{append(slices.Clone(path), name), text})
				}
				return
			}
			flaws = append(flaws, flaw{path, strings.TrimPrefix(shown(path)+": "+e.ErrorKind.LocalizedString(printer), ": ")})
		}
		for _, cause := range e.Causes {
			collect(cause)
		}
	}
	collect(invalid)
	slices.SortFunc(flaws, func(a, b flaw) int { return strings.Compare(a.text, b.text) })
	return flaws, nil
}

func shown(path []any) string {
	var text strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", step)
		default:
			if text.Len() > 0 {
				text.WriteByte('.')
			}
			fmt.Fprint(&text, step)
		}
	}
	return text.String()
}

// closed refuses fields that the schema doesn't name wherever it names any.
func closed(schema map[string]any) map[string]any {
	schema = maps.Clone(schema)
	if properties, ok := schema["properties"].(map[string]any); ok {
		below := map[string]any{}
		for name, property := range properties {
			below[name] = property
			if nested, ok := property.(map[string]any); ok {
				below[name] = closed(nested)
			}
		}
		schema["properties"] = below
		schema["additionalProperties"] = false
	}
	if items, ok := schema["items"].(map[string]any); ok {
		schema["items"] = closed(items)
	}
	return schema
}

// plain brings a schema to the types that the validator takes.
func plain(schema map[string]any) (any, error) {
	data, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
}

// withDefaults fills in the schema's defaults, as the API server does with a Constraint.
func withDefaults(schema map[string]any, value any) any {
	switch fields := value.(type) {
	case map[string]any:
		filled := maps.Clone(fields)
		if filled == nil {
			filled = map[string]any{}
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			property, _ := property.(map[string]any)
			if field, given := filled[name]; given {
				filled[name] = withDefaults(property, field)
			} else if standard, ok := property["default"]; ok {
				filled[name] = standard
			}
		}
		return filled
	case []any:
		items, _ := schema["items"].(map[string]any)
		filled := make([]any, len(fields))
		for i, element := range fields {
			filled[i] = withDefaults(items, element)
		}
		return filled
	}
	return value
}
