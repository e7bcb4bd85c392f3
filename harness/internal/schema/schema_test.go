package schema

import "testing"

func TestFiles(t *testing.T) {
	if err := Load().Err(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkRead(b *testing.B) {
	for _, kind := range []string{"Function", "APIRule", "Namespace", "Deployment", "VirtualService"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				if _, ok := Load().ByName(kind); !ok {
					b.Fatal(kind)
				}
			}
		})
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			Load().Kinds()
		}
	})
}
