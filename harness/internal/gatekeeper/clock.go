package gatekeeper

import (
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// clockKey is the context key of the time.Time that time.now_ns() gives.
type clockKey struct{}

// setClock replaces OPA's clock by one that looks into the context first. Gatekeeper's driver starts each query without a
// time of its own and hands on the context, so that is the one way to judge a case at its instant. Other evaluations in
// the process don't notice.
var setClock = sync.OnceFunc(func() {
	const name = "time.now_ns"
	builtin := topdown.GetBuiltin(name)
	topdown.RegisterBuiltinFunc(name, func(ctx topdown.BuiltinContext, operands []*ast.Term, yield func(*ast.Term) error) error {
		now, ok := ctx.Context.Value(clockKey{}).(time.Time)
		if !ok {
			return builtin(ctx, operands, yield)
		}
		return yield(ast.NewTerm(ast.Number(json.Number(strconv.FormatInt(now.UnixNano(), 10)))))
	})
})
